"""Authentication functions of GSM, UMTS and LTE that hold the subscriber's key (3GPP TS 35.206, 34.108, 33.102).

Only this module sees K and OPc; the protocol around it (AUTN, AUTS, SQN) is in :mod:`cardkit.apps.uicc.sqn`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import partial

from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

from cardkit.crypto.secret import Secret
from cardkit.errors import EncodingError

KEY_BYTES = 16

# TS 35.206 4.1: r1 to r5 in bits, c1 to c5.
ROTATIONS = (64, 0, 32, 64, 96)
ADDITIONS = tuple(value.to_bytes(16, "big") for value in (0, 1, 2, 4, 8))
ALL_BITS = (1 << 128) - 1

_int = partial(int.from_bytes, byteorder="big")


def xor(left: bytes | bytearray, right: bytes) -> bytes:
    """Return the bitwise exclusive or of two equally long strings.

    >>> xor(b"\\x0f\\xf0", b"\\xff\\xff").hex()
    'f00f'
    """
    if len(left) != len(right):
        raise EncodingError(f"xor: got {len(left)} and {len(right)} bytes, expected equal lengths")
    return (int.from_bytes(left, "big") ^ int.from_bytes(right, "big")).to_bytes(len(left), "big")


def checked(name: str, value: bytes | Secret, *sizes: int) -> None:
    """Check a length in bytes.  :raises EncodingError: naming the value, never showing it."""
    if len(value) not in sizes:
        raise EncodingError(f"{name} must be {' or '.join(map(str, sizes))} bytes, got {len(value)}")


def subscriber_key(value: bytes | Secret, name: str, *sizes: int) -> Secret:
    """Return a key as a secret.

    :param sizes: the lengths it may have, in bytes.  :raises EncodingError: on another one.
    """
    checked(name, value, *sizes)
    return value if isinstance(value, Secret) else Secret(value, name)


def _key(value: bytes | Secret, name: str) -> Secret:
    return subscriber_key(value, name, KEY_BYTES)


def _block_cipher(key: Secret) -> Callable[[bytes], bytes]:
    """Return E_K of TS 35.206: one block under the subscriber key, so there is no mode to choose."""
    with key.reveal() as buffer:
        return Cipher(algorithms.AES(bytes(buffer)), modes.ECB()).encryptor().update  # noqa: S305


def _mix(key: Secret, block: bytes) -> bytes:
    with key.reveal() as buffer:
        return xor(buffer, block)


def milenage_opc(k: bytes | Secret, op: bytes | Secret) -> Secret:
    """Return OPc = OP xor E_K(OP).

    :param k: 16 bytes.  :param op: 16 bytes.  :raises EncodingError: on another length.
    TS 35.206 4.1
    """
    key, operator = _key(k, "k"), _key(op, "op")
    with operator.reveal() as buffer:
        return Secret(_mix(operator, _block_cipher(key)(bytes(buffer))), "opc")


@dataclass(frozen=True, slots=True)
class MilenageConstants:
    """Rotations r1 to r5 (bits, 0 to 127) and additions c1 to c5 (16 bytes each). TS 35.206 4.1"""

    rotations: tuple[int, ...] = ROTATIONS
    additions: tuple[bytes, ...] = ADDITIONS

    def __post_init__(self) -> None:
        if len(self.rotations) != 5 or any(not 0 <= r < 128 for r in self.rotations):
            raise EncodingError(f"Milenage rotations: got {self.rotations}, expected 5 from 0 to 127")
        if [len(c) for c in self.additions] != [16] * 5:
            raise EncodingError("Milenage additions: expected 5 times 16 bytes")


STANDARD = MilenageConstants()
"""The constants of TS 35.206; operators may have their own."""


class MilenageFunctions:
    """f1 to f5* of one subscriber.

    :param k: 16 bytes.  :param opc: 16 bytes.  :raises EncodingError: on another length.
    TS 35.206 4.1
    """

    def __init__(
        self,
        k: bytes | Secret,
        opc: bytes | Secret,
        constants: MilenageConstants = STANDARD,
    ) -> None:
        self._encrypt = _block_cipher(_key(k, "k"))  # the key's schedule dies with this object
        self._opc = _key(opc, "opc")
        self._constants = constants
        # A challenge is used for five functions, and every one of them begins with its TEMP.
        self._temps: dict[bytes, bytes] = {}

    def _temp(self, rand: bytes) -> bytes:
        if rand not in self._temps:
            checked("RAND", rand, 16)
            self._temps = {rand: self._encrypt(_mix(self._opc, rand))}
        return self._temps[rand]

    def _out1(self, sqn: bytes, rand: bytes, amf: bytes) -> bytes:
        checked("SQN", sqn, 6)
        checked("AMF", amf, 2)
        return self._out(1, (sqn + amf) * 2, self._temp(rand))

    def _outn(self, number: int, rand: bytes) -> bytes:
        return self._out(number, self._temp(rand), bytes(16))

    def _out(self, number: int, block: bytes, mask: bytes) -> bytes:
        """Return E_K(mask xor rot(block xor OPc, r) xor c) xor OPc."""
        rotation = self._constants.rotations[number - 1]
        addition = self._constants.additions[number - 1]
        with self._opc.reveal() as buffer:
            opc = _int(buffer)
        mixed = _int(block) ^ opc
        turned = (mixed << rotation | mixed >> 128 - rotation) & ALL_BITS
        inside = turned ^ _int(mask) ^ _int(addition)
        return (_int(self._encrypt(inside.to_bytes(16, "big"))) ^ opc).to_bytes(16, "big")

    def f1(self, sqn: bytes, rand: bytes, amf: bytes) -> bytes:
        """Return MAC-A, 8 bytes, for SQN (6), RAND (16) and AMF (2)."""
        return self._out1(sqn, rand, amf)[:8]

    def f1_star(self, sqn: bytes, rand: bytes, amf: bytes) -> bytes:
        """Return MAC-S, 8 bytes, for SQN (6), RAND (16) and AMF (2)."""
        return self._out1(sqn, rand, amf)[8:]

    def f2(self, rand: bytes) -> bytes:
        """Return RES, 8 bytes."""
        return self._outn(2, rand)[8:]

    def f3(self, rand: bytes) -> bytes:
        """Return CK, 16 bytes."""
        return self._outn(3, rand)

    def f4(self, rand: bytes) -> bytes:
        """Return IK, 16 bytes."""
        return self._outn(4, rand)

    def f5(self, rand: bytes) -> bytes:
        """Return AK, 6 bytes."""
        return self._outn(2, rand)[:6]

    def f5_star(self, rand: bytes) -> bytes:
        """Return AK for resynchronization, 6 bytes."""
        return self._outn(5, rand)[:6]


class XorFunctions:
    """The test algorithm: everything is a rotation of K xor RAND. TS 34.108 8.1.2

    :param k: 16 bytes.  :raises EncodingError: on another length.
    """

    def __init__(self, k: bytes | Secret) -> None:
        self._k = _key(k, "k")

    def _mixed(self, rand: bytes) -> bytes:
        checked("RAND", rand, 16)
        return _mix(self._k, rand)

    def f1(self, sqn: bytes, rand: bytes, amf: bytes) -> bytes:
        """Return MAC, 8 bytes, for SQN (6), RAND (16) and AMF (2)."""
        checked("SQN", sqn, 6)
        checked("AMF", amf, 2)
        return xor(self._mixed(rand)[:8], sqn + amf)

    def f1_star(self, sqn: bytes, rand: bytes, amf: bytes) -> bytes:
        """Return MAC-S: the same function as :meth:`f1`."""
        return self.f1(sqn, rand, amf)

    def f2(self, rand: bytes) -> bytes:
        """Return RES, 16 bytes."""
        return self._mixed(rand)

    def f3(self, rand: bytes) -> bytes:
        """Return CK, 16 bytes."""
        mixed = self._mixed(rand)
        return mixed[1:] + mixed[:1]

    def f4(self, rand: bytes) -> bytes:
        """Return IK, 16 bytes."""
        mixed = self._mixed(rand)
        return mixed[2:] + mixed[:2]

    def f5(self, rand: bytes) -> bytes:
        """Return AK, 6 bytes."""
        return self._mixed(rand)[3:9]

    def f5_star(self, rand: bytes) -> bytes:
        """Return AK for resynchronization: the same function as :meth:`f5`."""
        return self.f5(rand)


class Xor2G:
    """The test algorithm of 2G SIMs: SRES and Kc are cut from Ki xor RAND. TS 51.010-1 A.4.1.2

    :param ki: 16 bytes.  :raises EncodingError: on another length.
    """

    def __init__(self, ki: bytes | Secret) -> None:
        self._ki = _key(ki, "ki")

    def a3a8(self, rand: bytes) -> tuple[bytes, bytes]:
        """Return SRES (4 bytes) and Kc (8 bytes) for RAND (16 bytes)."""
        checked("RAND", rand, 16)
        mixed = _mix(self._ki, rand)
        return mixed[:4], mixed[4:12]


def _fold(parts: Iterable[bytes]) -> bytes:
    first, *others = parts
    for part in others:
        first = xor(first, part)
    return first


def c2(res: bytes, *, first_word_only: bool = False) -> bytes:
    """Derive SRES (4 bytes) from RES (4 to 16 bytes).

    :param first_word_only: the variant some cards are configured for: SRES = RES[0:4].
    TS 33.102 6.8.1.2
    """
    if not 4 <= len(res) <= 16:
        raise EncodingError(f"RES must be 4 to 16 bytes, got {len(res)}")
    padded = res.ljust(16, b"\0")
    return res[:4] if first_word_only else _fold(padded[i : i + 4] for i in range(0, 16, 4))


def c3(ck: bytes, ik: bytes) -> bytes:
    """Derive Kc (8 bytes) from CK and IK (16 bytes each). TS 33.102 6.8.1.2"""
    checked("CK", ck, 16)
    checked("IK", ik, 16)
    return _fold((ck[:8], ck[8:], ik[:8], ik[8:]))


def sres_and_kc(res: bytes, ck: bytes, ik: bytes, *, first_word_only: bool = False) -> tuple[bytes, bytes]:
    """Return what a USIM answers a 2G challenge: SRES by c2 and Kc by c3.

    :param first_word_only: as for :func:`c2`.  :raises EncodingError: on CK and IK of 32 bytes: there is no Kc then.
    TS 33.102 6.8.1.2
    """
    return c2(res, first_word_only=first_word_only), c3(ck, ik)


def c4(kc: bytes) -> bytes:
    """Derive CK (16 bytes) from Kc (8 bytes). TS 33.102 6.8.2.3"""
    checked("Kc", kc, 8)
    return kc + kc


def c5(kc: bytes) -> bytes:
    """Derive IK (16 bytes) from Kc (8 bytes). TS 33.102 6.8.2.3"""
    checked("Kc", kc, 8)
    outer = xor(kc[:4], kc[4:])
    return outer + kc + outer

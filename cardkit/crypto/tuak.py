"""TUAK, the algorithm set of USIMs that does not rest on AES (3GPP TS 35.231).

Its input block is a message of 96 bytes padded as SHAKE256 pads it, and block n of SHAKE256's output is the beginning
of the state after n permutations: the standard library's Keccak-f[1600] does the work, for any number of iterations.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

from cardkit.crypto.aka import checked, subscriber_key
from cardkit.crypto.secret import Secret
from cardkit.errors import EncodingError

KEY_SIZES = (16, 32)
TOP_BYTES = 32
ALGORITHM_NAME = b"TUAK1.0"
RATE_BYTES = 136

MAC_BITS = (64, 128, 256)
RES_BITS = (32, 64, 128, 256)
KEY_BITS = (128, 256)

# INSTANCE, TS 35.231 6: the function in bits 7 and 6 (with MAC and RES sizes below), key sizes in bits 2 to 0.
F1_STAR, F2345, F5_STAR = 0x80, 0x40, 0xC0
RES_CODE = {32: 0x00, 64: 0x08, 128: 0x10, 256: 0x20}
CK_256, IK_256, K_256 = 0x04, 0x02, 0x01

# Where the values lie in the block that comes out.
CK_AT, IK_AT, AK_AT = 32, 64, 96
AK_BYTES = 6


@dataclass(frozen=True, slots=True)
class TuakParameters:
    """Sizes of the values, in bits, and how often Keccak is applied.

    :raises EncodingError: on a size the standard does not have.
    TS 35.231 5.2
    """

    mac_bits: int = 64
    res_bits: int = 64
    ck_bits: int = 128
    ik_bits: int = 128
    iterations: int = 1

    def __post_init__(self) -> None:
        sizes = {
            "MAC": (self.mac_bits, MAC_BITS),
            "RES": (self.res_bits, RES_BITS),
            "CK": (self.ck_bits, KEY_BITS),
            "IK": (self.ik_bits, KEY_BITS),
        }
        for name, (bits, allowed) in sizes.items():
            if bits not in allowed:
                raise EncodingError(f"TUAK: {name} of {bits} bits, expected one of {', '.join(map(str, allowed))}")
        if self.iterations < 1:
            raise EncodingError(f"TUAK: {self.iterations} Keccak iterations, expected 1 or more")


USUAL = TuakParameters()


def tuak_topc(k: bytes | Secret, top: bytes | Secret, iterations: int = 1) -> Secret:
    """Return TOPc of the operator's TOP.

    :param k: 16 or 32 bytes.  :param top: 32 bytes.  :param iterations: of Keccak, 1 or more.
    :raises EncodingError: on another length or number.
    TS 35.231 6.1
    """
    block = _Block(k, top, "top", TuakParameters(iterations=iterations).iterations)
    return Secret(block.run(0)[:TOP_BYTES][::-1], "topc")


class _Block:
    """The block that goes into Keccak, for one key and one TOP or TOPc."""

    def __init__(self, k: bytes | Secret, top: bytes | Secret, name: str, iterations: int) -> None:
        self._k = subscriber_key(k, "k", *KEY_SIZES)
        self._top = subscriber_key(top, name, TOP_BYTES)
        self._iterations = iterations
        self._key_bit = K_256 if len(self._k) == KEY_SIZES[1] else 0

    def run(self, instance: int, rand: bytes = bytes(16), amf: bytes = bytes(2), sqn: bytes = bytes(6)) -> bytes:
        """Return the block after all iterations, 136 bytes of it; every value in it stands the wrong way round."""
        checked("RAND", rand, 16)
        checked("AMF", amf, 2)
        checked("SQN", sqn, 6)
        with self._top.reveal() as top, self._k.reveal() as k:
            head = bytes((*reversed(top), instance | self._key_bit))
            values = b"".join(value[::-1] for value in (ALGORITHM_NAME, rand, amf, sqn))
            message = head + values + bytes(reversed(k)).ljust(KEY_SIZES[1], b"\0")
        return hashlib.shake_256(message).digest(RATE_BYTES * self._iterations)[-RATE_BYTES:]


class TuakFunctions:
    """f1 to f5* of one subscriber.

    :param k: 16 or 32 bytes.  :param topc: 32 bytes.  :raises EncodingError: on another length.
    TS 35.231 6
    """

    def __init__(self, k: bytes | Secret, topc: bytes | Secret, parameters: TuakParameters = USUAL) -> None:
        self._block = _Block(k, topc, "topc", parameters.iterations)
        self._parameters = parameters
        self._mac_bytes = parameters.mac_bits // 8  # also how INSTANCE says it
        self._f2345 = (
            F2345
            | RES_CODE[parameters.res_bits]
            | (CK_256 if parameters.ck_bits == 256 else 0)
            | (IK_256 if parameters.ik_bits == 256 else 0)
        )
        # One block gives f2, f3, f4 and f5 of a challenge.
        self._outs: dict[bytes, bytes] = {}

    def _value(self, rand: bytes, at: int, size: int) -> bytes:
        if rand not in self._outs:
            self._outs = {rand: self._block.run(self._f2345, rand)}
        return self._outs[rand][at : at + size][::-1]

    def f1(self, sqn: bytes, rand: bytes, amf: bytes) -> bytes:
        """Return MAC-A, 8, 16 or 32 bytes, for SQN (6), RAND (16) and AMF (2)."""
        return self._block.run(self._mac_bytes, rand, amf, sqn)[: self._mac_bytes][::-1]

    def f1_star(self, sqn: bytes, rand: bytes, amf: bytes) -> bytes:
        """Return MAC-S, as long as MAC-A, for SQN (6), RAND (16) and AMF (2)."""
        return self._block.run(F1_STAR | self._mac_bytes, rand, amf, sqn)[: self._mac_bytes][::-1]

    def f2(self, rand: bytes) -> bytes:
        """Return RES, 4, 8, 16 or 32 bytes."""
        return self._value(rand, 0, self._parameters.res_bits // 8)

    def f3(self, rand: bytes) -> bytes:
        """Return CK, 16 or 32 bytes."""
        return self._value(rand, CK_AT, self._parameters.ck_bits // 8)

    def f4(self, rand: bytes) -> bytes:
        """Return IK, 16 or 32 bytes."""
        return self._value(rand, IK_AT, self._parameters.ik_bits // 8)

    def f5(self, rand: bytes) -> bytes:
        """Return AK, 6 bytes."""
        return self._value(rand, AK_AT, AK_BYTES)

    def f5_star(self, rand: bytes) -> bytes:
        """Return AK for resynchronization, 6 bytes."""
        return self._block.run(F5_STAR, rand)[AK_AT : AK_AT + AK_BYTES][::-1]

"""Milenage (3GPP TS 35.206) and the XOR test algorithm (TS 34.108 8.1.2), as the card computes them."""

from dataclasses import dataclass
from typing import Final, Protocol

from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

_BLOCK: Final = 128  # bits
_MASK: Final = (1 << _BLOCK) - 1


class Aka(Protocol):
    """The functions f1 to f5 and their resynchronization forms under one subscriber key.

    rand 16 bytes, sqn 6, amf 2; mac 8 to 32, response 4 to 32, ck and ik 16 or 32, anonymity keys 6.
    """

    def mac(self, rand: bytes, sqn: bytes, amf: bytes) -> bytes:
        """f1: MAC-A."""

    def mac_resync(self, rand: bytes, sqn: bytes, amf: bytes) -> bytes:
        """f1*: MAC-S."""

    def response(self, rand: bytes) -> bytes:
        """f2: RES."""

    def keys(self, rand: bytes) -> tuple[bytes, bytes]:
        """f3 and f4: CK and IK."""

    def anonymity(self, rand: bytes) -> bytes:
        """f5: AK."""

    def anonymity_resync(self, rand: bytes) -> bytes:
        """f5*: AK of AUTS."""


def xor(left: bytes, right: bytes) -> bytes:
    """Exclusive or over the shorter of both."""
    size = min(len(left), len(right))
    return (int.from_bytes(left[:size], "big") ^ int.from_bytes(right[:size], "big")).to_bytes(size, "big")


@dataclass(frozen=True, slots=True)
class Constants:
    """What an operator may change (TS 35.206 4.1, 5.3).

    :ivar rotations: r1 to r5 in bits.  :ivar offsets: c1 to c5 as numbers of 128 bits.
    """

    rotations: tuple[int, ...] = (64, 0, 32, 64, 96)
    offsets: tuple[int, ...] = (0, 1, 2, 4, 8)

    @classmethod
    def parse(cls, body: bytes) -> "Constants":
        """From the 85 bytes r1 to r5, c1 to c5; rotations count modulo 128."""
        offsets = (int.from_bytes(body[at : at + 16], "big") for at in range(5, 85, 16))
        return cls(tuple(rotation % _BLOCK for rotation in body[:5]), tuple(offsets))


STANDARD: Final = Constants()


class Milenage:
    """Milenage.

    :param k: subscriber key, 16 bytes.  :param opc: OPc, or OP when `derive` is set.
    """

    def __init__(self, k: bytes, opc: bytes, *, derive: bool = False, constants: Constants = STANDARD) -> None:
        self._encrypt = Cipher(algorithms.AES(k), modes.ECB()).encryptor().update  # noqa: S305 - TS 35.206 is built on ECB
        self._opc = int.from_bytes(xor(opc, self._encrypt(opc)) if derive else opc, "big")
        self._constants = constants
        self._rand = b""  # of the last challenge
        self._temp = 0  # TEMP of it, which all five functions share
        self._known: dict[int, bytes] = {}  # and those of OUT2 to OUT5 that were asked for

    def _cipher(self, block: int) -> int:
        return int.from_bytes(self._encrypt(block.to_bytes(16, "big")), "big")

    def _begin(self, rand: bytes) -> None:
        if rand != self._rand:
            self._rand, self._known = rand, {}
            self._temp = self._cipher(int.from_bytes(rand, "big") ^ self._opc)

    def _out1(self, rand: bytes, sqn: bytes, amf: bytes) -> bytes:
        """OUT1 of TS 35.206 4.1."""
        self._begin(rand)
        rotated = self._rotated(1, int.from_bytes((sqn + amf) * 2, "big") ^ self._opc)
        return (self._cipher(rotated ^ self._temp) ^ self._opc).to_bytes(16, "big")

    def _out(self, number: int, rand: bytes) -> bytes:
        """OUT2 to OUT5."""
        self._begin(rand)
        found = self._known.get(number)
        if found is None:
            found = (self._cipher(self._rotated(number, self._temp ^ self._opc)) ^ self._opc).to_bytes(16, "big")
            self._known[number] = found
        return found

    def _rotated(self, number: int, value: int) -> int:
        shift = self._constants.rotations[number - 1]
        return (value << shift | value >> _BLOCK - shift) & _MASK ^ self._constants.offsets[number - 1]

    def mac(self, rand: bytes, sqn: bytes, amf: bytes) -> bytes:
        """f1."""
        return self._out1(rand, sqn, amf)[:8]

    def mac_resync(self, rand: bytes, sqn: bytes, amf: bytes) -> bytes:
        """f1*."""
        return self._out1(rand, sqn, amf)[8:]

    def response(self, rand: bytes) -> bytes:
        """f2."""
        return self._out(2, rand)[8:]

    def keys(self, rand: bytes) -> tuple[bytes, bytes]:
        """f3 and f4."""
        return self._out(3, rand), self._out(4, rand)

    def anonymity(self, rand: bytes) -> bytes:
        """f5."""
        return self._out(2, rand)[:6]

    def anonymity_resync(self, rand: bytes) -> bytes:
        """f5*."""
        return self._out(5, rand)[:6]


@dataclass(frozen=True, slots=True, repr=False)
class XorAka:
    """The test algorithm: everything is cut from K xor RAND."""

    k: bytes

    def mac(self, rand: bytes, sqn: bytes, amf: bytes) -> bytes:
        """f1."""
        return xor(self.response(rand), sqn + amf)

    def mac_resync(self, rand: bytes, sqn: bytes, amf: bytes) -> bytes:
        """f1*, the same function as f1."""
        return self.mac(rand, sqn, amf)

    def response(self, rand: bytes) -> bytes:
        """f2, 16 bytes."""
        return xor(self.k, rand)

    def keys(self, rand: bytes) -> tuple[bytes, bytes]:
        """f3 and f4."""
        x = self.response(rand)
        return x[1:] + x[:1], x[2:] + x[:2]

    def anonymity(self, rand: bytes) -> bytes:
        """f5."""
        return self.response(rand)[3:9]

    def anonymity_resync(self, rand: bytes) -> bytes:
        """f5*, the same function as f5."""
        return self.anonymity(rand)


def sres(response: bytes, *, variant2: bool = False) -> bytes:
    """Conversion c2 (TS 33.102 6.8.1.2): RES folded to 4 bytes; variant 2 takes the first four."""
    if variant2:
        return response[:4]
    padded = response.ljust(16, b"\x00")
    return xor(xor(padded[:4], padded[4:8]), xor(padded[8:12], padded[12:]))


def kc(ck: bytes, ik: bytes) -> bytes:
    """Conversion c3: CK and IK folded to 8 bytes."""
    return xor(xor(ck[:8], ck[8:]), xor(ik[:8], ik[8:]))

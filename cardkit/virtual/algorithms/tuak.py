"""TUAK (3GPP TS 35.231): f1 to f5 from Keccak-f[1600].

The 200 bytes TS 35.231 6.2 gives the permutation are 96 bytes of input under the padding of SHAKE256, whose output goes
on with one more permutation every 136 bytes: n iterations are the n-th such block.
"""

import hashlib
from dataclasses import dataclass
from typing import Final

_NAME: Final = b"TUAK1.0"
_RATE: Final = 136  # bytes of a block of SHAKE256
_MAC_CODES: Final = {8: 0x08, 16: 0x10, 32: 0x20}  # instance bits by size in bytes
_RES_CODES: Final = {4: 0x00, 8: 0x08, 16: 0x10, 32: 0x20}
_RESYNC, _KEYS, _ANONYMITY_RESYNC = 0x80, 0x40, 0xC0
_LONG_CK, _LONG_IK = 0x04, 0x02
_LONG_KEY: Final = 0x01
_CK_AT, _IK_AT, _AK_AT = 32, 64, 96


@dataclass(frozen=True, slots=True)
class Sizes:
    """Bytes of what TUAK gives: mac 8, 16, 32; res 4, 8, 16, 32; ck and ik 16 or 32."""

    mac: int = 8
    res: int = 8
    ck: int = 16
    ik: int = 16


@dataclass(frozen=True, slots=True, repr=False)
class Tuak:
    """TUAK under one subscriber key.

    :param k: 16 or 32 bytes.  :param topc: 32 bytes.  :param iterations: of Keccak, 1 or more.
    """

    k: bytes
    topc: bytes
    sizes: Sizes = Sizes()
    iterations: int = 1

    @classmethod
    def from_top(cls, k: bytes, top: bytes, sizes: Sizes, iterations: int) -> "Tuak":
        """With TOPc derived from the operator's TOP, 32 bytes (6.2)."""
        topc = cls(k, top, sizes, iterations)._out(0)[:32][::-1]
        return cls(k, topc, sizes, iterations)

    def _out(self, instance: int, rand: bytes = bytes(16), sqn: bytes = bytes(6), amf: bytes = bytes(2)) -> bytes:
        instance |= _LONG_KEY if len(self.k) == 32 else 0
        fields = (_NAME, rand, amf, sqn, self.k)
        head = self.topc[::-1] + bytes((instance,))
        block = head + b"".join(field[::-1] for field in fields) + bytes(32 - len(self.k))
        return hashlib.shake_256(block).digest(_RATE * self.iterations)[-_RATE:]

    def _keys(self, rand: bytes) -> bytes:
        long = (_LONG_CK if self.sizes.ck == 32 else 0) | (_LONG_IK if self.sizes.ik == 32 else 0)
        return self._out(_KEYS | _RES_CODES[self.sizes.res] | long, rand)

    def mac(self, rand: bytes, sqn: bytes, amf: bytes) -> bytes:
        """f1."""
        return self._out(_MAC_CODES[self.sizes.mac], rand, sqn, amf)[: self.sizes.mac][::-1]

    def mac_resync(self, rand: bytes, sqn: bytes, amf: bytes) -> bytes:
        """f1*."""
        return self._out(_RESYNC | _MAC_CODES[self.sizes.mac], rand, sqn, amf)[: self.sizes.mac][::-1]

    def response(self, rand: bytes) -> bytes:
        """f2."""
        return self._keys(rand)[: self.sizes.res][::-1]

    def keys(self, rand: bytes) -> tuple[bytes, bytes]:
        """f3 and f4."""
        out = self._keys(rand)
        return out[_CK_AT : _CK_AT + self.sizes.ck][::-1], out[_IK_AT : _IK_AT + self.sizes.ik][::-1]

    def anonymity(self, rand: bytes) -> bytes:
        """f5."""
        return self._keys(rand)[_AK_AT : _AK_AT + 6][::-1]

    def anonymity_resync(self, rand: bytes) -> bytes:
        """f5*."""
        return self._out(_ANONYMITY_RESYNC, rand)[_AK_AT : _AK_AT + 6][::-1]

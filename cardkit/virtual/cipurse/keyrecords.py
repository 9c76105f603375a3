"""Keys as they lie in the memory, and as commands bring and show them (sheet 2.3)."""

from dataclasses import dataclass
from typing import ClassVar, Final, Self

from . import crypto

ALGORITHM: Final = b"\x10\x09"  # AES-128
_SELF_ONLY, _CHANGEABLE, _NO_ENCRYPTION, _INVALID = 0x01, 0x02, 0x04, 0x80


@dataclass(slots=True, repr=False)
class KeyRecord:
    """One key.

    :ivar attributes: bit 0: changed by itself only; bit 1: changeable; bit 2: enciphers no keys; bit 7: invalid.
    :ivar version: the issuer's own, "additional information".
    """

    attributes: int
    version: int
    key: bytes

    KEY_SIZE: ClassVar[int] = 16
    SIZE: ClassVar[int] = 18

    @property
    def self_only(self) -> bool:
        """May only the key itself change it?"""
        return bool(self.attributes & _SELF_ONLY)

    @property
    def frozen(self) -> bool:
        """Can it never be changed any more?"""
        return not self.attributes & _CHANGEABLE

    @property
    def invalid(self) -> bool:
        """Can it not be used at all?"""
        return bool(self.attributes & _INVALID)

    @property
    def enciphers(self) -> bool:
        """May it encipher other keys?"""
        return not self.attributes & (_NO_ENCRYPTION | _INVALID)

    def cell(self) -> bytes:
        """Its part of the cell."""
        return bytes((self.attributes, self.version)) + self.key

    def shown(self) -> bytes:
        """Its 7 bytes in the attributes of a directory."""
        return bytes((self.version,)) + ALGORITHM + bytes((self.attributes,)) + crypto.kvv(self.key)

    @classmethod
    def of(cls, cell: bytes, number: int) -> Self:
        """The key of that number, from 1 on, in a directory's cell of keys; an invalid one where its write was lost."""
        part = cell[cls.SIZE * (number - 1) : cls.SIZE * number] or bytes((_INVALID, *bytes(1 + cls.KEY_SIZE)))
        return cls(part[0], part[1], part[2:])

    @classmethod
    def values(cls, cell: bytes) -> set[bytes]:
        """All keys of a directory's cell."""
        return {cell[at + 2 : at + cls.SIZE] for at in range(0, len(cell), cls.SIZE)}

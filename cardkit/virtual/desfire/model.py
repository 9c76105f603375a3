"""What lies in memory: applications, key sets, files; each encodes itself as one cell."""

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from enum import IntEnum
from functools import lru_cache
from typing import Final

from . import cells
from .crypto import KeyType

FREE, NEVER = 0x0E, 0x0F  # nibbles of access rights
READ, WRITE, READ_WRITE, CHANGE = 12, 8, 4, 0  # how far each is shifted
MANY_RIGHTS, SDM = 0x80, 0x40  # bits of the communication settings
_FILE_IDS: Final = 0x20  # bit of key settings 2: files have ISO FIDs
_MODE: Final = 0x03


class FileType(IntEnum):
    """File types as GetFileSettings shows them."""

    STANDARD = 0
    BACKUP = 1
    VALUE = 2
    LINEAR = 3
    CYCLIC = 4
    TRANSACTION_MAC = 5


@dataclass(frozen=True, slots=True)
class Key:
    """One key.

    :ivar version: of AES keys; triple DES keys have theirs in the parity bits.
    """

    type: KeyType
    value: bytes
    version: int = 0

    @property
    def shown_version(self) -> int:
        """What GetKeyVersion answers."""
        if self.type is KeyType.AES:
            return self.version
        return sum((byte & 1) << 7 - at for at, byte in enumerate(self.value[:8]))

    @property
    def is_des(self) -> bool:
        """A 2TDEA key whose halves are the same, parity bits included."""
        return self.type is KeyType.TDEA2 and self.value[:8] == self.value[8:]

    @classmethod
    def zero(cls, kind: KeyType) -> "Key":
        """The key an application is born with."""
        return cls(kind, bytes(kind.size))


@dataclass(frozen=True, slots=True)
class KeySet:
    """The keys of an application, or one set of them.

    :ivar version: of the set.  :ivar ready: it is finalized, and may be rolled to.
    """

    keys: tuple[Key, ...]
    version: int = 0
    ready: bool = True

    def with_key(self, number: int, key: Key) -> "KeySet":
        """The set with one key changed."""
        return replace(self, keys=(*self.keys[:number], key, *self.keys[number + 1 :]))

    def encode(self) -> bytes:
        """As a cell."""
        parts = (bytes((key.type, key.version)) + key.value for key in self.keys)
        return cells.pack(bytes((self.version, self.ready)), *parts)

    @classmethod
    @lru_cache(maxsize=512)
    def decode(cls, cell: bytes) -> "KeySet":
        """From a cell."""
        head, *parts = cells.unpack(cell)
        keys = tuple(Key(KeyType.of(part[0]), part[2:], part[1]) for part in parts)
        return cls(keys, head[0], bool(head[1]))


@dataclass(frozen=True, slots=True)
class Application:
    """One application, or the PICC level.

    :ivar settings: key settings 1.  :ivar keys: key settings 2.
    :ivar extension: key settings 3 and what follows: version and number of key sets, largest key, roll settings.
    :ivar fid: ISO FID, little endian, empty without.  :ivar blocks: memory it has taken, in blocks.
    :ivar active: number of the key set in use.  :ivar slot: of a delegated application: slot 2, version 1, quota 2.
    """

    aid: bytes
    settings: int
    keys: int
    extension: bytes = b""
    fid: bytes = b""
    name: bytes = b""
    blocks: int = 0
    active: int = 0
    slot: bytes = b""

    @property
    def is_picc(self) -> bool:
        """Is this the PICC level?"""
        return self.aid == cells.PICC

    @property
    def key_count(self) -> int:
        """Number of keys in each set."""
        return self.keys & 0x0F

    @property
    def key_type(self) -> KeyType:
        """Type of its keys."""
        return KeyType.of(self.keys)

    @property
    def has_file_ids(self) -> bool:
        """Do its files have ISO FIDs?"""
        return bool(self.keys & _FILE_IDS)

    @property
    def key_sets(self) -> int:
        """How many key sets there may be."""
        return self.extension[2] if len(self.extension) > 2 and self.extension[0] & 1 else 1

    def encode(self) -> bytes:
        """As a cell."""
        head = bytes((self.settings, self.keys, self.active)) + self.blocks.to_bytes(4, "big")
        return cells.pack(head, self.extension, self.fid, self.name, self.slot)

    @classmethod
    @lru_cache(maxsize=512)
    def decode(cls, aid: bytes, cell: bytes) -> "Application":
        """From a cell."""
        head, extension, fid, name, slot = cells.unpack(cell)
        blocks = int.from_bytes(head[3:], "big")
        return cls(aid, head[0], head[1], extension, fid, name, blocks, head[2], slot)


@dataclass(frozen=True, slots=True)
class File:
    """Settings of one file.

    :ivar communication: the byte as given.  :ivar rights: Read, Write, RW, Change in nibbles from the top.
    :ivar more_rights: additional access rights.
    :ivar shape: what follows in GetFileSettings: sizes, limits, key option; without what changes.
    :ivar sdm: settings of secure dynamic messaging as given.
    """

    number: int
    type: FileType
    communication: int
    rights: int
    shape: bytes
    fid: bytes = b""
    more_rights: tuple[int, ...] = ()
    sdm: bytes = b""
    key: Key | None = field(default=None)

    @property
    def mode(self) -> int:
        """Communication mode: 0, 1 or 3."""
        mode = self.communication & _MODE
        return 0 if mode == 2 else mode

    def nibbles(self, *shifts: int) -> tuple[int, ...]:
        """Those rights, of the access word and of additional ones."""
        found = tuple(self.rights >> shift & 0x0F for shift in shifts)
        if self.more_rights:
            found += tuple(word >> shift & 0x0F for word in self.more_rights for shift in shifts if shift)
        return found

    def number3(self, at: int) -> int:
        """A 3-byte number of the shape."""
        return int.from_bytes(self.shape[at : at + 3], "little")

    @property
    def size(self) -> int:
        """Bytes of a data file, or of one record."""
        return self.number3(0)

    @property
    def capacity(self) -> int:
        """Records a record file may show; a cyclic one keeps one spare (sheet 3.16)."""
        return self.number3(3) - (self.type is FileType.CYCLIC)

    @property
    def limits(self) -> tuple[int, int]:
        """Lower and upper limit of a value file."""
        parts = (self.shape[at : at + 4] for at in (0, 4))
        lower, upper = (int.from_bytes(part, "little", signed=True) for part in parts)
        return lower, upper

    @property
    def options(self) -> int:
        """Options of a value file: bit 0 limited credit, bit 1 GetValue is free."""
        return self.shape[8]

    def encode(self) -> bytes:
        """As a cell."""
        head = bytes((self.type, self.communication)) + self.rights.to_bytes(2, "big")
        key = bytes((self.key.version,)) + self.key.value if self.key is not None else b""
        return cells.pack(head, self.shape, self.fid, words(self.more_rights), self.sdm, key)

    @classmethod
    @lru_cache(maxsize=512)
    def decode(cls, number: int, cell: bytes) -> "File":
        """From a cell."""
        head, shape, fid, more, sdm, key = cells.unpack(cell)
        rights = tuple(int.from_bytes(more[at : at + 2], "little") for at in range(0, len(more), 2))
        found = Key(KeyType.AES, key[1:], key[0]) if key else None
        word = int.from_bytes(head[2:], "big")
        return cls(number, FileType(head[0]), head[1], word, shape, fid, rights, sdm, found)


def words(numbers: Iterable[int]) -> bytes:
    """Access words as on the wire."""
    return b"".join(number.to_bytes(2, "little") for number in numbers)

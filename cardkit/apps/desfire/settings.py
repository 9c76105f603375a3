"""Settings of files and keys, read and written without loss (transport sheet 3.4, 3.5, 3.9, 4)."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum

from cardkit.apps.desfire.fields import Fields, little
from cardkit.apps.desfire.sdm import SdmSettings
from cardkit.crypto.desfire import KeyKind
from cardkit.errors import EncodingError
from cardkit.secure.desfire import Mode

FREE, NEVER = 0xE, 0xF
_MORE_RIGHTS, _SDM = 0x80, 0x40
_KEY_COUNT, _ISO_FIDS, _KS3 = 0x0F, 0x20, 0x10
_KINDS = {0x00: KeyKind.TDEA2, 0x40: KeyKind.TDEA3, 0x80: KeyKind.AES}
KIND_BITS = {kind: bits for bits, kind in _KINDS.items()}


class FileType(IntEnum):
    """What a file holds."""

    STANDARD = 0
    BACKUP = 1
    VALUE = 2
    LINEAR = 3
    CYCLIC = 4
    TRANSACTION_MAC = 5


@dataclass(frozen=True, slots=True)
class AccessRights:
    """Who may do what: a key number, ``FREE`` or ``NEVER`` each.

    :param both: reading and writing.  :param change: of these settings.
    """

    read: int
    write: int
    both: int
    change: int

    @classmethod
    def of(cls, word: int) -> AccessRights:
        """Read a word of 16 bits."""
        return cls(word >> 12, word >> 8 & 0xF, word >> 4 & 0xF, word & 0xF)

    @property
    def word(self) -> int:
        """As 16 bits."""
        return self.read << 12 | self.write << 8 | self.both << 4 | self.change

    def build(self) -> bytes:
        """Return 2 bytes, low one first.

        >>> AccessRights(1, 2, 0, 15).build().hex()
        '0f12'
        """
        return little(self.word, 2)

    def __str__(self) -> str:
        """In words: ``read 1, write 2, read and write 0, change never``."""
        names = ("read", "write", "read and write", "change")
        values = (self.read, self.write, self.both, self.change)
        return ", ".join(f"{name} {right_name(value)}" for name, value in zip(names, values, strict=True))


def right_name(value: int) -> str:
    """Return a right in words.

    >>> [right_name(value) for value in (3, FREE, NEVER)]
    ['key 3', 'free', 'never']
    """
    return {FREE: "free", NEVER: "never"}.get(value, f"key {value}")


@dataclass(frozen=True, slots=True)
class DataBody:
    """Of a standard or backup file.  :param size: bytes."""

    size: int

    @classmethod
    def read(cls, fields: Fields) -> DataBody:
        """Read it."""
        return cls(fields.number(3))

    def build(self) -> bytes:
        """Return it as bytes."""
        return little(self.size, 3)


@dataclass(frozen=True, slots=True)
class ValueBody:
    """Of a value file.

    :param lower, upper: its limits, signed 32 bit.  :param limited: what may still be given back by a limited credit.
    :param options: bit 0 limited credit, bit 1 reading the value is free.
    """

    lower: int
    upper: int
    limited: int
    options: int

    @classmethod
    def read(cls, fields: Fields) -> ValueBody:
        """Read it."""
        lower, upper, limited = (fields.number(4, signed=True) for _ in range(3))
        return cls(lower, upper, limited, fields.number(1))

    @property
    def limited_credit(self) -> bool:
        """Whether limited credits are allowed."""
        return bool(self.options & 1)

    @property
    def free_value(self) -> bool:
        """Whether anybody may read the value."""
        return bool(self.options & 2)

    def build(self) -> bytes:
        """Return it as bytes."""
        numbers = (self.lower, self.upper, self.limited)
        return b"".join(little(number, 4, signed=True) for number in numbers) + little(self.options, 1)


@dataclass(frozen=True, slots=True)
class RecordBody:
    """Of a record file.

    :param size: bytes of a record.  :param most: how many there is room for; a cyclic file keeps one spare.
    :param current: how many there are.
    """

    size: int
    most: int
    current: int

    @classmethod
    def read(cls, fields: Fields) -> RecordBody:
        """Read it."""
        return cls(*(fields.number(3) for _ in range(3)))

    def build(self) -> bytes:
        """Return it as bytes."""
        return b"".join(little(number, 3) for number in (self.size, self.most, self.current))


@dataclass(frozen=True, slots=True)
class TransactionMacBody:
    """Of a transaction MAC file.  :param key_option: 02 AES.  :param key_version: 0 to 255."""

    key_option: int
    key_version: int

    @classmethod
    def read(cls, fields: Fields) -> TransactionMacBody:
        """Read it."""
        return cls(fields.number(1), fields.number(1))

    def build(self) -> bytes:
        """Return it as bytes."""
        return bytes((self.key_option, self.key_version))


Body = DataBody | ValueBody | RecordBody | TransactionMacBody
_BODIES: dict[FileType, type[Body]] = {
    FileType.STANDARD: DataBody,
    FileType.BACKUP: DataBody,
    FileType.VALUE: ValueBody,
    FileType.LINEAR: RecordBody,
    FileType.CYCLIC: RecordBody,
    FileType.TRANSACTION_MAC: TransactionMacBody,
}


@dataclass(frozen=True, slots=True)
class FileSettings:
    """What GetFileSettings says of a file.

    :param options: communication mode and what follows, unknown bits kept.
    :param more: additional access rights, words of 16 bits.  :param sdm: how it mirrors; None where it does not.
    """

    type: FileType
    options: int
    rights: AccessRights
    body: Body
    more: tuple[int, ...] = ()
    sdm: SdmSettings | None = None

    @property
    def mode(self) -> Mode:
        """The communication mode."""
        return Mode.of(self.options)

    @classmethod
    def parse(cls, data: bytes) -> FileSettings:
        """Read an answer.  :raises EncodingError: on an unknown type, missing or surplus bytes."""
        fields = Fields(data, "file settings")
        number = fields.number(1)
        if number not in list(FileType):
            raise EncodingError(f"file settings: type {number:02X}, expected 00 to 05")
        kind, options = FileType(number), fields.number(1)
        rights = AccessRights.of(fields.number(2))
        body = _BODIES[kind].read(fields)
        more = tuple(fields.number(2) for _ in range(fields.number(1))) if options & _MORE_RIGHTS else ()
        sdm = SdmSettings.read(fields) if options & _SDM else None
        fields.end()
        return cls(kind, options, rights, body, more, sdm)

    def build(self) -> bytes:
        """Return the answer's bytes: those that were parsed, if it was parsed."""
        return bytes((self.type, self.options)) + self.rights.build() + self.body.build() + self._tail()

    def change(self) -> bytes:
        """Return what ChangeFileSettings carries: mode and rights, without what was fixed at creation."""
        return bytes((self.options,)) + self.rights.build() + self._tail()

    def _tail(self) -> bytes:
        more = bytes((len(self.more),)) + b"".join(little(word, 2) for word in self.more)
        return (more if self.options & _MORE_RIGHTS else b"") + (self.sdm.build() if self.sdm else b"")


@dataclass(frozen=True, slots=True)
class KeySettings:
    """What GetKeySettings says of an application or of the card.

    :param first: ks1: who may change what.  :param second: ks2: keys, their kind, ISO identifiers, more settings.
    :param rest: what follows, of EV2 and later.
    """

    first: int
    second: int
    rest: bytes = b""

    @classmethod
    def parse(cls, data: bytes) -> KeySettings:
        """Read an answer.  :raises EncodingError: on fewer than 2 bytes."""
        fields = Fields(data, "key settings")
        return cls(fields.number(1), fields.number(1), fields.rest())

    @property
    def keys(self) -> int:
        """How many keys there are."""
        return self.second & _KEY_COUNT

    @property
    def kind(self) -> KeyKind | None:
        """Of all keys; None where the card says something unknown."""
        return _KINDS.get(self.second & 0xC0)

    def build(self) -> bytes:
        """Return the answer's bytes: those that were parsed, if it was parsed."""
        return bytes((self.first, self.second)) + self.rest


def second_byte(keys: int, kind: KeyKind, *, iso: bool, more: bool = False) -> int:
    """Return ks2 of an application.

    :param keys: how many, 1 to 14.  :param iso: whether its files have ISO identifiers.  :param more: ks3 follows.
    :raises EncodingError: on another number of keys.

    >>> f"{second_byte(3, KeyKind.AES, iso=True):02X}"
    'A3'
    """
    if not 1 <= keys <= 14:
        raise EncodingError(f"application of {keys} keys, expected 1 to 14")
    return keys | KIND_BITS[kind] | (_ISO_FIDS if iso else 0) | (_KS3 if more else 0)

"""What PKCS#15 writes into files: EF.DIR, EF.ODF, EF.TokenInfo and the lists of objects (ISO/IEC 7816-15 8).

parse(b).build() == b       for every b that parses: order, unknown elements and the fill behind the last object stay

Clauses below the chapter are from memory.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import IntEnum
from typing import Self

from cardkit.encoding import der, tlv
from cardkit.encoding.der import Fields, Tag
from cardkit.encoding.tlv import Tlv, TlvList
from cardkit.errors import EncodingError

AID = bytes.fromhex("A000000063504B43532D3135")
_FILL = b"\x00\xff"
_TEMPLATE, _AID, _LABEL, _PATH = 0x61, 0x4F, 0x50, 0x51
EC_KEY, TYPE, REFERENCE = 0xA0, 0xA1, 0x80
"""Tags: of a key on a curve, of what is special to a type of object, of a PIN's number."""
_SUBCLASS, _TOKEN_LABEL = 0xA0, 0x80


class Listed(IntEnum):
    """Kinds of objects, each in a file of its own, by their tags in EF.ODF. 8.3"""

    PRIVATE_KEYS = 0xA0
    PUBLIC_KEYS = 0xA1
    CERTIFICATES = 0xA4
    DATA = 0xA7
    CODES = 0xA8


class TokenFlag(IntEnum):
    """Bits of EF.TokenInfo. 8.10"""

    READ_ONLY = 0
    LOGIN_REQUIRED = 1
    RANDOM_NUMBERS = 2
    EID_COMPLIANT = 3


class ObjectFlag(IntEnum):
    """Bits every object has. 8.2.2"""

    PRIVATE = 0
    MODIFIABLE = 1


class KeyUsage(IntEnum):
    """What a key is for. 8.2.3"""

    ENCRYPT = 0
    DECRYPT = 1
    SIGN = 2
    WRAP = 4
    UNWRAP = 5
    VERIFY = 6
    NON_REPUDIATION = 9


class KeyAccess(IntEnum):
    """What is known of a private key. 8.2.3"""

    SENSITIVE = 0
    EXTRACTABLE = 1
    ALWAYS_SENSITIVE = 2
    NEVER_EXTRACTABLE = 3
    LOCAL = 4


class CodeFlag(IntEnum):
    """Bits of a PIN. 8.9.2"""

    CASE_SENSITIVE = 0
    LOCAL = 1
    INITIALIZED = 4
    NEEDS_PADDING = 5
    UNBLOCKING = 6


def named_bits(positions: Iterable[int]) -> bytes:
    """Return a BIT STRING of named bits, without zeros at its end. X.690 11.2.2

    >>> named_bits([2, 9]).hex()
    '0303062040'
    """
    wanted = frozenset(positions)
    if not wanted:
        return der.bits(b"")
    last = max(wanted)
    number = sum(1 << (7 - position % 8 + 8 * (last // 8 - position // 8)) for position in wanted)
    return der.bits(number.to_bytes(last // 8 + 1, "big"), 7 - last % 8)


def read_named_bits(value: bytes) -> frozenset[int]:
    """Return the positions of the bits that are set.  :raises EncodingError: where the leading count is missing."""
    if not value:
        raise EncodingError("BIT STRING: no count of unused bits")
    return frozenset(
        8 * index + place for index, byte in enumerate(value[1:]) for place in range(8) if byte & 0x80 >> place
    )


def path_of(value: bytes) -> bytes:
    """Return a Path.  :param value: FIDs from the MF on, 3F00 included."""
    return der.sequence(der.octets(value))


@dataclass(frozen=True, slots=True)
class Directory:
    """EF.DIR: which applications there are. ISO/IEC 7816-4 12.2.3"""

    records: TlvList = field(repr=False)

    @classmethod
    def of(cls, label: str, path: bytes) -> Self:
        """Return one that names the PKCS#15 application and where it is."""
        inner = tlv.build(_AID, AID) + tlv.build(_LABEL, label.encode()) + tlv.build(_PATH, path)
        return cls.parse(tlv.build(_TEMPLATE, inner))

    @classmethod
    def parse(cls, data: bytes) -> Self:
        """Read the file.  :raises EncodingError: where it is not TLV."""
        return cls(tlv.parse(data, _FILL))

    def build(self) -> bytes:
        """Return the file."""
        return self.records.build()

    @property
    def path(self) -> bytes:
        """Where the PKCS#15 application is.  :raises EncodingError: where it is not named."""
        for record in self.records:
            parts = {item.tag: item.value for item in record.children()} if record.tag == _TEMPLATE else {}
            if parts.get(_AID) == AID and (path := parts.get(_PATH)):
                return path
        raise EncodingError("EF.DIR: no PKCS#15 application with a path")


@dataclass(frozen=True, slots=True)
class ObjectDirectory:
    """EF.ODF: where the lists are. 8.3"""

    items: TlvList = field(repr=False)

    @classmethod
    def of(cls, paths: Mapping[Listed, bytes]) -> Self:
        """Return one of these paths, in their order."""
        return cls.parse(b"".join(tlv.build(kind, path_of(path)) for kind, path in paths.items()))

    @classmethod
    def parse(cls, data: bytes) -> Self:
        """Read the file.  :raises EncodingError: where an element has no path."""
        found = cls(tlv.parse(data, _FILL))
        assert found.paths is not None
        return found

    def build(self) -> bytes:
        """Return the file."""
        return self.items.build()

    @property
    def paths(self) -> Mapping[int, bytes]:
        """Where each list is, by its tag; of several of one kind the first."""
        found: dict[int, bytes] = {}
        for item in self.items:
            found.setdefault(item.tag, Fields(item.value, f"EF.ODF: {item.tag:02X}").sequence("path").octets("path"))
        return found


@dataclass(frozen=True, slots=True)
class TokenInfo:
    """EF.TokenInfo: what card it is. 8.10"""

    data: bytes = field(repr=False)
    serial: bytes
    manufacturer: str
    label: str
    flags: frozenset[int]

    @classmethod
    def of(cls, serial: bytes, manufacturer: str, label: str, flags: Iterable[TokenFlag]) -> Self:
        """Return one of version 1 (written 0)."""
        parts = (
            der.integer(0),
            der.octets(serial),
            der.text(Tag.UTF8, manufacturer),
            tlv.build(_TOKEN_LABEL, label.encode()),
            named_bits(flags),
        )
        return cls.parse(der.sequence(*parts))

    @classmethod
    def parse(cls, data: bytes) -> Self:
        """Read the file.  :raises EncodingError: where it is not of this form."""
        item, _ = tlv.first(data) if data else (Tlv(0, b""), 0)
        if item.tag != Tag.SEQUENCE:
            raise EncodingError(f"EF.TokenInfo: tag {item.tag:02X}, expected 30")
        fields = Fields(item.value, "EF.TokenInfo")
        fields.integer("version")
        serial = fields.octets("serialNumber")
        manufacturer, label = fields.maybe(Tag.UTF8), fields.maybe(_TOKEN_LABEL)
        while fields.maybe(Tag.SEQUENCE):
            """Security environments are of no use here."""
        flags = read_named_bits(fields.take(Tag.BIT_STRING, "flags").value)
        return cls(data, serial, _text(manufacturer), _text(label), flags)

    def build(self) -> bytes:
        """Return the file."""
        return self.data


def _text(item: Tlv | None) -> str:
    return item.value.decode("utf-8", "replace") if item else ""


@dataclass(frozen=True, slots=True)
class Entry:
    """One object of a list.

    :param item: as it was.  :param kind: of the list.  :param label: for people.  :param flags: :class:`ObjectFlag`.
    :param auth_id: of the PIN that opens it; empty for none.  :param own: the elements of its class.
    :param type_: the elements of its type.
    """

    item: Tlv = field(repr=False)
    kind: Listed
    label: str
    flags: frozenset[int]
    auth_id: bytes
    own: tuple[Tlv, ...] = field(repr=False)
    type_: tuple[Tlv, ...] = field(repr=False)

    @classmethod
    def parse(cls, item: Tlv, kind: Listed) -> Self:
        """Read one object.  :raises EncodingError: where a part is missing, or has another form."""
        what = kind.name.replace("_", " ").lower()
        fields = Fields(item.value, what)
        common = fields.sequence("common attributes")
        label, flags, auth_id = (common.maybe(tag) for tag in (Tag.UTF8, Tag.BIT_STRING, Tag.OCTET_STRING))
        own = fields.sequence("class attributes").rest()
        fields.maybe(_SUBCLASS)
        typed = Fields(fields.take(TYPE, "type attributes").value, what).sequence("type attributes").rest()
        return cls(
            item,
            kind,
            _text(label),
            read_named_bits(flags.value) if flags else frozenset(),
            auth_id.value if auth_id else b"",
            own,
            typed,
        )

    @property
    def identifier(self) -> bytes:
        """What names it: keys and certificates of one number belong together, PINs are asked for by it."""
        return self._first(self.own, Tag.OCTET_STRING)

    @property
    def usage(self) -> frozenset[int]:
        """What a key is for: :class:`KeyUsage`."""
        return read_named_bits(self._first(self.own, Tag.BIT_STRING) or b"\x00")

    @property
    def reference(self) -> int | None:
        """By which number commands name a key or PIN; None where there is none."""
        codes = self.kind is Listed.CODES
        value = self._first(self.type_ if codes else self.own, REFERENCE if codes else Tag.INTEGER)
        return der.read_integer(value) if value else None

    @property
    def path(self) -> bytes:
        """Where its value is, or the directory it is used in; empty where that is not said."""
        if self.kind is Listed.DATA:  # of an opaque object the whole type is the path
            return self._first(self.type_, Tag.OCTET_STRING)
        value = self._first(self.type_, Tag.SEQUENCE)
        return Fields(value, "path").octets("path") if value else b""

    @property
    def curve_based(self) -> bool:
        """Whether a key is on an elliptic curve."""
        return self.item.tag == EC_KEY

    @staticmethod
    def _first(items: tuple[Tlv, ...], tag: int) -> bytes:
        return next((item.value for item in items if item.tag == tag), b"")


@dataclass(frozen=True, slots=True)
class ObjectList:
    """A file of objects of one kind."""

    kind: Listed
    items: TlvList = field(repr=False)
    entries: tuple[Entry, ...]

    @classmethod
    def parse(cls, kind: Listed, data: bytes) -> Self:
        """Read the file.  :raises EncodingError: where an object is not of this kind."""
        items = tlv.parse(data, _FILL)
        return cls(kind, items, tuple(Entry.parse(item, kind) for item in items))

    def build(self) -> bytes:
        """Return the file."""
        return self.items.build()

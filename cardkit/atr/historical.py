"""Historical bytes (ISO/IEC 7816-4 8.1.1): what the card says of itself before the first command."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum

from cardkit.atr.tables import STORAGE_NAME, STORAGE_STANDARD
from cardkit.encoding import compact
from cardkit.errors import EncodingError

_STATUS_AT_END = 0x00
_DIR_REFERENCE = 0x10
_STATUS_IN_TLV = 0x80
_STATUS_SIZE = 3

# First software function table, from bit 8 down (8.1.1.2.7).
_SELECTION = (
    "DF by full name",
    "DF by partial name",
    "by path",
    "by FID",
    "implicit DF",
    "SFI",
    "record number",
    "record identifier",
)

# PC/SC part 3: application identifier object, RID of the PC/SC workgroup, standard, card name, reserved.
_STORAGE_PREFIX = bytes.fromhex("804F0CA000000306")
_STORAGE_SIZE = 15


class Tag(IntEnum):
    """Tag numbers of COMPACT-TLV in historical bytes."""

    COUNTRY = 0x1
    ISSUER = 0x2
    CARD_SERVICE = 0x3
    INITIAL_ACCESS = 0x4
    ISSUER_DATA = 0x5
    PRE_ISSUING = 0x6
    CAPABILITIES = 0x7
    STATUS = 0x8
    AID = 0xF


@dataclass(frozen=True, slots=True)
class Capabilities:
    """Card capabilities, object ``7Y`` (8.1.1.2.7): up to three software function tables, missing ones all zero.

    :param selection: first table, ways to select.  :param coding: second, data coding.  :param further: third.
    """

    selection: int = 0
    coding: int = 0
    further: int = 0

    @property
    def command_chaining(self) -> bool:
        """Whether commands may be chained by CLA bit 5."""
        return bool(self.further & 0x80)

    @property
    def extended_length(self) -> bool:
        """Whether Lc and Le may be extended."""
        return bool(self.further & 0x40)

    @property
    def length_information(self) -> bool:
        """Whether EF.ATR/INFO says how long APDUs may be."""
        return bool(self.further & 0x20)

    @property
    def short_ef_identifier(self) -> bool:
        """Whether files may be named by SFI."""
        return bool(self.selection & 0x04)

    @property
    def channels(self) -> int:
        """Logical channels, the basic one included; 8 stands for 8 or more."""
        return (self.further & 0x07) + 1 if self.further & 0x18 else 1

    def words(self) -> list[str]:
        """Say it in words."""
        said = ["selects " + ", ".join(name for i, name in enumerate(_SELECTION) if self.selection & 0x80 >> i)]
        said.append(f"data unit {2 ** (self.coding & 0x0F)} quartets")
        said.append("command chaining" if self.command_chaining else "no command chaining")
        said.append("extended Lc and Le" if self.extended_length else "no extended Lc and Le")
        if self.length_information:
            said.append("length limits in EF.ATR/INFO")
        said.append(f"{self.channels}{' or more' if self.channels == 8 else ''} logical channel(s)")
        return said


@dataclass(frozen=True, slots=True)
class StorageCard:
    """A memory card behind a contactless reader, named by the reader (PC/SC part 3).

    :param standard: byte SS.  :param card_name: number NNNN.
    """

    standard: int
    card_name: int

    def __str__(self) -> str:
        name = STORAGE_NAME.get(self.card_name, f"card name {self.card_name:04X}")
        return f"{name}, {STORAGE_STANDARD.get(self.standard, f'standard {self.standard:02X}')}"


@dataclass(frozen=True, slots=True)
class Historical:
    """Historical bytes taken apart; nothing in them is an error, the card merely says less.

    :param raw: all of them, 0 to 15.
    """

    raw: bytes

    @property
    def category(self) -> int | None:
        """Category indicator, None if there are no bytes."""
        return self.raw[0] if self.raw else None

    @property
    def storage_card(self) -> StorageCard | None:
        """The storage card named here, if it is one."""
        if len(self.raw) != _STORAGE_SIZE or not self.raw.startswith(_STORAGE_PREFIX):
            return None
        return StorageCard(self.raw[8], int.from_bytes(self.raw[9:11], "big"))

    @property
    def objects(self) -> tuple[compact.CompactTlv, ...]:
        """COMPACT-TLV objects; none where the category has none, or the bytes do not follow the coding."""
        if not (self._status or self.category == _STATUS_IN_TLV) or self.storage_card:
            return ()
        try:
            return compact.parse(self._body).items
        except EncodingError:
            return ()

    @property
    def capabilities(self) -> Capabilities | None:
        """Card capabilities, if the card states them."""
        value = self._value(Tag.CAPABILITIES)
        return Capabilities(*value[:3]) if value is not None else None

    @property
    def card_service(self) -> int | None:
        """Card service data byte, if the card states it."""
        value = self._value(Tag.CARD_SERVICE)
        return value[0] if value else None

    @property
    def life_cycle(self) -> int | None:
        """Card life cycle status byte (7816-4 5.3.3.2), None where it is not reported."""
        if self._status:
            return self._status[0]
        value = self._value(Tag.STATUS) or b""
        return value[0] if len(value) in {1, 3} else None

    @property
    def _status(self) -> bytes:
        """Three bytes of status behind the objects of category 00."""
        return self.raw[-_STATUS_SIZE:] if self.category == _STATUS_AT_END and len(self.raw) > _STATUS_SIZE else b""

    @property
    def _body(self) -> bytes:
        """What lies between category and status."""
        return self.raw[1 : len(self.raw) - len(self._status)]

    def _value(self, tag: Tag) -> bytes | None:
        return next((item.value for item in self.objects if item.tag == tag), None)

    def describe(self) -> list[tuple[str, str, str]]:
        """Return (name, hex, words with the clause) for each part."""
        if not self.raw:
            return []
        if self.storage_card:
            return [("historical bytes", _hex(self.raw), f"storage card: {self.storage_card} [PC/SC part 3]")]
        lines = [("category", _hex(self.raw[:1]), f"{_category_words(self.raw[0])} [ISO/IEC 7816-4 8.1.1.1]")]
        lines += [_describe_object(item) for item in self.objects]
        if self._body and not self.objects:
            lines.append(("historical bytes", _hex(self._body), f"{_text(self._body)} [ISO/IEC 7816-4 8.1.1]"))
        if self._status:
            lines.append(("status indicator", _hex(self._status), "life cycle, SW1 SW2 [ISO/IEC 7816-4 8.1.1.3]"))
        return lines


def _category_words(category: int) -> str:
    if category == _STATUS_AT_END:
        return "COMPACT-TLV, then three bytes of status"
    if category == _DIR_REFERENCE:
        return "DIR data reference follows"
    if category == _STATUS_IN_TLV:
        return "COMPACT-TLV, status in an object if at all"
    return "reserved" if category >> 4 == 8 else "proprietary"


def _describe_object(item: compact.CompactTlv) -> tuple[str, str, str]:
    clause = "[ISO/IEC 7816-4 8.1.1.2]"
    if item.tag == Tag.CARD_SERVICE and item.value:
        text = _service_words(item.value[0])
    elif item.tag == Tag.CAPABILITIES:
        text = "; ".join(Capabilities(*item.value[:3]).words())
    elif item.tag == Tag.STATUS:
        text = ("no status", "life cycle status", "SW1 SW2", "life cycle status, SW1 SW2")[min(len(item.value), 3)]
    else:
        text = _text(item.value)
    name = Tag(item.tag).name.replace("_", " ").lower() if item.tag in set(Tag) else f"object {item.tag:X}"
    return name, _hex(item.build()), f"{text} {clause}"


def _service_words(service: int) -> str:
    """Say what a card service data byte says (8.1.1.2.3, table 85)."""
    flags = ((0x80, "selection by full DF name"), (0x40, "selection by partial DF name"), (0x20, "EF.DIR"),
             (0x10, "EF.ATR"))  # fmt: skip
    access = {0b100: "read by READ BINARY", 0b000: "read by READ RECORD", 0b010: "read by GET DATA"}
    said = [text for bit, text in flags if service & bit]
    said.append(access.get(service >> 1 & 0b111, "access reserved"))
    return ", ".join([*said, "card without MF" if service & 1 else "card with MF"])


def _text(data: bytes) -> str:
    """Show what may be text as such; dots for other bytes."""
    return '"' + "".join(chr(byte) if 0x20 <= byte < 0x7F else "." for byte in data) + '"'


def _hex(data: bytes) -> str:
    return data.hex().upper()

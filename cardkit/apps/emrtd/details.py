"""DG11 and DG12, details of holder and document: a tag list, and the objects it names (ICAO Doc 9303-10 4.7.11).

Objects are kept as read, unknown ones and their order included; values are views on them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from types import MappingProxyType
from typing import TypeAlias

from cardkit.apps.emrtd.lds import COUNT, Departure, Deviation, counted, objects_of, open_file
from cardkit.encoding import tlv
from cardkit.encoding.digits import decode_bcd
from cardkit.encoding.tlv import Tlv, TlvList
from cardkit.errors import EncodingError

_TAG_LIST, _OTHERS = 0x5C, 0xA0
_SEPARATOR = "<"
_MOST_NAMES = 255

Value: TypeAlias = "str | tuple[str, ...] | bytes"


class Kind(Enum):
    """What an object holds."""

    TEXT = "text in UTF-8"
    WORDS = "text in UTF-8, < for a space"
    PARTS = "texts with < between them"
    NAMES = "texts, one object each, in a template A0"
    DIGITS = "digits in ASCII"
    IMAGE = "an image"


@dataclass(frozen=True, slots=True)
class Element:
    """One kind of object: its name, its tag, what it holds.

    :param digits: how many, of a date or time.
    """

    name: str
    tag: int
    kind: Kind = Kind.TEXT
    digits: int = 0


DG11: Mapping[int, Element] = MappingProxyType(
    {
        element.tag: element
        for element in (
            Element("name_of_holder", 0x5F0E),
            Element("other_names", 0x5F0F, Kind.NAMES),
            Element("personal_number", 0x5F10),
            Element("full_date_of_birth", 0x5F2B, Kind.DIGITS, 8),
            Element("place_of_birth", 0x5F11, Kind.PARTS),
            Element("address", 0x5F42, Kind.PARTS),
            Element("telephone", 0x5F12),
            Element("profession", 0x5F13, Kind.WORDS),
            Element("title", 0x5F14, Kind.WORDS),
            Element("personal_summary", 0x5F15),
            Element("proof_of_citizenship", 0x5F16, Kind.IMAGE),
            Element("other_document_numbers", 0x5F17, Kind.PARTS),
            Element("custody", 0x5F18),
        )
    }
)
"""Objects of DG11 by tag, in the order they are written. 9303-10 4.7.11"""
DG12: Mapping[int, Element] = MappingProxyType(
    {
        element.tag: element
        for element in (
            Element("issuing_authority", 0x5F19),
            Element("date_of_issue", 0x5F26, Kind.DIGITS, 8),
            Element("other_persons", 0x5F1A, Kind.NAMES),
            Element("endorsements", 0x5F1B),
            Element("tax_exit", 0x5F1C),
            Element("front_image", 0x5F1D, Kind.IMAGE),
            Element("rear_image", 0x5F1E, Kind.IMAGE),
            Element("personalization_time", 0x5F55, Kind.DIGITS, 14),
            Element("personalization_serial", 0x5F56),
        )
    }
)
"""Objects of DG12 by tag, in the order they are written. 9303-10 4.7.12"""
_GROUPS = {11: (0x6B, DG11), 12: (0x6C, DG12)}


@dataclass(frozen=True, slots=True)
class Details:
    """Data group 11 or 12.

    :param number: 11 or 12.  :param objects: content of the template, the tag list included.
    """

    number: int
    objects: TlvList

    @classmethod
    def parse(cls, number: int, data: bytes) -> Details:
        """Read data group 11 or 12.

        :raises EncodingError: where it is not TLV throughout, or has no tag list.
        """
        found = cls(number, open_file(f"EF.DG{number}", data).objects())
        if found.objects.first(_TAG_LIST) is None:
            raise EncodingError(f"EF.DG{number}: tag list (5C) is missing")
        found.values()
        return found

    @classmethod
    def of(cls, number: int, values: Mapping[str, Value]) -> Details:
        """Return the group of values by name (see :data:`DG11` and :data:`DG12`).

        :raises EncodingError: on a name the group does not have, or a value of another kind.
        """
        elements = _GROUPS[number][1]
        names = {element.name for element in elements.values()}
        if unknown := sorted(set(values) - names):
            raise EncodingError(f"EF.DG{number}: {unknown[0]!r}, expected one of {', '.join(sorted(names))}")
        chosen = [element for element in elements.values() if element.name in values]
        listed = tlv.build(_TAG_LIST, b"".join(element.tag.to_bytes(2, "big") for element in chosen))
        written = b"".join(_write(number, element, values[element.name]) for element in chosen)
        return cls(number, tlv.parse(listed + written))

    def build(self) -> bytes:
        """Return the file."""
        return tlv.build(_GROUPS[self.number][0], self.objects.build())

    @property
    def listed(self) -> tuple[int, ...]:
        """Tags of the tag list, in its order.  :raises EncodingError: where a tag in it is not whole."""
        data = self.objects.first(_TAG_LIST, b"") or b""
        tags: list[int] = []
        at = 0
        while at < len(data):
            size = 2 if data[at] & 0x1F == 0x1F else 1
            if at + size > len(data):
                raise EncodingError(f"EF.DG{self.number}: tag list (5C) ends inside a tag")
            tags.append(int.from_bytes(data[at : at + size], "big"))
            at += size
        return tuple(tags)

    def values(self) -> dict[str, Value]:
        """Return what is there, by name; dates as digits, however they are written.

        :raises EncodingError: where the template of names is malformed.
        """
        found: dict[str, Value] = {}
        for tag, element in _GROUPS[self.number][1].items():
            if element.kind is Kind.NAMES:
                if names := self._names(element)[0]:
                    found[element.name] = names
            elif (value := self.objects.first(tag)) is not None:
                found[element.name] = _read(element, value)
        return found

    @property
    def deviations(self) -> tuple[Deviation, ...]:
        """What is not as the standard has it: dates, texts, the template of names, the tag list."""
        where = f"EF.DG{self.number}"
        found: list[Deviation] = []
        for tag, element in _GROUPS[self.number][1].items():
            place = f"{where} {element.name}"
            if element.kind is Kind.NAMES:
                found.extend(self._names(element)[1])
                continue
            value = self.objects.first(tag)
            if value is not None and element.kind is Kind.DIGITS and 2 * len(value) == element.digits:
                found.append(Deviation(Departure.BCD_DATE, place, f"{element.digits} bytes", f"{len(value)} bytes"))
            elif value is not None and element.kind in (Kind.TEXT, Kind.WORDS, Kind.PARTS) and not _is_utf8(value):
                found.append(Deviation(Departure.NOT_UTF8, place))
        return (*found, *self._list_deviations(where))

    def _names(self, element: Element) -> tuple[tuple[str, ...], tuple[Deviation, ...]]:
        """Return names in the template A0, or those that stand outside one, which real documents have."""
        where = f"EF.DG{self.number} {element.name}"
        template = self.objects.first(_OTHERS)
        if template is None:
            outside = tuple(_text(item.value) for item in self.objects.find(element.tag))
            return outside, (Deviation(Departure.NO_TEMPLATE, where),) if outside else ()
        inside, deviations = counted(objects_of(template, where), frozenset({element.tag}), where)
        return tuple(_text(item.value) for item in inside), deviations

    def _list_deviations(self, where: str) -> tuple[Deviation, ...]:
        elements = _GROUPS[self.number][1]
        names = next(element.tag for element in elements.values() if element.kind is Kind.NAMES)
        listed = [names if tag == _OTHERS else tag for tag in self.listed]
        there = {names if item.tag == _OTHERS else item.tag for item in self.objects if item.tag != _TAG_LIST}
        found = []
        if _OTHERS in self.listed:
            found.append(Deviation(Departure.LISTED_TEMPLATE, where, f"{names:04X}", "A0"))
        if set(listed) != there:
            texts = (" ".join(f"{tag:02X}" for tag in sorted(tags)) for tags in (listed, there))
            found.append(Deviation(Departure.LIST_DISAGREES, where, *texts))
        return tuple(found)


def _read(element: Element, value: bytes) -> Value:
    if element.kind is Kind.IMAGE:
        return value
    if element.kind is Kind.DIGITS and 2 * len(value) == element.digits:
        return decode_bcd(value)
    text = _text(value)
    if element.kind is Kind.WORDS:
        return text.replace(_SEPARATOR, " ")
    return tuple(text.split(_SEPARATOR)) if element.kind is Kind.PARTS else text


def _write(number: int, element: Element, value: Value) -> bytes:
    where = f"EF.DG{number} {element.name}"
    if element.kind is Kind.IMAGE:
        if not isinstance(value, bytes):
            raise EncodingError(f"{where}: got a text, expected {element.kind.value}")
        return tlv.build(element.tag, value)
    if element.kind in (Kind.PARTS, Kind.NAMES):
        if not isinstance(value, tuple) or len(value) > _MOST_NAMES:
            raise EncodingError(f"{where}: expected a tuple of up to {_MOST_NAMES} texts")
        return _write_several(element, value)
    if not isinstance(value, str):
        raise EncodingError(f"{where}: expected {element.kind.value}")
    if element.digits and not (len(value) == element.digits and value.isascii() and value.isdigit()):
        raise EncodingError(f"{where}: got {len(value)} characters, expected {element.digits} digits")
    return tlv.build(element.tag, value.encode())


def _write_several(element: Element, texts: tuple[str, ...]) -> bytes:
    if element.kind is Kind.PARTS:
        return tlv.build(element.tag, _SEPARATOR.join(texts).encode())
    names = (Tlv(element.tag, text.encode()).build() for text in texts)
    return tlv.build(_OTHERS, tlv.build(COUNT, bytes((len(texts),))) + b"".join(names))


def _text(value: bytes) -> str:
    """Return a text; bytes that are no UTF-8 come out as Latin-1, and are a deviation."""
    return value.decode("utf-8") if _is_utf8(value) else value.decode("latin-1")


def _is_utf8(value: bytes) -> bool:
    try:
        value.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return True

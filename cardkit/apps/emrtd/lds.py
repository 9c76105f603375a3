"""The files of a travel document's logical data structure, and how one is opened (ICAO Doc 9303-10).

What real documents do otherwise than the standard is read, and said: each reader has ``deviations``.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType

from cardkit.encoding import tlv
from cardkit.encoding.length import shortest_size
from cardkit.encoding.tlv import Tlv, TlvList
from cardkit.errors import EncodingError

LDS1_AID = bytes.fromhex("A0000002471001")
GROUP_NUMBERS = range(1, 17)
COUNT = 0x02
"""Tag of the number of instances in DG2 to DG5, DG7, DG11, DG12 and DG16; one byte."""


@dataclass(frozen=True, slots=True)
class LdsFile:
    """A file: its name, 2-byte identifier, short identifier, and the tag it begins with (0 where it has no one tag).

    :param in_master_file: whether it is under the MF; under the application otherwise.
    :param group: number of a data group, 0 of another file.
    """

    name: str
    fid: int
    sfi: int
    tag: int
    in_master_file: bool = False
    group: int = 0


# 9303-10 3.9 to 4.7, tags of DG1 to DG16 in order.
_GROUP_TAGS = bytes.fromhex("61 75 63 76 65 66 67 68 69 6A 6B 6C 6D 6E 6F 70")
_FILES = (
    LdsFile("EF.ATR/INFO", 0x2F01, 0x01, 0, in_master_file=True),
    LdsFile("EF.DIR", 0x2F00, 0x1E, 0, in_master_file=True),
    LdsFile("EF.CardAccess", 0x011C, 0x1C, 0x31, in_master_file=True),
    LdsFile("EF.CardSecurity", 0x011D, 0x1D, 0x30, in_master_file=True),
    LdsFile("EF.COM", 0x011E, 0x1E, 0x60),
    *(
        LdsFile(f"EF.DG{number}", 0x0100 + number, number, tag, group=number)
        for number, tag in zip(GROUP_NUMBERS, _GROUP_TAGS, strict=True)
    ),
    LdsFile("EF.SOD", 0x011D, 0x1D, 0x77),
    LdsFile("EF.CVCA", 0x011C, 0x1C, 0x42),
)
FILES: Mapping[str, LdsFile] = MappingProxyType({file.name: file for file in _FILES})
"""Every file by name: ``EF.COM``, ``EF.DG1`` ..."""
DATA_GROUPS: Mapping[int, LdsFile] = MappingProxyType({file.group: file for file in _FILES if file.group})
GROUP_OF_TAG: Mapping[int, int] = MappingProxyType({file.tag: number for number, file in DATA_GROUPS.items()})


class Departure(StrEnum):
    """Ways of real documents that are not the standard's, and are read all the same."""

    LONG_LENGTH = "length field longer than needed"
    FILL_NOT_ZERO = "bytes other than 00 behind the object"
    BCD_DATE = "BCD instead of ASCII"
    NO_TEMPLATE = "A0 missing"
    LISTED_TEMPLATE = "A0 in the tag list"
    LIST_DISAGREES = "tag list and content disagree"
    NOT_UTF8 = "text is no UTF-8"
    WRONG_COUNT = "count is not the number of instances"
    RECORD_LENGTH = "length in the record is not that of the record"
    BER = "BER with indefinite lengths"
    CONTENT_TYPE = "content type of another standard"
    SIGNER_NAMED_OTHERWISE = "signer identifier does not match the certificate"


@dataclass(frozen=True, slots=True)
class Deviation:
    """One such departure.

    :param where: file and place.  :param expected, actual: tags, lengths, forms; no personal data.
    """

    kind: Departure
    where: str
    expected: str = ""
    actual: str = ""


@dataclass(frozen=True, slots=True)
class Opened:
    """A file's one object.

    :param file: which file it is.  :param object: as read.  :param fill: what is behind it.
    """

    file: LdsFile
    object: Tlv
    fill: bytes = b""

    @property
    def content(self) -> bytes:
        """The value of the object."""
        return self.object.value

    def objects(self) -> TlvList:
        """Return what the value consists of.  :raises EncodingError: naming the file, where it is not TLV."""
        return objects_of(self.content, self.file.name)

    @property
    def signed(self) -> bytes:
        """What a document security object hashes: tag, length and value, without the fill. 9303-10 4.6.2.3"""
        return self.object.build()

    @property
    def deviations(self) -> tuple[Deviation, ...]:
        """What is not as the standard has it: length form, fill."""
        found = []
        if self.object.length_size:
            expected = str(shortest_size(len(self.content)))
            found.append(Deviation(Departure.LONG_LENGTH, self.file.name, expected, str(self.object.length_size)))
        if self.fill.strip(b"\x00"):
            found.append(Deviation(Departure.FILL_NOT_ZERO, self.file.name, "00", f"{len(self.fill)} bytes"))
        return tuple(found)


def open_file(name: str, data: bytes) -> Opened:
    """Open a file that consists of one object; what follows is fill and does not count.

    :param name: of :data:`FILES`.  :param data: the file, often longer than its object.
    :raises EncodingError: on another tag, or where data end before the object does.

    >>> open_file("EF.COM", bytes.fromhex("6003 5C0161 0000")).signed.hex()
    '60035c0161'
    """
    file = FILES[name]
    item, end = first_object(data, name)
    if item.tag != file.tag:
        raise EncodingError(f"{name}: got tag {item.tag:02X}, expected {file.tag:02X}")
    return Opened(file, item, data[end:])


def first_object(data: bytes, what: str) -> tuple[Tlv, int]:
    """Return the object data begin with, and its length; EncodingError where it is not whole."""
    try:
        return tlv.first(data)
    except EncodingError as error:
        raise EncodingError(f"{what}: {error}") from None


def objects_of(value: bytes, what: str) -> TlvList:
    """Return the objects a value consists of.  :raises EncodingError: naming it."""
    try:
        return tlv.parse(value)
    except EncodingError as error:
        raise EncodingError(f"{what}: {error}") from None


def counted(objects: TlvList, tags: frozenset[int], what: str) -> tuple[tuple[Tlv, ...], tuple[Deviation, ...]]:
    """Return the instances behind a count (02); the count itself is never trusted, only compared.

    :param tags: of instances.
    :returns: the instances, and a deviation where there are others than announced.
    :raises EncodingError: where the count is missing or not one byte.
    """
    count = objects.first(COUNT)
    if count is None or len(count) != 1:
        raise EncodingError(f"{what}: count (02): got {'none' if count is None else f'{len(count)} bytes'}, expected 1")
    found = tuple(item for item in objects if item.tag in tags)
    if len(found) == count[0]:
        return found, ()
    return found, (Deviation(Departure.WRONG_COUNT, what, str(count[0]), str(len(found))),)

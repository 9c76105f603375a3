"""COMPREHENSION-TLV of the card application toolkit (ETSI TS 101 220 7.1.1, 7.1.2; TS 102 223 annex C)."""

from __future__ import annotations

from typing import TypeAlias

import msgspec

from cardkit.encoding.elements import Codec, Elements
from cardkit.encoding.length import read_length, shortest_size, write_length
from cardkit.errors import EncodingError

_LONG_TAG = 0x7F
_NOT_TAGS = frozenset((0x00, 0x80, 0xFF))


class ComprehensionTlv(msgspec.Struct, frozen=True):
    """One object.

    :param tag: tag number without the comprehension bit: 01 to 7E on one byte, to 7FFF on three.
    :param comprehension: whether the receiver must understand it, or refuse the whole.
    :param long_tag: written on three bytes even where one would do.
    :param length_size: bytes of the length field where it is longer than needed; 0 for the shortest form.

    >>> ComprehensionTlv(0x01, bytes.fromhex("012101"), comprehension=True).build().hex()
    '8103012101'
    """

    tag: int
    value: bytes
    comprehension: bool = False
    long_tag: bool = False
    length_size: int = 0

    def build(self) -> bytes:
        """Return the object as bytes, in the forms read.

        :raises EncodingError: on a number that is no tag.
        """
        if 0 < self.tag < _LONG_TAG and not self.long_tag:
            tag = bytes((self.comprehension << 7 | self.tag,))
        elif 0 <= self.tag <= 0x7FFF:
            tag = bytes((_LONG_TAG,)) + (self.comprehension << 15 | self.tag).to_bytes(2, "big")
        else:
            raise EncodingError(f"COMPREHENSION-TLV: got tag number {self.tag:X}, expected up to 7FFF")
        return tag + write_length(len(self.value), self.length_size) + self.value


ComprehensionTlvList: TypeAlias = Elements[ComprehensionTlv]


def parse(data: bytes, padding: bytes = b"") -> ComprehensionTlvList:
    """Read objects to the end of the data.

    :param padding: what may fill the end: bytes FF, 00 or both; neither begins a tag.
    :raises EncodingError: on a truncated object, a first byte 00, 80 or FF, the indefinite length form.

    >>> details, devices = parse(bytes.fromhex("8103012101 02028182"))
    >>> details.comprehension, devices.comprehension, devices.tag
    (True, False, 2)
    """
    items = []
    offset = 0
    while offset < len(data):
        if data[offset] in padding and not data[offset:].strip(padding):
            break
        item, offset = _read(data, offset)
        items.append(item)
    return Elements(tuple(items), data[offset:])


def _read(data: bytes, offset: int) -> tuple[ComprehensionTlv, int]:
    """Read one object; return it and the offset behind it."""
    first = data[offset]
    if first in _NOT_TAGS:
        raise EncodingError(f"COMPREHENSION-TLV at byte {offset}: got {first:02X}, which begins no tag")
    long_tag = first == _LONG_TAG
    start = offset + (3 if long_tag else 1)
    try:
        length, body = read_length(data, start)
    except IndexError:
        raise EncodingError(f"COMPREHENSION-TLV at byte {offset}: data ends in its tag or length") from None
    number = int.from_bytes(data[offset + 1 : start], "big") if long_tag else first << 8
    tag = number & 0x7FFF if long_tag else first & 0x7F
    end = body + length
    if end > len(data):
        left = len(data) - body
        raise EncodingError(f"COMPREHENSION-TLV at byte {offset}: tag {tag:02X} has {left} of {length} bytes")
    size = body - start
    item = ComprehensionTlv(
        tag,
        data[body:end],
        comprehension=bool(number & 0x8000),
        long_tag=long_tag and 0 < tag < _LONG_TAG,
        length_size=0 if size == shortest_size(length) else size,
    )
    return item, end


def layout(padding: bytes = b"") -> Codec[ComprehensionTlvList]:
    """Return the construct of objects to the end of the stream, with padding as :func:`parse` takes it."""
    return Codec(lambda data: (parse(data, padding), len(data)), ComprehensionTlvList.build)

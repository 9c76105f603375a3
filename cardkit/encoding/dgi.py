"""Data groupings of card personalization (EMV CPS 3.2; GlobalPlatform card specification 11.11.2.2)."""

from __future__ import annotations

from typing import TypeAlias

import msgspec

from cardkit.encoding.elements import Codec, Elements
from cardkit.errors import EncodingError

_LONG = 0xFF
_LONGEST = 0xFFFE


class DGI(msgspec.Struct, frozen=True):
    """One data grouping.

    :param tag: data grouping identifier, 2 bytes as a number.
    :param value: up to 65,534 bytes.
    :param long_length: length written as ``FF hh ll`` even where one byte would do.

    >>> DGI(0x9102, bytes.fromhex("A500")).build().hex()
    '910202a500'
    """

    tag: int
    value: bytes
    long_length: bool = False

    def build(self) -> bytes:
        """Return the grouping as bytes, length in the form read.

        :raises EncodingError: if identifier or length are out of range.
        """
        length = len(self.value)
        if not 0 <= self.tag <= 0xFFFF or length > _LONGEST:
            raise EncodingError(f"DGI: got {self.tag:04X} with {length} bytes, expected 0-FFFF with 0 to {_LONGEST}")
        short = length < _LONG and not self.long_length
        written = bytes((length,)) if short else bytes((_LONG,)) + length.to_bytes(2, "big")
        return self.tag.to_bytes(2, "big") + written + self.value


DGIList: TypeAlias = Elements[DGI]


def parse(data: bytes) -> DGIList:
    """Read groupings to the end of the data.

    :raises EncodingError: on a truncated grouping, and on length FFFF.

    >>> [(f"{dgi.tag:04X}", len(dgi.value)) for dgi in parse(bytes.fromhex("0101 02 7000  8000 FF0003 010203"))]
    [('0101', 2), ('8000', 3)]
    """
    items = []
    offset = 0
    while offset < len(data):
        item, offset = _read(data, offset)
        items.append(item)
    return Elements(tuple(items))


def _read(data: bytes, offset: int) -> tuple[DGI, int]:
    """Read one grouping; return it and the offset behind it."""
    long_length = data[offset + 2 : offset + 3] == bytes((_LONG,))
    body = offset + (5 if long_length else 3)
    if body > len(data):
        raise EncodingError(f"DGI at byte {offset}: data ends in its identifier or length")
    tag = int.from_bytes(data[offset : offset + 2], "big")
    length = int.from_bytes(data[body - 2 : body], "big") if long_length else data[body - 1]
    end = body + length
    if end > len(data) or length > _LONGEST:
        left = len(data) - body
        raise EncodingError(f"DGI at byte {offset}: {tag:04X} announces {length} bytes, {left} are there")
    return DGI(tag, data[body:end], long_length=long_length and length < _LONG), end


def layout() -> Codec[DGIList]:
    """Return the construct of groupings to the end of the stream."""
    return Codec(lambda data: (parse(data), len(data)), DGIList.build)

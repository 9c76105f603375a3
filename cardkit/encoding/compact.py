"""COMPACT-TLV (ISO/IEC 7816-4 8.1.1, historical bytes): tag and length share a byte."""

from __future__ import annotations

from typing import TypeAlias

import msgspec

from cardkit.encoding.elements import Codec, Elements
from cardkit.errors import EncodingError


class CompactTlv(msgspec.Struct, frozen=True):
    """One object.

    :param tag: 0 to 15; object ``73`` has tag 7 and three bytes.
    :param value: 0 to 15 bytes.
    """

    tag: int
    value: bytes

    def build(self) -> bytes:
        """Return the object as bytes.

        :raises EncodingError: if tag or length exceed a nibble.
        """
        if not 0 <= self.tag <= 15 or len(self.value) > 15:
            raise EncodingError(
                f"COMPACT-TLV: got tag {self.tag:X} with {len(self.value)} bytes, expected 0-F with 0-15"
            )
        return bytes((self.tag << 4 | len(self.value),)) + self.value


CompactTlvList: TypeAlias = Elements[CompactTlv]


def parse(data: bytes) -> CompactTlvList:
    """Read objects to the end of the data.

    :raises EncodingError: if the last one is truncated.

    >>> [(item.tag, item.value.hex()) for item in parse(bytes.fromhex("31A073BE2113"))]
    [(3, 'a0'), (7, 'be2113')]
    """
    items = []
    offset = 0
    while offset < len(data):
        tag, length = data[offset] >> 4, data[offset] & 15
        left = len(data) - offset - 1
        if length > left:
            raise EncodingError(f"COMPACT-TLV at byte {offset}: tag {tag:X} announces {length} bytes, {left} are there")
        items.append(CompactTlv(tag, data[offset + 1 : offset + 1 + length]))
        offset += 1 + length
    return Elements(tuple(items))


def layout() -> Codec[CompactTlvList]:
    """Return the construct of objects to the end of the stream."""
    return Codec(lambda data: (parse(data), len(data)), CompactTlvList.build)

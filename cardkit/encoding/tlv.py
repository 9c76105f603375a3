"""BER-TLV (ISO/IEC 7816-4 5.2.2): lossless, and nested objects read when asked for.

parse(b).build() == b       for every b that parses: order, duplicates, unknown tags, long length forms, padding
"""

from __future__ import annotations

from typing import TypeAlias

import msgspec

from cardkit.encoding.elements import Codec, Elements
from cardkit.encoding.length import read_length, shortest_size, write_length
from cardkit.errors import EncodingError


class Tlv(msgspec.Struct, frozen=True):
    """One BER-TLV object.

    :param tag: the tag bytes as one number: ``0x62``, ``0x7F66``, ``0xDF8101``.
    :param length_size: bytes of the length field where it is longer than needed; 0 for the shortest form.

    >>> Tlv(0x83, bytes.fromhex("3F00")).build().hex()
    '83023f00'
    """

    tag: int
    value: bytes
    length_size: int = 0

    @property
    def constructed(self) -> bool:
        """Whether bit 6 of the first tag byte says that the value holds TLV objects."""
        tag = self.tag
        return bool(tag & (0x20 if tag < 0x100 else 0x2000 if tag < 0x10000 else 0x200000))

    def children(self, padding: bytes = b"") -> TlvList:
        """Parse the value, of a primitive tag too: some issuers nest there.

        :raises EncodingError: if the value is not TLV.
        """
        return parse(self.value, padding)

    def build(self) -> bytes:
        """Return tag, length in the form read, and value."""
        return _tag_bytes(self.tag) + write_length(len(self.value), self.length_size) + self.value


TlvList: TypeAlias = Elements[Tlv]


def parse(data: bytes, padding: bytes = b"") -> TlvList:
    r"""Read TLV objects to the end of the data.

    :param padding: what may fill the end behind the last object: bytes FF, 00 or both. No tag is 00, and one that
        begins with FF goes on, so padding and objects are never confused.
    :raises EncodingError: on a truncated object, a tag 00 or of more than three bytes, the indefinite length form.

    >>> fcp = parse(bytes.fromhex("6209 83023F00 8A0105 8800 FFFF"), b"\xff")[0]
    >>> [f"{item.tag:02X}={item.value.hex()}" for item in fcp.children()]
    ['83=3f00', '8A=05', '88=']
    """
    items: list[Tlv] = []
    append, new = items.append, Tlv
    offset, end = 0, len(data)
    while offset < end:
        # Common objects: one or two tag bytes, one length byte, all there. Others, padding, errors take the long way.
        tag, start = data[offset], offset + 2
        if tag & 0x1F == 0x1F:
            tag = tag << 8 | data[start - 1] if start < end and data[start - 1] < 0x80 else 0
            start += 1
        if tag and start <= end and (length := data[start - 1]) < 0x80 and start + length <= end:
            offset = start + length
            append(new(tag, data[start:offset]))
        elif data[offset] in padding and not data[offset:].strip(padding):
            break
        else:
            item, offset = _read(data, offset)
            append(item)
    return Elements(tuple(items), data[offset:])


def first(data: bytes) -> tuple[Tlv, int]:
    """Read the one object that data begin with, whatever follows.

    :returns: the object, and how many bytes it takes.
    :raises EncodingError: as :func:`parse`.

    >>> first(bytes.fromhex("5C0161 0000"))[1]
    3
    """
    return _read(data, 0)


def build(tag: int, value: bytes) -> bytes:
    """Return one object with the shortest length field.

    :raises EncodingError: on a number that is no tag.

    >>> build(0x7F66, b"").hex()
    '7f6600'
    """
    return Tlv(tag, value).build()


def announced(data: bytes) -> int:
    """Return how many bytes the object takes that data begin with, whether they are there or not.

    :raises EncodingError: as :func:`parse`, where tag and length are not whole.

    >>> announced(bytes.fromhex("7F6182 0100"))
    261
    """
    _, body, length = _head(data, 0)
    return body + length


def _head(data: bytes, offset: int) -> tuple[int, int, int]:
    """Return an object's offset behind the tag, its value's offset and length."""
    try:
        start = end_of_tag(data, offset)
        length, body = read_length(data, start)
    except IndexError:
        raise EncodingError(f"TLV object at byte {offset}: data ends in its tag or length") from None
    return start, body, length


def _read(data: bytes, offset: int) -> tuple[Tlv, int]:
    """Read one object of any form; return it and the offset behind it."""
    start, body, length = _head(data, offset)
    tag = int.from_bytes(data[offset:start], "big")
    if tag == 0 or tag > 0xFFFFFF:
        raise EncodingError(f"TLV object at byte {offset}: got tag {tag:02X}, expected one of 1 to 3 bytes, not 00")
    end = body + length
    if end > len(data):
        left = len(data) - body
        raise EncodingError(f"TLV object at byte {offset}: tag {tag:02X} announces {length} bytes, {left} are there")
    size = body - start
    return Tlv(tag, data[body:end], 0 if size == shortest_size(length) else size), end


def end_of_tag(data: bytes, offset: int) -> int:
    """Return the offset behind a tag; IndexError where data ends in it (ISO/IEC 7816-4 5.2.2.1)."""
    end = offset + 1
    if data[offset] & 0x1F == 0x1F:
        while data[end] & 0x80:
            end += 1
        end += 1
    return end


def _tag_bytes(tag: int) -> bytes:
    if 0 < tag < 0x100 and tag & 0x1F != 0x1F:
        return bytes((tag,))
    if 0x100 <= tag <= 0xFFFFFF:
        written = tag.to_bytes(2 if tag < 0x10000 else 3, "big")
        # A zero byte behind it ends a tag that goes on, at another place than the end of `written`.
        if end_of_tag(written + b"\x00", 0) == len(written):
            return written
    raise EncodingError(f"TLV tag: got {tag:X}, expected 1 to 3 bytes coded as ISO/IEC 7816-4 5.2.2.1")


BerTlv = Codec(first, Tlv.build)
"""Construct of one object."""


def layout(padding: bytes = b"") -> Codec[TlvList]:
    """Return the construct of objects to the end of the stream, with padding as :func:`parse` takes it."""
    return Codec(lambda data: (parse(data, padding), len(data)), TlvList.build)

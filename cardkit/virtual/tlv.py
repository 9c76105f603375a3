"""The little BER-TLV a card needs for its own templates (ISO/IEC 8825-1): tags of 1 or 2 bytes, lengths to 65,535."""

from collections.abc import Iterator
from typing import Final

from .errors import ImageError

_LENGTHS: Final = {0x81: 1, 0x82: 2}  # first byte -> bytes that follow it


def build(tag: int, value: bytes) -> bytes:
    """One TLV with the shortest length form.

    >>> build(0x83, bytes.fromhex("3F00")).hex()
    '83023f00'
    """
    size = len(value)
    if size < 0x80:
        length = bytes((size,))
    elif size < 0x100:
        length = bytes((0x81, size))
    else:
        length = b"\x82" + size.to_bytes(2, "big")
    return tag.to_bytes(2 if tag > 0xFF else 1, "big") + length + value


def parse(data: bytes) -> Iterator[tuple[int, bytes]]:
    """The TLVs of `data` one after the other, as (tag, value).

    :raises ImageError: when a TLV is cut short or its length form is not one of 1, 81 or 82.
    """
    return ((tag, data[start:end]) for tag, start, end in spans(data))


def spans(data: bytes, at: int = 0) -> Iterator[tuple[int, int, int]]:
    """Like `parse`, from offset `at` on, but as (tag, start of value, end of value)."""
    while at < len(data):
        tag, at = _tag(data, at)
        size, at = _length(data, at)
        end = at + size
        if end > len(data):
            raise ImageError(f"TLV {tag:X} at offset {at}: needs {size} bytes, got {len(data) - at}")
        yield tag, at, end
        at = end


def _tag(data: bytes, at: int) -> tuple[int, int]:
    if data[at] & 0x1F == 0x1F and at + 1 < len(data):
        return data[at] << 8 | data[at + 1], at + 2
    return data[at], at + 1


def _length(data: bytes, at: int) -> tuple[int, int]:
    first = data[at] if at < len(data) else 0x80
    if first < 0x80:
        return first, at + 1
    extra = _LENGTHS.get(first, 0)
    head = data[at : at + 1 + extra]
    if len(head) < 1 + extra or not extra:
        raise ImageError(f"TLV length at offset {at}: expected 00-7F, 81 or 82, got {head.hex().upper() or 'nothing'}")
    return int.from_bytes(head[1:], "big"), at + 1 + extra

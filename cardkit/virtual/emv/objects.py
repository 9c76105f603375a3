"""BER-TLV as payment cards carry it (EMV Book 3 Annex B): tags of 1 to 3 bytes, 00 between objects is padding."""

from collections.abc import Iterator
from typing import Final

from .. import statuswords as sw
from ..errors import StatusWordError

_LONG_TAG: Final = 0x1F
_MORE: Final = 0x80
_LONGEST_TAG: Final = 3
_CONSTRUCTED: Final = 0x20

Objects = list[tuple[int, bytes]]


def build(tag: int, value: bytes) -> bytes:
    """One object with the shortest length form.

    >>> build(0x9F26, bytes(2)).hex()
    '9f26020000'
    """
    size = len(value)
    if size < 0x80:
        length = bytes((size,))
    else:
        length = b"\x81" + bytes((size,)) if size < 0x100 else b"\x82" + size.to_bytes(2, "big")
    return tag.to_bytes((tag.bit_length() + 7) // 8, "big") + length + value


def parse(data: bytes) -> Objects:
    """The objects one after the other, as (tag, value).

    :raises StatusWordError: 6A80 when one is cut short, or its length has another form than 1, 81 or 82.

    >>> parse(bytes.fromhex("9C0100005A0112"))
    [(156, b'\\x00'), (90, b'\\x12')]
    """
    return list(_objects(data))


def unique(data: bytes) -> dict[int, bytes]:
    """The objects by tag.

    :raises StatusWordError: 6A80 also when a tag comes twice.
    """
    objects = parse(data)
    found = dict(objects)
    if len(found) != len(objects):
        raise StatusWordError(sw.WRONG_DATA)
    return found


def find(data: bytes, tag: int) -> bytes | None:
    """The value of the first object of that tag, also inside constructed ones.

    :raises StatusWordError: 6A80.
    """
    for found, value in _objects(data):
        if found == tag:
            return value
        if _is_constructed(found):
            inner = find(value, tag)
            if inner is not None:
                return inner
    return None


def check(data: bytes) -> None:
    """Refuse what is no whole objects, down to the innermost.

    :raises StatusWordError: 6A80.
    """
    for tag, value in _objects(data):
        if _is_constructed(tag):
            check(value)


def _is_constructed(tag: int) -> bool:
    return bool(tag.to_bytes((tag.bit_length() + 7) // 8, "big")[0] & _CONSTRUCTED)


def _objects(data: bytes) -> Iterator[tuple[int, bytes]]:
    at = 0
    while at < len(data):
        if data[at] == 0:
            at += 1
            continue
        tag, at = read_tag(data, at)
        size, at = _length(data, at)
        if at + size > len(data):
            raise StatusWordError(sw.WRONG_DATA)
        yield tag, data[at : at + size]
        at += size


def read_tag(data: bytes, at: int) -> tuple[int, int]:
    """A tag, and the offset behind it.

    :raises StatusWordError: 6A80 when it is cut short or longer than 3 bytes.
    """
    end = at + 1
    if data[at] & _LONG_TAG == _LONG_TAG:
        while end < len(data) and data[end] & _MORE:
            end += 1
        end += 1
    if end > len(data) or end - at > _LONGEST_TAG:
        raise StatusWordError(sw.WRONG_DATA)
    return int.from_bytes(data[at:end], "big"), end


def _length(data: bytes, at: int) -> tuple[int, int]:
    first = data[at] if at < len(data) else _MORE
    if first < _MORE:
        return first, at + 1
    size = {0x81: 1, 0x82: 2}.get(first, 0)
    field = data[at + 1 : at + 1 + size]
    if not size or len(field) < size:
        raise StatusWordError(sw.WRONG_DATA)
    return int.from_bytes(field, "big"), at + 1 + size

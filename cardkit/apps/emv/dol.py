"""Data object lists: what a card asks of the terminal (EMV 4.4 Book 3 5.4)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from cardkit.apps.emv.tags import lookup
from cardkit.errors import EncodingError

_MORE_TAG, _LAST_OF_FIRST = 0x80, 0x1F
_LONGEST_TAG = 3
_CONSTRUCTED = 0x20


@dataclass(frozen=True, slots=True)
class DolEntry:
    """One wish of a card.

    :ivar tag: 1 to 3 bytes.  :ivar size: bytes that come out, 0 to 255.
    """

    tag: bytes
    size: int


class TruncatedDolError(EncodingError):
    """A list that ends within a tag, or before a length.

    :ivar entries: those before.
    """

    def __init__(self, message: str, entries: tuple[DolEntry, ...]) -> None:
        super().__init__(message)
        self.entries = entries


def parse_dol(data: bytes) -> tuple[DolEntry, ...]:
    """Read a list.

    :raises TruncatedDolError: when it ends in the middle of an entry.
    :raises EncodingError: on a tag of more than three bytes, or 00.

    >>> parse_dol(bytes.fromhex("9F0206 9A03"))[1]
    DolEntry(tag=b'\\x9a', size=3)
    """
    entries: list[DolEntry] = []
    offset = 0
    while offset < len(data):
        end = _end_of_tag(data, offset)
        if end >= len(data):
            rest = data[offset:].hex().upper()
            raise TruncatedDolError(f"DOL ends with {rest} at byte {offset}, expected tag and length", tuple(entries))
        entries.append(DolEntry(_checked_tag(data[offset:end], offset), data[end]))
        offset = end + 1
    return tuple(entries)


def parse_tag_list(data: bytes) -> tuple[bytes, ...]:
    """Read tags without lengths, as 9F4A has them.

    :raises EncodingError: when the list ends within a tag, or holds no tag.

    >>> [tag.hex() for tag in parse_tag_list(bytes.fromhex("82 9F36"))]
    ['82', '9f36']
    """
    tags = []
    offset = 0
    while offset < len(data):
        end = _end_of_tag(data, offset)
        if end > len(data):
            raise EncodingError(f"tag list ends with {data[offset:].hex().upper()}, expected a whole tag")
        tags.append(_checked_tag(data[offset:end], offset))
        offset = end
    return tuple(tags)


def dol_size(dol: bytes | tuple[DolEntry, ...]) -> int:
    """Return how many bytes a list asks for.  :raises EncodingError: as :func:`parse_dol`."""
    return sum(entry.size for entry in _entries(dol))


def build_dol(dol: bytes | tuple[DolEntry, ...], values: Mapping[bytes, bytes], context: str = "") -> bytes:
    """Return what a list asks for, each value brought to its length by its format (Book 3 5.4).

    :param values: by tag. For several sources in order use :class:`collections.ChainMap`: the first hit wins.
    :param context: of the tags, as :func:`~cardkit.apps.emv.tags.lookup` takes it.
    :returns: bare data; absent and constructed objects come out as zeros.
    :raises EncodingError: as :func:`parse_dol`.

    >>> build_dol(bytes.fromhex("9F0206 9C01"), {b"\\x9f\\x02": b"\\x10\\x00", b"\\x9c": b"\\x00"}).hex()
    '00000000100000'
    """
    return b"".join(_field(entry, values, context) for entry in _entries(dol))


def _entries(dol: bytes | tuple[DolEntry, ...]) -> tuple[DolEntry, ...]:
    return parse_dol(dol) if isinstance(dol, bytes) else dol


def split_dol(dol: bytes | tuple[DolEntry, ...], data: bytes) -> Iterator[tuple[DolEntry, bytes]]:
    """Yield each entry with the piece of the data that answers it.

    :raises EncodingError: when the data has another length than the list asks for.
    """
    entries = _entries(dol)
    if len(data) != dol_size(entries):
        raise EncodingError(f"DOL data: got {len(data)} bytes, the list asks for {dol_size(entries)}")
    offset = 0
    for entry in entries:
        yield entry, data[offset : offset + entry.size]
        offset += entry.size


def _field(entry: DolEntry, values: Mapping[bytes, bytes], context: str) -> bytes:
    value = values.get(entry.tag)
    if value is None or entry.tag[0] & _CONSTRUCTED:
        return bytes(entry.size)
    info = lookup(entry.tag, context)
    kind = info.kind if info else "b"
    if kind == "n":
        return value[-entry.size :].rjust(entry.size, b"\x00") if entry.size else b""
    return value[: entry.size].ljust(entry.size, b"\xff" if kind == "cn" else b"\x00")


def _checked_tag(tag: bytes, offset: int) -> bytes:
    if len(tag) > _LONGEST_TAG or tag == b"\x00":
        raise EncodingError(f"list of tags: got {tag.hex().upper()} at byte {offset}, expected 1 to 3 bytes, not 00")
    return tag


def _end_of_tag(data: bytes, offset: int) -> int:
    """Return the offset behind a tag; behind the data where it ends in the tag."""
    end = offset + 1
    if data[offset] & _LAST_OF_FIRST == _LAST_OF_FIRST:
        while end < len(data) and data[end] & _MORE_TAG:
            end += 1
        end += 1
    return end

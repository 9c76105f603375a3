"""Data object lists: what a card asks of the terminal (EMV Book 3, 5.4)."""

from collections.abc import Mapping

from .. import statuswords as sw
from ..errors import StatusWordError
from . import objects

DEFAULT_DDOL = bytes.fromhex("9F3704")


def parse(dol: bytes) -> list[tuple[int, int]]:
    """The entries, as (tag, bytes).

    :raises StatusWordError: 6A80 when the list ends inside an entry.

    >>> parse(bytes.fromhex("9F37049C01"))
    [(40759, 4), (156, 1)]
    """
    entries, at = [], 0
    while at < len(dol):
        tag, at = objects.read_tag(dol, at)
        if at >= len(dol):
            raise StatusWordError(sw.WRONG_DATA)
        entries.append((tag, dol[at]))
        at += 1
    return entries


def size(dol: bytes) -> int:
    """Bytes of the data the list asks for."""
    return sum(length for _, length in parse(dol))


def split(dol: bytes, data: bytes) -> dict[int, bytes]:
    """The values the terminal sent, by tag; of a tag asked for twice the first.

    :raises StatusWordError: 6700 when the data have another length than the list asks for.
    """
    entries = parse(dol)
    if len(data) != sum(length for _, length in entries):
        raise StatusWordError(sw.WRONG_LENGTH)
    values: dict[int, bytes] = {}
    at = 0
    for tag, length in entries:
        values.setdefault(tag, data[at : at + length])
        at += length
    return values


def fill(dol: bytes, values: Mapping[int, bytes]) -> bytes:
    """What a list of the card's own names, such as a log format; unknown values are zeros."""
    return b"".join(values.get(tag, b"")[:length].ljust(length, b"\x00") for tag, length in parse(dol))

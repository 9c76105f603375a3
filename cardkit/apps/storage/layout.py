"""Where things stand on Classic, Ultralight and NTAG 21x cards (their data sheets; from memory)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import reduce
from operator import xor

from cardkit.errors import EncodingError

CLASSIC = {0x0001: 16, 0x0002: 40, 0x0026: 5}
"""Sectors by card name of PC/SC."""
PAGED = frozenset((0x0003, 0x003A))
PAGE_BYTES = 4
_SMALL_SECTORS, _SMALL, _LARGE = 32, 4, 16
_CASCADE = 0x88
_NDEF = 0xE1
_HEAD_BYTES = 16
_FIRST_PAGES, _ULTRALIGHT_PAGES = 4, 16
_ACCESS = slice(6, 10)


@dataclass(frozen=True, slots=True)
class Sector:
    """Blocks under a pair of keys.  :param first: number of the first block.  :param blocks: how many."""

    number: int
    first: int
    blocks: int

    @property
    def trailer(self) -> int:
        """Number of the block with keys and access bits."""
        return self.first + self.blocks - 1


def sectors(count: int) -> Iterator[Sector]:
    """Yield the sectors of a Classic card: 32 of 4 blocks, then of 16.

    >>> [sector.first for sector in sectors(34)][-3:]
    [124, 128, 144]
    """
    first = 0
    for number in range(count):
        blocks = _SMALL if number < _SMALL_SECTORS else _LARGE
        yield Sector(number, first, blocks)
        first += blocks


def access_bits(trailer: bytes) -> tuple[int, ...]:
    """Return C1 C2 C3 of each of the four groups of blocks of a sector, as a number 0 to 7.

    :param trailer: 16 bytes.  :raises EncodingError: where the bits and their complements differ: the sector is dead.

    >>> access_bits(bytes(6) + bytes.fromhex("FF078069") + bytes(6))
    (0, 0, 0, 1)
    """
    b6, b7, b8, _ = trailer[_ACCESS]
    c1, c2, c3 = b7 >> 4, b8 & 0xF, b8 >> 4
    if (b6 & 0xF, b6 >> 4, b7 & 0xF) != (c1 ^ 0xF, c2 ^ 0xF, c3 ^ 0xF):
        raise EncodingError("access bits differ from their complements")
    return tuple(_condition(c1, c2, c3, group) for group in range(4))


def _condition(c1: int, c2: int, c3: int, group: int) -> int:
    return (c1 >> group & 1) << 2 | (c2 >> group & 1) << 1 | c3 >> group & 1


@dataclass(frozen=True, slots=True)
class PagesHead:
    """The first four pages of an Ultralight or NTAG.

    :param lock: two bytes.  :param capability: page 3, which says how much there is for NDEF.
    """

    uid: bytes
    lock: bytes
    capability: bytes

    @classmethod
    def parse(cls, data: bytes) -> PagesHead:
        """Read it.  :raises EncodingError: where a check byte of the UID is wrong, or bytes are missing."""
        if len(data) != _HEAD_BYTES:
            raise EncodingError(f"first pages: {len(data)} bytes, expected {_HEAD_BYTES}")
        first, second = data[:3], data[4:8]
        if (reduce(xor, first, _CASCADE), reduce(xor, second)) != (data[3], data[8]):
            raise EncodingError("a check byte of the UID is wrong")
        return cls(first + second, data[10:12], data[12:16])

    @property
    def pages(self) -> int:
        """How many pages there are to read: those for NDEF, or an Ultralight's."""
        if self.capability[0] != _NDEF:
            return _ULTRALIGHT_PAGES
        return _FIRST_PAGES + 2 * self.capability[2]

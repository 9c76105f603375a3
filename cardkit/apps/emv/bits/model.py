"""Bits in words: a table of fields, and what they say of a value.

Positions are written as the EMV books do: byte, point, bit, the highest bit of a byte being 8.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from cardkit.errors import EncodingError

_NUMBER = "#"


@dataclass(frozen=True, slots=True)
class BitField:
    """One bit, or neighbouring bits of one byte that count together.

    :ivar byte: from 1.  :ivar high, low: bits from 8 to 1.
    :ivar words: of a field of several bits, by its value; empty for a single bit and for a number.
    """

    byte: int
    high: int
    low: int
    name: str
    words: tuple[tuple[int, str], ...] = ()

    @property
    def position(self) -> str:
        """``2.7``, or ``1.8-7`` for several bits."""
        return f"{self.byte}.{self.high}" + (f"-{self.low}" if self.low != self.high else "")

    @property
    def mask(self) -> int:
        """The bits of this field within its byte."""
        return (1 << (self.high - self.low + 1)) - 1 << (self.low - 1)

    def value(self, data: bytes) -> int:
        """Return what stands in this field, 0 where the data is too short."""
        return (data[self.byte - 1] & self.mask) >> (self.low - 1) if self.byte <= len(data) else 0

    def describe(self, data: bytes) -> str:
        """Return the field in words, empty for a single bit that is not set."""
        value = self.value(data)
        if self.name.startswith(_NUMBER):
            return f"{self.name[1:]}: {value}"
        if self.words:
            return f"{self.name}: {dict(self.words).get(value, f'reserved value {value}')}"
        return self.name if value else ""


@dataclass(frozen=True, slots=True)
class Word:
    """What one field of a value says.

    :ivar position: ``2.7``; empty where the text is about the whole value.
    """

    position: str
    text: str

    def __str__(self) -> str:
        return f"{self.position} {self.text}".lstrip()


@dataclass(frozen=True, slots=True)
class BitTable:
    """The fields of one kind of value.

    :ivar size: bytes it has.
    """

    title: str
    size: int
    fields: tuple[BitField, ...]
    clause: str = ""

    def words(self, value: bytes) -> tuple[Word, ...]:
        """Return what a value says, bits reserved for future use included."""
        found = [Word(each.position, text) for each in self.fields if (text := each.describe(value))]
        found += [Word(position, "reserved for future use, set") for position in self.reserved(value)]
        if len(value) != self.size:
            found.append(Word("", f"{len(value)} bytes, expected {self.size}"))
        return tuple(found)

    def reserved(self, value: bytes) -> Iterator[str]:
        """Yield the positions of set bits that no field of the table names."""
        known = bytearray(max(len(value), self.size))
        for each in self.fields:
            known[each.byte - 1] |= each.mask
        for index, byte in enumerate(value):
            unknown = byte & ~known[index]
            yield from (f"{index + 1}.{bit}" for bit in range(8, 0, -1) if unknown >> (bit - 1) & 1)

    def mask(self, name: str) -> int:
        """Return a single bit, or the bits of a field, as a number of :attr:`size` bytes.

        :param name: as the table has it.  :raises EncodingError: when it has none of that name.
        """
        for each in self.fields:
            if each.name == name:
                return each.mask << 8 * (self.size - each.byte)
        raise EncodingError(f"{self.title}: no field {name!r}")


def table(title: str, size: int, text: str, *, clause: str) -> BitTable:
    """Read a table, one line a field: ``1.7 name``, ``1.8-7 name: 00 first, 01 second``, ``2.8-5 #number``.

    A field of several bits lists its values in binary.
    """
    return BitTable(title, size, tuple(_field(line.strip()) for line in text.strip().splitlines()), clause)


def _field(line: str) -> BitField:
    position, _, rest = line.partition(" ")
    byte, _, bits = position.partition(".")
    high, _, low = bits.partition("-")
    name, _, words = rest.partition(": ") if low else (rest, "", "")
    values = tuple(
        (int(value, 2), text) for value, _, text in (item.partition(" ") for item in words.split(", ") if item)
    )
    return BitField(int(byte), int(high), int(low or high), name, values)

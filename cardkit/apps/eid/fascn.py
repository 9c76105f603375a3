"""The FASC-N: who holds a PIV card, as 40 characters of five bits (PACS 2.3, 2.1 and 6; unverified).

Each digit has its lowest bit first and odd parity last; signs stand between the fields, their longitudinal parity ends.
"""

from __future__ import annotations

from dataclasses import astuple, dataclass
from functools import reduce
from operator import xor

from cardkit.errors import EncodingError

SIZE_BYTES = 25
_WIDTH = 5
_START, _FIELD, _END = 0x1A, 0x16, 0x1F
# Digits of each field, and whether a sign follows it.
_LAYOUT = ((4, True), (4, True), (6, True), (1, True), (1, True), (10, False), (1, False), (4, False), (1, False))


def _digit(value: int) -> int:
    reversed_bits = int(f"{value:04b}"[::-1], 2)
    return reversed_bits << 1 | (value.bit_count() + 1) % 2


_DIGITS = tuple(_digit(value) for value in range(10))
_VALUES = {bits: str(value) for value, bits in enumerate(_DIGITS)}


@dataclass(frozen=True, slots=True)
class FascN:
    """The fields, decimal digits: agency, system, credential, series, issue, person, category of its organization.

    :param agency, system: 4 digits.  :param credential: 6.  :param series, issue: 1.  :param person: 10.
    :param category: 1.  :param organization: 4.  :param association: 1.
    """

    agency: str
    system: str
    credential: str
    series: str
    issue: str
    person: str
    category: str
    organization: str
    association: str

    def build(self) -> bytes:
        """Return 25 bytes.  :raises EncodingError: on a field of other than its number of digits."""
        symbols = [_START]
        for text, (size, sign) in zip(astuple(self), _LAYOUT, strict=True):
            if len(text) != size or not (text.isascii() and text.isdigit()):
                raise EncodingError(f"FASC-N: a field of {len(text)} characters, expected {size} digits")
            symbols += [_DIGITS[int(digit)] for digit in text]
            symbols += [_FIELD] if sign else []
        symbols.append(_END)
        symbols.append(_check(symbols))
        bits = reduce(lambda whole, symbol: whole << _WIDTH | symbol, symbols, 0)
        return bits.to_bytes(SIZE_BYTES, "big")

    @classmethod
    def parse(cls, data: bytes) -> FascN:
        """Read 25 bytes.  :raises EncodingError: on another length, a wrong sign or parity."""
        if len(data) != SIZE_BYTES:
            raise EncodingError(f"FASC-N: {len(data)} bytes, expected {SIZE_BYTES}")
        whole = int.from_bytes(data, "big")
        count = 8 * SIZE_BYTES // _WIDTH
        symbols = [whole >> _WIDTH * (count - 1 - place) & 0x1F for place in range(count)]
        fields, place = [], 1
        for size, sign in _LAYOUT:
            fields.append("".join(_VALUES.get(symbol, "?") for symbol in symbols[place : place + size]))
            place += size + sign
        found = cls(*fields)
        if found.build() != data:
            raise EncodingError("FASC-N: signs or parity are not those of its digits")
        return found


def _check(symbols: list[int]) -> int:
    """Return the last character: the exclusive or of four bits of all others, and odd parity."""
    value = reduce(xor, (symbol >> 1 for symbol in symbols))
    return value << 1 | (value.bit_count() + 1) % 2

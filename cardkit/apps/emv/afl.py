"""The application file locator: which records there are, and which of them are signed (EMV 4.4 Book 3 10.2)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from cardkit.errors import EncodingError

_ENTRY_BYTES = 4
LARGEST_SFI = 30


@dataclass(frozen=True, slots=True)
class AflEntry:
    """Neighbouring records of one file.

    :ivar sfi: 1 to 30.  :ivar first, last: record numbers, 1 to 255.
    :ivar signed: how many records, from the first on, take part in offline data authentication.
    """

    sfi: int
    first: int
    last: int
    signed: int

    def build(self) -> bytes:
        """Return the coded entry, 4 bytes.  :raises EncodingError: when it breaks a rule of Book 3 10.2."""
        if not 1 <= self.sfi <= LARGEST_SFI:
            raise EncodingError(f"AFL entry: SFI {self.sfi}, expected 1 to {LARGEST_SFI}")
        if not 1 <= self.first <= self.last <= 0xFF:
            raise EncodingError(f"AFL entry of SFI {self.sfi}: records {self.first} to {self.last}, expected 1 to 255")
        if not 0 <= self.signed <= self.last - self.first + 1:
            raise EncodingError(f"AFL entry of SFI {self.sfi}: {self.signed} signed records, expected as many or fewer")
        return bytes((self.sfi << 3, self.first, self.last, self.signed))

    def records(self) -> Iterator[tuple[int, bool]]:
        """Yield record numbers, and whether each is signed."""
        yield from ((number, number < self.first + self.signed) for number in range(self.first, self.last + 1))

    def describe(self) -> str:
        """Return the entry in words."""
        signed = f", the first {self.signed} signed" if self.signed else ""
        return f"SFI {self.sfi}: records {self.first} to {self.last}{signed}"


def parse_afl(data: bytes) -> tuple[AflEntry, ...]:
    """Read the entries.

    :raises EncodingError: on a length that is no multiple of 4, an SFI outside 1 to 30, low bits of the SFI byte that
        are set, record 0, a last record before the first, or more signed records than there are.

    >>> parse_afl(bytes.fromhex("10010501"))
    (AflEntry(sfi=2, first=1, last=5, signed=1),)
    """
    if len(data) % _ENTRY_BYTES:
        raise EncodingError(f"AFL: got {len(data)} bytes, expected a multiple of {_ENTRY_BYTES}")
    return tuple(_entry(data[start : start + _ENTRY_BYTES]) for start in range(0, len(data), _ENTRY_BYTES))


def _entry(coded: bytes) -> AflEntry:
    if coded[0] & 0x07:
        raise EncodingError(f"AFL entry {coded.hex().upper()}: the low three bits of its SFI byte are set")
    entry = AflEntry(coded[0] >> 3, *coded[1:])
    entry.build()
    return entry

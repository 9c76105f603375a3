"""The counter of secured packets: what a sending side may use next (ETSI TS 102 225 5.1.4)."""

from __future__ import annotations

from dataclasses import dataclass

from cardkit.errors import CounterGuardError, EncodingError
from cardkit.secure.spi import CounterMode

COUNTER_BYTES = 5
HIGHEST = (1 << 8 * COUNTER_BYTES) - 1
"""A card that has taken this one takes no other: its key set is of no use any more."""


@dataclass(frozen=True, slots=True)
class Counter:
    """What a key set has been used with; write it down before a packet goes out.

    :param last: the last value used, 0 for a fresh card.  :raises EncodingError: when out of range.
    """

    last: int

    def __post_init__(self) -> None:
        if not 0 <= self.last <= HIGHEST:
            raise EncodingError(f"packet counter: got {self.last}, expected 0 to {HIGHEST}")

    def following(self, mode: CounterMode) -> Counter:
        """Return what the next packet carries: zeros where there is no counter, else one more.

        :raises CounterGuardError: before the last value, which would end the key set.
        """
        if mode is CounterMode.NONE:
            return Counter(0)
        if self.last + 1 >= HIGHEST:
            raise CounterGuardError(f"packet counter: {self.last} used, the next would block the key set")
        return Counter(self.last + 1)

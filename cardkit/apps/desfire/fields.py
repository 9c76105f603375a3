"""Fields of fixed size one after the other, numbers with their low byte first: all that DESFire's structures are."""

from __future__ import annotations

from cardkit.errors import EncodingError


class Fields:
    """Reads a structure from its beginning to its end.

    :param what: its name, for messages.
    """

    def __init__(self, data: bytes, what: str) -> None:
        self._data, self._what, self._place = data, what, 0

    def take(self, size: int) -> bytes:
        """Return the next bytes.  :raises EncodingError: where there are fewer."""
        found = self._data[self._place : self._place + size]
        if len(found) != size:
            raise EncodingError(f"{self._what}: {len(self._data)} bytes, expected {self._place + size} or more")
        self._place += size
        return found

    def number(self, size: int, *, signed: bool = False) -> int:
        """Return the next bytes as a number.  :raises EncodingError: where there are fewer."""
        return int.from_bytes(self.take(size), "little", signed=signed)

    def rest(self) -> bytes:
        """Return what is left."""
        return self.take(len(self._data) - self._place)

    def end(self) -> None:
        """Make sure that nothing is left.  :raises EncodingError: where something is."""
        if self._place != len(self._data):
            raise EncodingError(f"{self._what}: {len(self._data)} bytes, expected {self._place}")


def little(value: int, size: int, *, signed: bool = False) -> bytes:
    """Return a number with its low byte first.  :raises EncodingError: where it does not fit.

    >>> little(0xF21190, 3).hex()
    '9011f2'
    """
    try:
        return value.to_bytes(size, "little", signed=signed)
    except OverflowError:
        raise EncodingError(f"{value} does not fit {size} bytes") from None

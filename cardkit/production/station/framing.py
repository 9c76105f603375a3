"""Lines on a stream of bytes, and the seam for handlers that speak otherwise. production.md 16"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from importlib.metadata import entry_points
from typing import Protocol

from cardkit.errors import EncodingError
from cardkit.production.station.messages import MOST_BYTES

ENTRY_POINT_GROUP = "cardkit.handlers"


class Adapter(Protocol):
    """Translates between a controller's own words and lines of the handler protocol, for one link."""

    def lines(self, data: bytes) -> Iterator[bytes]:
        """Yield the lines of the handler protocol that some received bytes complete."""
        ...

    def wire(self, line: bytes) -> bytes:
        """Return the bytes to send for one line of the station's."""
        ...


class JsonLines:
    """The protocol itself: lines end with a line feed."""

    def __init__(self) -> None:
        self._rest = b""

    def lines(self, data: bytes) -> Iterator[bytes]:
        """Yield whole lines; of one that is too long a first part, which is enough to refuse it."""
        *whole, self._rest = (self._rest + data).split(b"\n")
        yield from whole
        if len(self._rest) > MOST_BYTES:
            too_long, self._rest = self._rest, b""
            yield too_long

    def wire(self, line: bytes) -> bytes:
        """Return the line."""
        return line


def adapter_named(name: str | None) -> Callable[[], Adapter]:
    """Return what makes the adapter of a link: the one an installed package gives that name, or none for the protocol.

    :raises EncodingError: when no package has one of that name.
    """
    if name is None:
        return JsonLines
    for point in entry_points(group=ENTRY_POINT_GROUP, name=name):
        make: Callable[[], Adapter] = point.load()
        return make
    known = sorted(point.name for point in entry_points(group=ENTRY_POINT_GROUP))
    raise EncodingError(f"handler adapter {name!r}: expected one of {', '.join(known) or 'none, no package has any'}")

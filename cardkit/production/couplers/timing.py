"""Where a card's time goes: what card and line take is measured, the rest is ours. production.md 14, 19"""

from __future__ import annotations

import time

from cardkit.atr import ATR
from cardkit.desired import Plan
from cardkit.transport.base import Connection
from cardkit.transport.wrapper import ConnectionWrapper

DEFAULT_TA1 = 0x11


class TimedConnection(ConnectionWrapper):
    """A connection that adds up the time until its answers came.

    :ivar seconds: so far.
    """

    def __init__(self, inner: Connection) -> None:
        super().__init__(inner)
        self.seconds = 0.0

    def transmit(self, command: bytes) -> bytes:
        """Send one command and take its time."""
        start = time.perf_counter()
        try:
            return self.inner.transmit(command)
        finally:
            self.seconds += time.perf_counter() - start

    def reset(self, *, cold: bool) -> bytes:
        """Reset the card and take its time."""
        start = time.perf_counter()
        try:
            return self.inner.reset(cold=cold)
        finally:
            self.seconds += time.perf_counter() - start


def planned_seconds(todo: Plan, connection: Connection) -> float | None:
    """Return what a plan says its card takes, line and memory, at the rate the card offers.

    None for a contactless card: the ATR that its reader makes up names no rate.

    :raises EncodingError: on a reserved TA1.
    """
    atr = ATR.parse_unchecked(connection.atr)
    if atr.contactless:
        return None
    offered = atr.ta(1)
    return todo.seconds(DEFAULT_TA1 if offered is None else offered, connection.protocol)

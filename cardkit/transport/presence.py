"""Who lies in which reader: states, and the event counter that tells a new card from the old one.

The service counts +1 for each insertion and each removal. A card is new when the counter has moved, whatever the
handle of the old one says. The counter starts again with the service.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from enum import IntFlag

from cardkit.errors import AccessDeniedError, Executed, NoCardError, ReaderGoneError, ServiceDownError
from cardkit.transport.pcsc_context import Context

_CHANGED = 0x0002
_SLICE_MS = 1_000
_FIRST_PAUSE_S = 0.1
_LONGEST_PAUSE_S = 5.0
# How long a starting service may refuse before it is believed.
_STARTING_S = 5.0
_COUNTER_SHIFT = 16


class StateFlag(IntFlag):
    """The low 16 bits of a reader's state (PC/SC part 5, SCARD_STATE)."""

    UNKNOWN = 0x0004
    UNAVAILABLE = 0x0008
    EMPTY = 0x0010
    PRESENT = 0x0020
    EXCLUSIVE = 0x0080
    IN_USE = 0x0100
    MUTE = 0x0200


@dataclass(frozen=True, slots=True)
class ReaderState:
    """One look at one reader.

    :param state: flags in the low 16 bits, event counter above.  :param atr: empty without a card.
    """

    name: str
    state: int
    atr: bytes

    @property
    def flags(self) -> StateFlag:
        """What the service says of the reader and its card."""
        return StateFlag(self.state & int(~StateFlag(0)))

    @property
    def counter(self) -> int:
        """Insertions and removals so far, modulo 65,536."""
        return self.state >> _COUNTER_SHIFT & 0xFFFF

    @property
    def present(self) -> bool:
        """A card lies in the reader."""
        return bool(self.state & StateFlag.PRESENT)

    @property
    def held(self) -> bool:
        """Some program uses the card."""
        return bool(self.state & (StateFlag.EXCLUSIVE | StateFlag.IN_USE))


def look(context: Context, reader: str) -> ReaderState:
    """Return a reader's state now.

    :raises ReaderGoneError: when there is no such reader.
    """
    return ReaderState(*context.status_change(0, [(reader, 0)])[0])


def list_readers() -> list[ReaderState]:
    """Return every reader's state, in the service's order.

    :raises ServiceDownError: when there is no PC/SC service.
    """
    with Context() as context:
        return [look(context, name) for name in context.readers()]


def wait_for_card(
    reader: str,
    *,
    after: int | None,
    timeout_s: float,
    cancelled: Callable[[], bool] = lambda: False,
) -> ReaderState:
    """Wait until a card lies in the reader that was not there before and that nobody holds.

    A card that went mute stays held, even after the program that used it has ended, until it is taken out.

    :param after: the event counter at the last card; None accepts the card that lies there now.
    :param cancelled: asked every second.  :raises NoCardError: when no new card came in time, or on cancellation.
    """
    deadline = time.monotonic() + timeout_s
    context = Context()
    known = 0
    restarted = False
    try:
        while True:
            try:
                state = _next_state(context, reader, known, deadline)
            except ServiceDownError:
                # A restarted service knows nothing of the old contexts and counts from 0: every card is new.
                context.release()
                context, known, after, restarted = _new_context(deadline), 0, None, True
                continue
            except ReaderGoneError:
                # A restarted service answers before it has found its readers again.
                if not restarted or time.monotonic() >= deadline:
                    raise
                time.sleep(_FIRST_PAUSE_S)
                continue
            if state.present and not state.held and state.counter != after:
                return state
            if cancelled() or time.monotonic() >= deadline:
                raise NoCardError(
                    f"{reader}: no new card within {timeout_s:g} s",
                    reader=reader,
                    operation="wait",
                    executed=Executed.NO,
                )
            known = state.state & ~_CHANGED
    finally:
        context.release()


def _new_context(deadline: float) -> Context:
    """Wait for the service to come back; while it starts it may also refuse everybody (pcscd 1.9: 8010006A)."""
    pause_s = _FIRST_PAUSE_S
    refused_until = min(deadline, time.monotonic() + _STARTING_S)
    while True:
        try:
            return Context()
        except (ServiceDownError, AccessDeniedError) as error:
            last = refused_until if isinstance(error, AccessDeniedError) else deadline
            if time.monotonic() + pause_s >= last:
                raise
        time.sleep(pause_s)
        pause_s = min(2 * pause_s, _LONGEST_PAUSE_S)


def _next_state(context: Context, reader: str, known: int, deadline: float) -> ReaderState:
    left_ms = max(0.0, (deadline - time.monotonic()) * 1000)
    timeout_ms = int(min(_SLICE_MS, left_ms)) if known else 0
    return ReaderState(*context.status_change(timeout_ms, [(reader, known)])[0])

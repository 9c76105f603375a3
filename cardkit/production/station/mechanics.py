"""A simulated handler's mechanics: feeder, slots, bins, and what goes wrong with them. production.md 16"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from enum import StrEnum

from cardkit.production.station.handler import bin_of
from cardkit.production.station.messages import (
    Arrived,
    Ejected,
    Feed,
    FromStation,
    Go,
    Job,
    Message,
    Removed,
    Result,
    Stop,
)
from cardkit.production.station.protocol import GOOD, HOLD, REJECT, RETRY


class Kind(StrEnum):
    """What goes wrong, once. Of the line: LOSE to DEAF, at the n-th message; of the cards, at the n-th card."""

    LOSE = "lose"
    REPEAT = "repeat"
    DELAY = "delay"
    CUT = "cut"
    GARBAGE = "garbage"
    DEAF = "deaf"
    WRONG_BIN = "wrong-bin"
    DOUBLE_FEED = "double-feed"
    EARLY_EJECT = "early-eject"
    REMOVED = "removed"


OF_CARDS = frozenset({Kind.WRONG_BIN, Kind.DOUBLE_FEED, Kind.EARLY_EJECT, Kind.REMOVED})


@dataclass(frozen=True, slots=True)
class Trouble:
    """One fault.

    :param at: at which message the handler says or hears, or at which card it feeds; from 1.
    """

    kind: Kind
    at: int


class Machine:
    """Feeder, slots and bins.

    :param cards: in the feeder.
    :ivar bins: cards in each bin, by name.  :ivar fed: cards that were moved in.  :ivar stopped: why it feeds no more.
    """

    def __init__(self, cards: int, trouble: Trouble | None = None) -> None:
        self._waiting = cards
        self._trouble = trouble if trouble and trouble.kind in OF_CARDS else None
        self._known: dict[str, int] = {}
        self._allowed: set[int] = set()
        self._full: dict[int, int] = {}
        self.bins: Counter[str] = Counter()
        self.fed = 0
        self.stopped: str | None = None

    @property
    def finished(self) -> bool:
        """Whether no card lies in a slot and none will be moved in."""
        return not self._full and (self._waiting == 0 or self.stopped is not None)

    def told(self, news: FromStation) -> list[Message]:
        """Take what the station says; what the machine does, in its words."""
        match news:
            case Job(bins=bins):
                self._known = dict(bins)
            case Feed(slots=list(slots)):
                self._allowed.update(slots)
            case Stop(why=why):
                self.stopped = why
                self._allowed.clear()
            case Result():
                return self._out(news) + self._in()
            case _:
                pass
        return self._in()

    def _in(self) -> list[Message]:
        """Move cards into the slots that may have one."""
        done: list[Message] = []
        for slot in sorted(self._allowed - self._full.keys())[: self._waiting]:
            self._allowed.discard(slot)
            self._waiting -= 1
            self.fed += 1
            self._full[slot] = self.fed
            done += [Arrived(slot=slot, card_ref=f"card {self.fed}"), Go(slot=slot)]
            done += self._meanwhile(slot)
        return done

    def _meanwhile(self, slot: int) -> list[Message]:
        """What goes wrong while a card lies in its slot."""
        if self._trouble is None or self._trouble.at != self._full[slot]:
            return []
        match self._trouble.kind:
            case Kind.DOUBLE_FEED:
                return [Arrived(slot=slot), Go(slot=slot)]
            case Kind.EARLY_EJECT:
                return [self._ejected(slot, GOOD)]
            case Kind.REMOVED:
                del self._full[slot]
                return [Removed(slot=slot)]
        return []

    def _out(self, result: Result) -> list[Message]:
        """Bring a card that is finished to its bin."""
        if result.slot not in self._full:
            return []
        if result.verdict == RETRY:
            return [Go(re=result.seq, slot=result.slot)]
        where = bin_of(result, self._known)
        trouble = self._trouble
        if trouble and trouble.kind is Kind.WRONG_BIN and trouble.at == self._full[result.slot]:
            where = REJECT if where == GOOD else GOOD
        return [self._ejected(result.slot, where, result.seq)]

    def _ejected(self, slot: int, where: str, told: int | None = None) -> Ejected:
        del self._full[slot]
        self.bins[where] += 1
        return Ejected(re=told, slot=slot, bin=where)


BINS = {GOOD: 1, REJECT: 2, HOLD: 3}
"""The numbers of a handler that has not said others."""

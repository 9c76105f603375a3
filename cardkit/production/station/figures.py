"""What a shift comes to: cards by verdict, equipment effectiveness, and where the cards' time went. production.md 14"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

from cardkit.production import events
from cardkit.production.stop import Stop

HOUR_S = 3600.0


@dataclass(frozen=True, slots=True)
class Effectiveness:
    """OEE and its three factors, each 0 to 1; None where there is nothing to take it of.

    :param availability: running time of the shift's time.
    :param performance: card time as planned of the running time, over all couplers; cards that cost less than their
        plan says, as virtual ones do, bring it above 1.
    :param quality: good cards of good and rejected ones.
    """

    availability: float | None
    performance: float | None
    quality: float | None

    @property
    def overall(self) -> float | None:
        """Return the product, None where a factor is missing."""
        if self.availability is None or self.performance is None or self.quality is None:
            return None
        return self.availability * self.performance * self.quality


@dataclass(slots=True)
class Figures:
    """Counts what a run reports.

    :ivar cards: by verdict.  :ivar codes: of cards that are not good, by class and code.
    :ivar running_s: of the couplers.  :ivar stops: what ended runs early.
    """

    couplers: int
    cards: Counter[str] = field(default_factory=Counter)
    codes: Counter[tuple[str, str]] = field(default_factory=Counter)
    running_s: float = 0.0
    restarts: int = 0
    stopped_couplers: list[events.CouplerStopped] = field(default_factory=list)
    stops: list[Stop] = field(default_factory=list)
    whole_ms: float = 0.0
    card_ms: float = 0.0
    planned_ms: float = 0.0
    planned_cards: int = 0

    def __call__(self, event: events.Event) -> None:
        """Take one event of a run."""
        match event:
            case events.CardDone():
                self._count(event)
            case events.WorkerRestarted():
                self.restarts += 1
            case events.CouplerStopped():
                self.stopped_couplers.append(event)
            case events.BatchDone(seconds=seconds, stopped=stopped):
                self.running_s += seconds
                self.stops += [stopped] if stopped else []
            case _:
                pass

    def _count(self, card: events.CardDone) -> None:
        self.cards[card.verdict] += 1
        if card.verdict != "GOOD":
            self.codes[card.reject_class or "-", card.code or "-"] += 1
        if card.times is None:
            return
        self.whole_ms += card.times.whole
        self.card_ms += card.times.card
        if card.times.planned is not None:
            self.planned_ms += card.times.planned
            self.planned_cards += 1

    @property
    def uph(self) -> float | None:
        """Good cards an hour of running time."""
        return self.cards["GOOD"] * HOUR_S / self.running_s if self.running_s else None

    @property
    def software_share(self) -> float | None:
        """What is neither card nor line, of all time spent on cards, 0 to 1."""
        return 1 - self.card_ms / self.whole_ms if self.whole_ms else None

    def effectiveness(self, shift_s: float) -> Effectiveness:
        """Return the OEE of a shift of so many seconds."""
        judged = self.cards["GOOD"] + self.cards["REJECTED"] + self.cards["BLANK_REJECT"]
        manned_ms = self.running_s * 1000 * self.couplers
        return Effectiveness(
            availability=min(self.running_s / shift_s, 1.0) if shift_s else None,
            performance=self.planned_ms / manned_ms if manned_ms and self.planned_cards else None,
            quality=self.cards["GOOD"] / judged if judged else None,
        )

"""Readers that are pulled out of their machine, now and then, in the middle of a card."""

from __future__ import annotations

import random
from dataclasses import dataclass

from cardkit.desired import Event, OnEvent
from cardkit.errors import Executed, ReaderGoneError
from cardkit.production.couplers.bench import BenchSpec, Cancelled, PersoBench
from cardkit.production.couplers.deadline import Watch
from cardkit.production.couplers.messages import Ended, Work

# A card asks about so many times for something to be made durable.
STEPS = 6


@dataclass(frozen=True, slots=True)
class ReaderLosses:
    """Makes benches that lose their reader.

    :param within: cards of a coupler, at one of which that happens, drawn by lot; 0: at none.
    """

    within: int = 0

    def __call__(self, spec: BenchSpec, watch: Watch | None = None) -> LosingBench:
        """Return the bench of one coupler."""
        return LosingBench(self.within, spec, watch)


class LosingBench(PersoBench):
    """A bench whose reader is gone at a card and a step drawn by lot, before or after the card was bound."""

    def __init__(self, within: int, spec: BenchSpec, watch: Watch | None = None) -> None:
        super().__init__(spec, watch)
        self._lot = random.Random()  # noqa: S311 - faults, not secrets
        self._reader = str(spec.target)
        left = within - spec.first % within if within else 0  # an earlier process made some of these cards
        self._good_for = self._lot.randrange(left) if left else -1
        self._pulled_out = False

    def place(self, cancelled: Cancelled) -> bool:
        """Wait for a card, where there is a reader still."""
        if self._pulled_out:
            raise self._gone()
        return super().place(cancelled)

    def make(self, work: Work, on_event: OnEvent, *, resume: bool) -> Ended:
        """Personalize and verify the card, unless its reader goes."""
        fatal = self._lot.randrange(STEPS) if self._good_for == 0 else None
        self._good_for -= 1
        steps = 0

        def listen(event: Event) -> None:
            nonlocal steps
            if steps == fatal:
                raise self._gone()
            steps += 1
            on_event(event)

        ended = super().make(work, listen, resume=resume)
        if fatal is not None:
            raise self._gone()  # the card asked fewer times
        return ended

    def _gone(self) -> ReaderGoneError:
        self._pulled_out = True
        return ReaderGoneError(f"{self._reader}: pulled out", reader=self._reader, executed=Executed.NO)

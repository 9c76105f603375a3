"""Readers that are pulled out of their machine, now and then, in the middle of a card."""

from __future__ import annotations

import random
from dataclasses import dataclass

from cardkit.desired import Event, OnEvent
from cardkit.errors import Executed, ReaderGoneError
from cardkit.production.couplers.bench import BenchSpec, PersoBench
from cardkit.production.couplers.deadline import Watch
from cardkit.production.couplers.messages import Ended, Work

# A card asks about so many times for something to be made durable.
STEPS = 6


@dataclass(frozen=True, slots=True)
class ReaderLosses:
    """Makes benches that lose their reader.

    :param share: of the cards at which that happens, 0 to 1.
    """

    share: float = 0.0

    def __call__(self, spec: BenchSpec, watch: Watch | None = None) -> LosingBench:
        """Return the bench of one coupler."""
        return LosingBench(self.share, spec, watch)


class LosingBench(PersoBench):
    """A bench whose reader is gone at a step drawn by lot, before or after the card was bound."""

    def __init__(self, share: float, spec: BenchSpec, watch: Watch | None = None) -> None:
        super().__init__(spec, watch)
        self._share = share
        self._lot = random.Random()  # noqa: S311 - faults, not secrets
        self._reader = str(spec.target)

    def make(self, work: Work, on_event: OnEvent, *, resume: bool) -> Ended:
        """Personalize and verify the card, unless its reader goes."""
        fatal = self._lot.randrange(STEPS) if self._lot.random() < self._share else None
        steps = 0

        def listen(event: Event) -> None:
            nonlocal steps
            if steps == fatal:
                raise ReaderGoneError(f"{self._reader}: pulled out", reader=self._reader, executed=Executed.NO)
            steps += 1
            on_event(event)

        return super().make(work, listen, resume=resume)

"""A batch as it runs: a live bar on a terminal, plain lines elsewhere. Everything goes to stderr."""

from __future__ import annotations

import sys
import time
from types import TracebackType
from typing import Self

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskID, TextColumn, TimeRemainingColumn

from cardkit.cli.render import say
from cardkit.production import events
from cardkit.production.action import next_action

PLAIN_EVERY_S = 2.0


class BatchProgress:
    """A reporter for :func:`cardkit.production.run_batch`: counts cards done, good, rejected and cards per second."""

    def __init__(self) -> None:
        self.good = self.rejected = self.in_doubt = 0
        self.stops: list[events.CouplerStopped] = []
        self._total = 0
        self._started = time.monotonic()
        self._last_line = self._started
        self._bar: Progress | None = None
        self._task = TaskID(0)
        if sys.stderr.isatty():
            self._bar = Progress(
                TextColumn("{task.completed:.0f}/{task.total:.0f} cards"),
                BarColumn(),
                TextColumn("[green]{task.fields[good]} good[/]  [red]{task.fields[rejected]} rejected[/]"),
                TextColumn("{task.fields[rate]:.1f} cards/s"),
                TimeRemainingColumn(),
                console=Console(stderr=True),
            )

    def __enter__(self) -> Self:
        if self._bar is not None:
            self._bar.start()
            self._task = self._bar.add_task("batch", total=0, good=0, rejected=0, rate=0.0)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._bar is not None:
            self._bar.stop()

    def __call__(self, event: events.Event) -> None:
        """Take one event of the running batch."""
        match event:
            case events.BatchStarted():
                self._start(event)
            case events.CardDone():
                self._count(event)
            case events.CouplerStopped():
                self.stops.append(event)
                self._line(f"{event.coupler}: {event.why}")
            case events.WorkerRestarted():
                self._line(f"{event.coupler}: {event.why}")
            case events.JournalReplayed(torn_bytes=torn) if torn:
                self._line(f"journal: a torn last record of {torn} bytes was cut off")
            case _:
                pass

    @property
    def done(self) -> int:
        """Cards that ended in any way."""
        return self.good + self.rejected + self.in_doubt

    @property
    def rate(self) -> float:
        """Cards per second since the batch started."""
        return self.done / max(time.monotonic() - self._started, 1e-9)

    def _start(self, event: events.BatchStarted) -> None:
        self._total = event.ready
        self._started = self._last_line = time.monotonic()
        if self._bar is not None:
            self._bar.update(self._task, total=event.ready)
        else:
            cards = "1 card" if event.ready == 1 else f"{event.ready} cards"
            readers = "1 reader" if len(event.couplers) == 1 else f"{len(event.couplers)} readers"
            say(f"batch {event.batch}: {cards} to make on {readers}")
        if event.in_doubt:
            self._line(f"batch {event.batch}: {event.in_doubt} in doubt; `cardkit doubt list {event.batch}` names them")

    def _count(self, event: events.CardDone) -> None:
        match event.verdict:
            case "GOOD":
                self.good += 1
            case "IN_DOUBT":
                self.in_doubt += 1
            case _:
                self.rejected += 1
        if event.verdict != "GOOD":
            what = f"{event.coupler}: record {event.record_no} {event.verdict} {event.code or ''}".rstrip()
            self._line(f"{what}. {next_action(event.verdict, event.code, event.reject_class)}")
        if self._bar is not None:
            self._bar.update(self._task, completed=self.done, good=self.good, rejected=self.rejected, rate=self.rate)
        elif time.monotonic() - self._last_line >= PLAIN_EVERY_S or self.done == self._total:
            self._last_line = time.monotonic()
            say(
                f"{self.done}/{self._total} cards done, {self.good} good, {self.rejected} rejected,"
                f" {self.rate:.1f} cards/s"
            )

    def _line(self, text: str) -> None:
        if self._bar is not None:
            self._bar.console.print(text, markup=False, highlight=False)
        else:
            say(text)

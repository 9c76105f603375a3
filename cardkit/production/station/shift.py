"""One shift of a station: self-test, every batch that is open, the sheet at its end. production.md 14, 15"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from cardkit.errors import NoReaderError, StoreError
from cardkit.production import events
from cardkit.production.audit.checkpoints import checkpoint, latest
from cardkit.production.run import DEFAULT_OPTIONS, RunOptions, couplers_of, run_batch
from cardkit.production.station.figures import Figures
from cardkit.production.station.selftest import Trial, self_test
from cardkit.production.stop import Stop
from cardkit.production.store import reading
from cardkit.production.store.schema import BatchState
from cardkit.production.store.store import Store

MOST_COUPLERS = 64
INTERRUPT = "interrupt"
"""The rule of a stop that the operator asked for: how a shift ends before its orders do."""


@dataclass(frozen=True, slots=True)
class Sealed:
    """Where the station's audit was signed last: event number and hash."""

    seq: int
    hash: str


@dataclass(frozen=True, slots=True)
class Shift:
    """What a shift came to.

    :param runs: the batches, in the order they were made.  :param sealed: None while nothing was signed.
    """

    station: str
    operator: str
    began: datetime
    ended: datetime
    seconds: float
    trials: tuple[Trial, ...]
    runs: tuple[events.BatchDone, ...]
    figures: Figures
    sealed: Sealed | None


Reporter = Callable[[events.Event | Trial], None]


def run_shift(
    store: Store,
    targets: Sequence[str],
    batch: str | None = None,
    *,
    reporter: Reporter,
    options: RunOptions = DEFAULT_OPTIONS,
) -> Shift:
    """Make one batch, or every batch that is open, oldest first, until something stops the station.

    An interrupt ends the shift in order; asked for again, it ends the couplers at once. Either way there is a sheet.

    :param reporter: is told each trial of the self-test, and what happens afterwards.
    :raises NoReaderError: when the self-test misses a reader.  :raises StoreError: when anything else in it fails.
    :raises BatchHeldError: when the batch that was named is not OPEN.  :raises KeyboardInterrupt: in the self-test.
    """
    began, start = store.clocks.wall(), time.monotonic()
    readers = couplers_of(targets)
    if len(readers) > MOST_COUPLERS:
        raise StoreError(f"station {options.station}: {len(readers)} couplers, expected {MOST_COUPLERS} at most")
    if batch is not None:
        store.batch(batch)  # a name nobody knows is told before anything is tried
    figures = Figures(len(readers))
    trials = _require(self_test(store, options.station, readers, options.keys), reporter)

    def told(event: events.Event) -> None:
        figures(event)
        reporter(event)

    def make(name: str) -> events.BatchDone:
        start, before = time.monotonic(), figures.cards.copy()
        try:
            return run_batch(store, name, targets, reporter=told, options=options)
        except KeyboardInterrupt:
            done = _interrupted(store, name, figures.cards - before, time.monotonic() - start)
        told(done)
        return done

    names = iter([batch]) if batch is not None else open_batches(store)
    runs = tuple(_until_stopped(names, make))
    return Shift(
        station=options.station,
        operator=store.operator,
        began=began,
        ended=store.clocks.wall(),
        seconds=time.monotonic() - start,
        trials=trials,
        runs=runs,
        figures=figures,
        sealed=_sealed(store, options.station) if runs else None,
    )


def _require(trials: Iterator[Trial], reporter: Reporter) -> tuple[Trial, ...]:
    done = []
    for trial in trials:
        reporter(trial)
        done.append(trial)
    failed = [trial for trial in done if not trial.passed]
    if failed:
        error = NoReaderError if failed[0].name == "readers" else StoreError
        raise error("self-test: " + "; ".join(f"{trial.name}: {trial.seen}" for trial in failed))
    return tuple(done)


def open_batches(store: Store) -> Iterator[str]:
    """Yield the batches that are open and have cards to make, oldest first, as they are when they are asked for."""
    for name in store.batch_names():
        lot = store.batch(name)
        if lot.state is BatchState.OPEN and reading.counts(store, lot)["READY"]:
            yield name


def _until_stopped(names: Iterator[str], make: Callable[[str], events.BatchDone]) -> Iterator[events.BatchDone]:
    for name in names:
        done = make(name)
        yield done
        if done.stopped is not None:
            return


def _interrupted(store: Store, name: str, made: Counter[str], seconds: float) -> events.BatchDone:
    """Say what a run came to that the operator ended."""
    return events.BatchDone(
        batch=name,
        counts=reading.counts(store, store.batch(name)),
        good=made["GOOD"],
        rejected=made["REJECTED"],
        in_doubt=made["IN_DOUBT"],
        blank_rejects=made["BLANK_REJECT"],
        seconds=seconds,
        stopped=Stop("station", INTERRUPT, "interrupted by the operator"),
    )


def _sealed(store: Store, station: str) -> Sealed | None:
    """Sign what the last run left, and say where the station's audit is."""
    checkpoint(store, station)
    with store.reading() as connection:
        last = latest(connection, station)
    return None if last is None else Sealed(last.seq, last.hash.hex())

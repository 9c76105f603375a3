"""A whole plant on virtual cards: order, machines, faults, cards in doubt presented again, reconciliation.

Linux only. production.md 7
"""

from __future__ import annotations

import multiprocessing
import secrets
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from multiprocessing.process import BaseProcess
from pathlib import Path

from cardkit.errors import StoreError
from cardkit.production.batch import batch_status, close_batch
from cardkit.production.input.importing import import_batch
from cardkit.production.input.opening import opened_order
from cardkit.production.reconcile import Closing
from cardkit.production.resume import resume_batch
from cardkit.production.run import RunOptions
from cardkit.production.sim.faults import FaultCounts, FaultPlan, Faults, Pace
from cardkit.production.sim.judge import Chip, Judgement, judge, look, said
from cardkit.production.sim.machine import BOUND, COUNTS, GOOD, OPERATOR, READERS, MachineTerms, work
from cardkit.production.sim.order import PROFILE, SimOrder, new_order
from cardkit.production.store.store import Store, open_store
from cardkit.profile import Profile, load_profile

BATCH = "sim"
DESK = "desk"
TICK_S, REPORT_S = 0.02, 2.0
# A machine that ends so often by itself, and no card was bound meanwhile, will not recover.
MOST_FAILURES = 20
RESTART_AFTER_S = 0.5
# Cards a coupler gets to make between two faults of its machine, on a computer that is slow to start machines again.
CARDS_BETWEEN = 5


@dataclass(frozen=True, slots=True)
class PlantSpec:
    """How a plant is built.

    :param store: URL of a store; of PostgreSQL where there is more than one machine.
    :param folder: for the order, the chips and what machines say.
    :param couplers: of each machine.  :param lease_s: how long a claim holds.
    :param loses_within: cards of a coupler, at one of which its reader is pulled out; 0: at none.
    """

    store: str
    folder: Path
    machines: int
    couplers: int
    cards: int
    faults: FaultPlan = field(default_factory=FaultPlan)
    lease_s: float = 30.0
    loses_within: int = 1_000

    @property
    def workers(self) -> bool:
        """Whether each coupler is a process of its own: on a single machine."""
        return self.machines == 1


@dataclass(frozen=True, slots=True)
class Progress:
    """Where the plant stands, by what its machines count.

    :param bound: cards that were joined to a record; those of them that are not good are in work, or in doubt.
    :param faults: what went wrong so far.  :param seconds: since the machines were started.
    """

    cards: int
    bound: int
    good: int
    faults: FaultCounts
    seconds: float


@dataclass(frozen=True, slots=True)
class PlantResult:
    """How it ended.

    :param made: GOOD before the cards in doubt were presented.  :param in_doubt: how many those were.
    :param records: by state, at the end.  :param seconds: of the machines.
    """

    made: int
    in_doubt: int
    records: dict[str, int]
    judgement: Judgement
    closing: Closing
    faults: FaultCounts
    seconds: float

    @property
    def balances(self) -> bool:
        """Whether no card is a duplicate, none is lost, and the batch could be closed."""
        return self.closing.closable and not self.judgement.duplicates and not self.judgement.lost


Reporter = Callable[[Progress], None]


class Machine:
    """One machine and the process that is it at the moment."""

    def __init__(self, terms: MachineTerms, couplers: int) -> None:
        self._terms = terms
        self._couplers = couplers
        self._context = _context()
        self.tally = self._context.RawArray("Q", COUNTS)
        self._process: BaseProcess | None = None
        self._bound_before = 0

    @property
    def pid(self) -> int:
        """Its process; -1 before there was one."""
        return (self._process and self._process.pid) or -1

    @property
    def working(self) -> bool:
        """Whether it runs, and has bound some cards for each coupler since it was started or struck."""
        return self.exit_code is None and self.tally[BOUND] >= self._bound_before + self._couplers * CARDS_BETWEEN

    def struck(self) -> None:
        """Spare it until it works again."""
        self._bound_before = self.tally[BOUND]

    @property
    def exit_code(self) -> int | None:
        """Its exit code, negative the signal; None while it runs."""
        return None if self._process is None else self._process.exitcode

    @property
    def last_words(self) -> str:
        """The last line it left in its log."""
        return (self._terms.log.read_text("utf-8", "replace").splitlines() or ["nothing"])[-1]

    def start(self) -> None:
        """Start it, for the first time or again."""
        self.struck()
        self._process = self._context.Process(target=work, args=(self._terms, self.tally))
        self._process.start()

    def end(self) -> None:
        """End it at once."""
        if self._process is not None:
            self._process.kill()
            self._process.join()


def _context() -> multiprocessing.context.ForkServerContext:
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload([work.__module__, "cardkit.apps.uicc.app"])
    return context


def run_plant(spec: PlantSpec, report: Reporter) -> PlantResult:
    """Make an order's cards in a plant where things go wrong, bring doubts to an end, and close the batch.

    :raises StoreError: when the machines cannot work at all, or the store holds a batch of an earlier plant.
    """
    profile = load_profile(PROFILE)
    order = new_order(spec.cards)
    batch = f"{BATCH}-{secrets.token_hex(3)}"
    spec.folder.mkdir(parents=True, exist_ok=True)
    _take(spec, profile, order, batch)
    line = Line(spec, batch)
    line.run(report)
    with open_store(spec.store, operator=OPERATOR) as store:
        before = batch_status(store, batch).counts
        for reader in line.trays:
            resume_batch(store, batch, reader, options=RunOptions(station=DESK))
    with open_store(spec.store, operator=OPERATOR) as store:
        found = judge(_chips(profile, line, store), said(store, batch), order.iccids())
        closing = close_batch(store, batch, found.cards)
        records = dict(batch_status(store, batch).counts)
    return PlantResult(before["GOOD"], before["IN_DOUBT"], records, found, closing, line.faults.counts, line.seconds)


def _take(spec: PlantSpec, profile: Profile, order: SimOrder, batch: str) -> None:
    path = spec.folder / "order.csv"
    order.write(path)
    keystore = profile.test_keystore()
    with (
        open_store(spec.store, operator=OPERATOR, create=True) as store,
        opened_order(store, profile, path, keystore, secrets.token_bytes, None) as rows,
    ):
        import_batch(store, profile, rows, keystore, path, name=batch)


def _chips(profile: Profile, line: Line, store: Store) -> Iterator[Chip]:
    for reader in line.trays:
        yield from look(profile, reader, store)


class Line:
    """All machines, the faults they suffer, and who starts them again.

    :ivar trays: where the chips of each machine lie, as readers.
    """

    def __init__(self, spec: PlantSpec, batch: str) -> None:
        self._spec = spec
        self._start = time.monotonic()
        self._failures = 0
        self._bound_at_failure = 0
        self._rest: dict[int, float] = {}
        self.faults = Faults(spec.faults, workers=spec.workers)
        chips = [spec.folder / batch / f"chips-{number}" for number in range(1, spec.machines + 1)]
        self.trays = [f"virtual:usim@{folder}" for folder in chips]
        self._machines = [
            Machine(self._terms(batch, number, folder), spec.couplers) for number, folder in enumerate(chips, 1)
        ]
        self.seconds = 0.0

    def _terms(self, batch: str, number: int, chips: Path) -> MachineTerms:
        chips.mkdir(parents=True)
        return MachineTerms(
            store=self._spec.store,
            batch=batch,
            station=f"M{number}",
            reader=f"virtual:usim*{self._spec.couplers}@{chips}",
            workers=self._spec.workers,
            lease_s=self._spec.lease_s,
            log=self._spec.folder / f"M{number}.log",
            couplers=self._spec.couplers,
            loses_within=self._spec.loses_within,
        )

    def run(self, report: Reporter) -> None:
        """Keep all machines at work until each of them finds nothing left."""
        shown = 0.0
        try:
            for machine in self._machines:
                machine.start()
            while any(machine.exit_code != 0 for machine in self._machines):
                self.seconds = time.monotonic() - self._start
                in_cards = self._spec.faults.pace is Pace.CARDS
                self.faults.strike(self._machines, self.bound if in_cards else self.seconds)
                self._restart()
                if self.seconds - shown >= REPORT_S:
                    shown = self.seconds
                    report(self._progress())
                time.sleep(TICK_S)
            report(self._progress())
        finally:
            self.faults.end()
            for machine in self._machines:
                machine.end()

    @property
    def bound(self) -> int:
        """Cards that were joined to a record so far."""
        return self._count(BOUND)

    def _count(self, what: int) -> int:
        return sum(each.tally[what] for each in self._machines)

    def _progress(self) -> Progress:
        self.faults.counts.readers = self._count(READERS)
        return Progress(self._spec.cards, self.bound, self._count(GOOD), self.faults.counts, self.seconds)

    def _restart(self) -> None:
        """Start every machine again that did not end because all was done."""
        for number, machine in enumerate(self._machines):
            code = machine.exit_code
            if code in (None, 0):
                continue
            now = time.monotonic()
            if code > 0 and number not in self._rest:
                self._rest[number] = now + RESTART_AFTER_S
                self._count_failure(machine)
            if now >= self._rest.get(number, now):
                self._rest.pop(number, None)
                machine.start()

    def _count_failure(self, machine: Machine) -> None:
        self._failures = self._failures + 1 if self.bound == self._bound_at_failure else 1
        self._bound_at_failure = self.bound
        if self._failures >= MOST_FAILURES:
            raise StoreError(f"sim plant: machines end by themselves, the last one said: {machine.last_words}")

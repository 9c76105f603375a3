"""A store with one batch, a clock the test moves, a driver for the vectors, and a line that plays cards."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from cardkit.desired import BindEvent, IntentEvent, OnEvent, UnknownEvent
from cardkit.errors import (
    BatchHeldError,
    CardMuteError,
    CardRemovedError,
    ChipUsedError,
    FencedError,
    IllegalStepError,
    ReaderGoneError,
    TwoPersonsError,
)
from cardkit.perso import Prepared
from cardkit.production.couplers.bench import BenchSpec
from cardkit.production.couplers.deadline import Watch
from cardkit.production.couplers.messages import Ended, Seen, Work
from cardkit.production.couplers.thread import ThreadCoupler
from cardkit.production.events import CardDone
from cardkit.production.resume import Recovery
from cardkit.production.run import RunOptions, Shift, give_back, hold_if_stopped, open_shift, supply
from cardkit.production.stop import StopParameters, StopRules
from cardkit.production.store import Card, Clocks, Office, StationSession, Store, start_session
from cardkit.production.store.invariants import check_audit, check_records
from cardkit.production.store.orders import NewBatch, NewRecord, add_batch
from cardkit.production.store.schema import record
from cardkit.production.supervisor import Line, Supervisor
from cardkit.target import Scheme, Target
from tests.unit.production.founding import NEW_STORE

BATCH = "B-1"
ERRORS = {
    FencedError: "FENCED",
    ChipUsedError: "CHIP_USED",
    BatchHeldError: "BATCH_HELD",
    TwoPersonsError: "TWO_PERSONS",
    IllegalStepError: "ILLEGAL",
}


class Time:
    """A clock the test moves."""

    def __init__(self) -> None:
        self.seconds = 1000.0

    def lease(self) -> float:
        return self.seconds

    def wall(self) -> datetime:
        return datetime(2031, 5, 4, tzinfo=UTC) + timedelta(seconds=self.seconds)


def open_batch(
    path: Path, records: int, *, persons: int = 1, time: Time | None = None, dialect: str = "sqlite"
) -> Store:
    """A store with one OPEN batch of READY records."""
    time = time or Time()
    store = NEW_STORE[dialect](path, persons=persons, clocks=Clocks(time.lease, time.wall))
    new = NewBatch(
        name=BATCH,
        profile="usim-test",
        profile_version=1,
        profile_path="profile",
        profile_sha256=b"\x11" * 32,
        keyset_sha256=b"\x22" * 32,
        source_name="order.csv",
        source_sha256=b"\x33" * 32,
        remake="after-scrap",
    )
    rows = [NewRecord(n, f"record {n}".encode(), {"iccid": f"89{n:017d}"}) for n in range(1, records + 1)]
    lot = add_batch(store, new, rows)
    if persons == 2:
        Office(store, lot, ("ana", "bek")).approve()
        Office(store, lot, ("ana", "bek")).open()
    return store


class Driver:
    """Runs the vectors' operations and says what came of each in the vectors' words."""

    def __init__(self, store: Store, time: Time, ttl_s: float) -> None:
        self.store = store
        self.time = time
        self.ttl_s = ttl_s
        self.lot = store.batch(BATCH)
        self.sessions: dict[str, StationSession] = {}

    def run(self, op: dict[str, Any]) -> Any:
        step: Callable[[dict[str, Any]], Any] = getattr(self, f"_{op['op']}")
        try:
            answer = step(op)
        except tuple(ERRORS) as error:
            return ERRORS[type(error)]
        return "ok" if answer is None else getattr(answer, "value", answer)

    def session(self, name: str) -> StationSession:
        if name not in self.sessions:
            self.sessions[name] = start_session(self.store, name)[0]
        return self.sessions[name]

    def _office(self, op: dict[str, Any]) -> Office:
        return Office(self.store, self.lot, tuple(op["by"]))

    def _card(self, op: dict[str, Any]) -> Card:
        return Card(op["record"], op["token"], op["chip"])

    def _tick(self, op: dict[str, Any]) -> None:
        self.time.seconds += op["s"]

    def _claim(self, op: dict[str, Any]) -> list[list[int]]:
        claims = self.session(op["station"]).claim(BATCH, op["k"], self.ttl_s)
        return [[claim.record_id, claim.token] for claim in claims]

    def _release(self, op: dict[str, Any]) -> Any:
        return self.session(op["station"]).release(op["record"], op["token"])

    def _bind(self, op: dict[str, Any]) -> Any:
        return self.session(op["station"]).bind(self.lot, self._card(op))

    def _commit(self, op: dict[str, Any]) -> Any:
        evidence = bytes.fromhex(op["evidence"]) if op["evidence"] else None
        return self.session(op["station"]).commit(self.lot, self._card(op), evidence)

    def _reject(self, op: dict[str, Any]) -> Any:
        return self.session(op["station"]).reject(self.lot, self._card(op), op["code"])

    def _restart(self, op: dict[str, Any]) -> dict[str, list[int]]:
        self.sessions[op["station"]], done = start_session(self.store, op["station"])
        return {"in_doubt": list(done.in_doubt), "released": list(done.released)}

    def _resume(self, op: dict[str, Any]) -> None:
        session = self.session(op["station"])
        self._office(op).resume(op["record"], op["chip"], op["marker"], session.id)

    def _resolve(self, op: dict[str, Any]) -> None:
        self._office(op).resolve(op["record"], op["chip"], op["verdict"], bytes.fromhex(op["evidence"]))

    def _recall(self, op: dict[str, Any]) -> None:
        self._office(op).recall(op["record"], op["code"])

    def _scrap(self, op: dict[str, Any]) -> None:
        self._office(op).scrap(op["record"], op["witness"])

    def _lost(self, op: dict[str, Any]) -> None:
        self._office(op).lost(op["record"], op["incident"])

    def _remake(self, op: dict[str, Any]) -> None:
        self._office(op).remake(op["record"])

    def _cancel(self, op: dict[str, Any]) -> None:
        self._office(op).cancel(op["record"])

    def _hold(self, op: dict[str, Any]) -> None:
        self._office(op).hold(op["why"])

    def _unhold(self, op: dict[str, Any]) -> None:
        self._office(op).unhold("yield looked at")


@pytest.fixture
def time() -> Time:
    return Time()


@pytest.fixture
def dialect(request: pytest.FixtureRequest) -> str:
    """The kind of database; tests under ``both_stores`` run on each."""
    return getattr(request, "param", "sqlite")


both_stores = pytest.mark.parametrize("dialect", list(NEW_STORE), indirect=True)


@pytest.fixture
def make_store(tmp_path: Path, time: Time, dialect: str) -> Iterator[Callable[..., Store]]:
    """Make stores with one open batch in this test's folder; closed at its end."""
    opened: list[Store] = []

    def make(records: int = 3, *, persons: int = 1, name: str = "store.db") -> Store:
        opened.append(open_batch(tmp_path / name, records, persons=persons, time=time, dialect=dialect))
        return opened[-1]

    yield make
    for store in opened:
        store.close()


@pytest.fixture
def make_driver(make_store: Callable[..., Store], time: Time) -> Callable[[int, float], Driver]:
    """Make a driver of vectors on a new store, which asks for two persons as the vectors do."""
    return lambda records, ttl_s: Driver(make_store(records, persons=2), time, ttl_s)


class World:
    """The chips of a plant: what each carries, and how each behaves.

    :ivar written: per chip the markers' tags it was written with, in order.
    :ivar script: per chip what happens instead of a good card.
    """

    def __init__(self, chips: Sequence[str], **script: str) -> None:
        self.waiting = deque(chips)
        self.script = script
        self.written: dict[str, list[bytes]] = {}
        self.seen: dict[str, Seen] = {}
        self.proved: dict[str, bool] = {}
        self.resumed: list[str] = []

    def bench(self, spec: BenchSpec, watch: Watch | None) -> PlayedBench:
        """The factory that RunOptions wants."""
        return PlayedBench(self)


class PlayedBench:
    """A bench whose cards do what their script says."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._chip = ""
        self.powered = 0

    def place(self, cancelled: Callable[[], bool]) -> bool:
        try:
            self._chip = self._world.waiting.popleft()
        except IndexError:
            return False
        self.powered = 1
        if self._world.script.get(self._chip) == "reader":
            raise ReaderGoneError("the reader was unplugged", reader="r")
        return True

    def repower(self) -> None:
        self.powered += 1

    def remove(self) -> None:
        self._chip = ""

    def close(self) -> None:
        self.remove()

    def look(self) -> Seen:
        return self._world.seen[self._chip]

    def make(self, work: Work, on_event: OnEvent, *, resume: bool) -> Ended:
        chip, script = self._chip, self._world.script.get(self._chip, "")
        if script == "mute" or (script == "shaky" and self.powered < 3):
            raise CardMuteError("the card does not answer", reader="r")
        if script == "not blank":
            return Ended(good=False, bound=False, chip=chip, code="NOT_BLANK", reject_class="card type")
        on_event(BindEvent(chip))
        self._world.written.setdefault(chip, []).append(work.tag)
        if resume:
            self._world.resumed.append(chip)
        on_event(IntentEvent("ADM1", "test:adm1", 3))
        self._after_bind(script, on_event)
        if script.startswith("bad "):
            _, code, reject_class = script.split()
            security = reject_class == "security"
            return Ended(
                good=False,
                bound=True,
                chip=chip,
                code=code,
                reject_class=reject_class,
                security=security,
                evidence_sha256=b"e" * 32,
                findings=b'[{"rule":"U-01","where":"EF.IMSI","actual":"001019999999999"}]',
            )
        return Ended(good=True, bound=True, chip=chip, evidence_sha256=b"e" * 32, apply_ms=3, verify_ms=2)

    def _after_bind(self, script: str, on_event: OnEvent) -> None:
        if script == "torn":
            on_event(UnknownEvent("EF.IMSI", "no answer"))
            raise CardRemovedError("the card left the reader", reader="r")
        if script == "bug":
            raise ZeroDivisionError("a bug")

    def prove(self, work: Work) -> Ended:
        good = self._world.proved[self._chip]
        code = None if good else "DATA_READBACK"
        return Ended(good=good, bound=True, chip=self._chip, code=code, evidence_sha256=b"p" * 32)


@dataclass
class Plant:
    """A store with one batch, a world of chips, and a line of played benches."""

    store: Store
    world: World
    events: list[Any] = field(default_factory=list)

    def line(self, shift: Shift, couplers: int, limit: int | None) -> Line:
        return Line(
            couplers=[f"reader {number}" for number in range(1, couplers + 1)],
            build=lambda number, exchange, taken: ThreadCoupler(number, exchange, NO_SPEC, self.world.bench),
            supply=lambda count: supply(shift, count),
            give_back=lambda claim: give_back(shift.session, claim),
            chip_ref=self.store.vault.chip_ref,
            limit=limit,
        )

    def run(
        self, *, couplers: int = 1, limit: int | None = None, rules: StopParameters | None = None, station: str = "s1"
    ) -> Supervisor:
        """One run of the line; the supervisor tells what came of it."""
        with open_shift(self.store, BATCH, RunOptions(station=station), self.events.append) as shift:
            shift.session.require_claimable(BATCH)
            supervisor = Supervisor(
                self.line(shift, couplers, limit), shift.books, StopRules(rules), self.events.append
            )
            supervisor.run()
            hold_if_stopped(shift, supervisor.stopped)
        return supervisor

    def recover(self) -> Recovery:
        """Present the waiting chips after a crash."""
        with open_shift(self.store, BATCH, RunOptions(station="s1"), self.events.append) as shift:
            recovery = Recovery(
                shift,
                "reader 1",
                lambda number, exchange, taken: ThreadCoupler(number, exchange, NO_SPEC, self.world.bench),
                self.events.append,
            )
            recovery.run()
            hold_if_stopped(shift, recovery.stopped)
        return recovery

    def states(self) -> dict[int, str]:
        """State of each record by row."""
        with self.store.reading() as connection:
            return {row.row_no: row.state for row in connection.execute(select(record.c.row_no, record.c.state))}

    def done(self) -> list[CardDone]:
        return [event for event in self.events if isinstance(event, CardDone)]

    def check(self) -> None:
        """Nothing is wrong in the store, and no record is on two chips."""
        lot = self.store.batch(BATCH)
        assert check_records(self.store, lot) + check_audit(self.store) == []
        tags = [tag for written in self.world.written.values() for tag in set(written)]
        assert len(tags) == len(set(tags))


NO_SPEC = BenchSpec("profile", b"\x11" * 32, Target(Scheme.VIRTUAL, "usim"))


@pytest.fixture
def make_plant(make_store: Callable[..., Store], monkeypatch: pytest.MonkeyPatch) -> Callable[..., Plant]:
    """Make a plant of some records; its profile is not a file."""
    monkeypatch.setattr("cardkit.production.run.matching_profile", lambda path, sha256: None)
    monkeypatch.setattr("cardkit.production.run.require_keys", lambda profile, lot, keys: {})
    monkeypatch.setattr("cardkit.production.run.draw", lambda profile, rng: Prepared(rng(16), {}))

    def make(chips: Sequence[str], *, records: int = 3, **script: str) -> Plant:
        return Plant(make_store(records), World(chips, **script))

    return make

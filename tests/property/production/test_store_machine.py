"""Both stores against one model of dictionaries: the same steps, the same answers, and the invariants after each."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule
from sqlalchemy import select, update

from cardkit.errors import BatchHeldError, ChipUsedError, FencedError, IllegalStepError, StoreError, TwoPersonsError
from cardkit.production.store import Answer, Card, Clocks, Office, StationSession, start_session
from cardkit.production.store.invariants import check_audit, check_records
from cardkit.production.store.migrations.versions.r0001_first import ARROWS
from cardkit.production.store.orders import NewBatch, NewRecord, add_batch
from cardkit.production.store.schema import RecordState, attempt, record
from tests import postgres
from tests.property.production.storemodel import RECORDS, TTL_S, Model, ModelAttempt
from tests.unit.production.founding import NEW_STORE

# Side by side; where there is no PostgreSQL, a test of its own says so.
DIALECTS = [name for name in NEW_STORE if name == "sqlite" or postgres.why_not() is None]

STATIONS = st.sampled_from(["s1", "s2"])
PICK = st.integers(0, 11)
SELDOM = st.sampled_from([False, False, False, False, False, True])
CHIPS = st.sampled_from([f"c{n}" for n in range(1, 9)])
EVIDENCE = st.sampled_from([b"a" * 32, b"b" * 32])
PEOPLE = st.sampled_from([("ana", "bek"), ("ana", "bek"), ("ana", "bek"), ("ana",), ("bek", "bek"), ()])
ENDS = st.sampled_from(
    [("GOOD", b"a" * 32), ("GOOD", b"b" * 32), ("REJECTED", "NVM_6581"), ("REJECTED", "LENGTH"), ("IN_DOUBT", "MUTE")]
)
MARKERS = st.sampled_from(["match", "absent", "foreign"])
ERRORS: tuple[type[StoreError], ...] = (
    FencedError,
    ChipUsedError,
    BatchHeldError,
    TwoPersonsError,
    IllegalStepError,
)


class Side:
    """One of the stores that are driven side by side."""

    def __init__(self, dialect: str, folder: Path, clocks: Clocks) -> None:
        self.store = NEW_STORE[dialect](folder / "a.db", persons=2, clocks=clocks)
        new = NewBatch("B", "p", 1, "p", b"p" * 32, b"k" * 32, "f", b"s" * 32, remake="after-scrap")
        rows = [NewRecord(n, b"", {"iccid": str(n)}) for n in range(1, RECORDS + 1)]
        self.lot = add_batch(self.store, new, rows)
        self.office("ana", "bek").approve()
        self.office("ana", "bek").open()
        self.sessions: dict[str, StationSession] = {}

    def office(self, *by: str) -> Office:
        return Office(self.store, self.lot, by)

    def start(self, station: str) -> tuple[list[int], list[int]]:
        self.sessions[station], done = start_session(self.store, station)
        return list(done.in_doubt), list(done.released)


class StoreMachine(RuleBasedStateMachine):
    """Drives stores and model with the same steps."""

    @initialize()
    def open(self) -> None:
        self.model = Model()
        self.folder = tempfile.TemporaryDirectory()
        clocks = Clocks(
            lambda: self.model.now, lambda: datetime(2031, 5, 4, tzinfo=UTC) + timedelta(seconds=self.model.now)
        )
        self.sides = [Side(dialect, Path(self.folder.name), clocks) for dialect in DIALECTS]
        self.runs = dict.fromkeys(("s1", "s2"), 0)
        for station in self.runs:
            self._start(station)

    def _start(self, station: str) -> None:
        """A new session at each store, known to the model by its station and number."""
        expected = self.model.restart(f"{station}/")
        self.runs[station] += 1
        assert [side.start(station) for side in self.sides] == [expected] * len(self.sides)

    def _model_session(self, station: str) -> str:
        return f"{station}/{self.runs[station]}"

    def _same(self, real: Callable[[Side], Any], modelled: Callable[[], Any]) -> Any:
        """All give the same answer, or the same error."""
        try:
            expected = modelled()
        except ERRORS as error:
            expected = type(error)
        for side in self.sides:
            try:
                actual = real(side)
            except ERRORS as error:
                actual = type(error)
            assert actual == expected, side.store.path
        return expected

    @rule(seconds=st.sampled_from([1.0, TTL_S + 1, 1e6]))
    def tick(self, seconds: float) -> None:
        self.model.now += seconds

    @rule(station=STATIONS, count=st.integers(1, 3))
    def claim(self, station: str, count: int) -> None:
        def real(side: Side) -> list[tuple[int, int]]:
            return [(c.record_id, c.token) for c in side.sessions[station].claim("B", count, TTL_S)]

        self._same(real, lambda: self.model.claim(self._model_session(station), count))

    @rule(station=STATIONS, chip=CHIPS)
    def start_a_card(self, station: str, chip: str) -> None:
        def modelled() -> list[Any]:
            claims = self.model.claim(self._model_session(station), 1)
            return [self.model.bind(self._model_session(station), row, token, chip) for row, token in claims]

        def real(side: Side) -> list[Any]:
            session = side.sessions[station]
            return [session.bind(side.lot, Card(c.record_id, c.token, chip)) for c in session.claim("B", 1, TTL_S)]

        self._same(real, modelled)

    @precondition(lambda self: "LEASED" in self.model.state.values())
    @rule(pick=PICK, other=SELDOM, stale=SELDOM)
    def release(self, pick: int, other: bool, stale: bool) -> None:
        rows = self._rows("LEASED")
        row = rows[pick % len(rows)]
        station, token = self._holder(row, other), self.model.token[row] - stale
        self._same(
            lambda side: side.sessions[station].release(row, token),
            lambda: self.model.release(self._model_session(station), row, token),
        )

    def _rows(self, *states: str) -> list[int]:
        """The rows in some states, all rows where there are none: then the step is refused."""
        return [row for row, state in self.model.state.items() if state in states] or list(self.model.state)

    def _holder(self, row: int, other: bool) -> str:
        holder = (self.model.session[row] or "s1/").partition("/")[0]
        return holder if not other else {"s1": "s2", "s2": "s1"}[holder]

    @precondition(lambda self: "LEASED" in self.model.state.values())
    @rule(pick=PICK, other=SELDOM, stale=SELDOM, chip=CHIPS)
    def bind(self, pick: int, other: bool, stale: bool, chip: str) -> None:
        rows = self._rows("LEASED")
        row = rows[pick % len(rows)]
        station, token = self._holder(row, other), self.model.token[row] - stale
        self._same(
            lambda side: side.sessions[station].bind(side.lot, Card(row, token, chip)),
            lambda: self.model.bind(self._model_session(station), row, token, chip),
        )

    def _card(self, pick: int, *states: str) -> tuple[int, ModelAttempt]:
        """An attempt in one of some states, any attempt where there is none."""
        tried = [(row, each) for row, attempts in self.model.attempts.items() for each in attempts]
        wanted = [(row, each) for row, each in tried if each.state in states] or tried
        return wanted[pick % len(wanted)]

    @precondition(lambda self: self.model.used)
    @rule(pick=PICK, other=SELDOM, chip=st.none() | CHIPS)
    def bind_again(self, pick: int, other: bool, chip: str | None) -> None:
        row, tried = self._card(pick, "BOUND")
        station = self._holder(row, other)
        presented = chip or tried.chip
        self._same(
            lambda side: side.sessions[station].bind(side.lot, Card(row, tried.token, presented)),
            lambda: self.model.bind(self._model_session(station), row, tried.token, presented),
        )

    @precondition(lambda self: self.model.used)
    @rule(pick=PICK, other=SELDOM, stale=SELDOM, chip=st.just(None) | st.just(None) | CHIPS, end=ENDS)
    def end(self, pick: int, other: bool, stale: bool, chip: str | None, end: tuple[str, Any]) -> None:
        row, tried = self._card(pick, "BOUND", "GOOD")
        station = self._holder(row, other)
        card = Card(row, tried.token - stale, chip or tried.chip)
        state, detail = end
        steps: dict[str, Callable[[Side], Answer]] = {
            "GOOD": lambda side: side.sessions[station].commit(side.lot, card, detail),
            "REJECTED": lambda side: side.sessions[station].reject(side.lot, card, detail),
            "IN_DOUBT": lambda side: side.sessions[station].doubt(side.lot, card, detail),
        }
        name = "evidence" if state == "GOOD" else "code"
        self._same(
            steps[state],
            lambda: self.model.end(self._model_session(station), row, card.token, card.chip, state, **{name: detail}),
        )

    @precondition(lambda self: self.model.used)
    @rule(pick=PICK)
    def commit_without_evidence(self, pick: int) -> None:
        row, tried = self._card(pick, "BOUND")
        for side in self.sides:
            with pytest.raises(IllegalStepError):
                side.sessions["s1"].commit(side.lot, Card(row, tried.token, tried.chip), None)

    @rule(station=STATIONS)
    def restart(self, station: str) -> None:
        self._start(station)

    @precondition(lambda self: "IN_DOUBT" in self.model.state.values())
    @rule(by=PEOPLE, pick=PICK, chip=st.just(None) | CHIPS, marker=MARKERS, station=STATIONS)
    def resume(self, by: tuple[str, ...], pick: int, chip: str | None, marker: str, station: str) -> None:
        row, tried = self._card(pick, "IN_DOUBT")
        presented = chip or tried.chip
        self._same(
            lambda side: side.office(*by).resume(row, presented, marker, side.sessions[station].id),
            lambda: self.model.resume(by, row, presented, marker, self._model_session(station)),
        )

    @precondition(lambda self: "IN_DOUBT" in self.model.state.values())
    @rule(by=PEOPLE, pick=PICK, chip=st.just(None) | CHIPS, detail=EVIDENCE | st.just("SCRAPPED_BY_NUMBER"))
    def resolve(self, by: tuple[str, ...], pick: int, chip: str | None, detail: bytes | str) -> None:
        row, tried = self._card(pick, "IN_DOUBT")
        verdict = "GOOD" if isinstance(detail, bytes) else "REJECTED"
        presented = chip or tried.chip
        self._same(
            lambda side: side.office(*by).resolve(row, presented, verdict, detail),
            lambda: self.model.resolve(by, row, presented, verdict, detail),
        )

    @precondition(lambda self: self.model.used)
    @rule(by=PEOPLE, pick=PICK)
    def recall(self, by: tuple[str, ...], pick: int) -> None:
        rows = self._rows("GOOD")
        row = rows[pick % len(rows)]

        def modelled() -> None:
            self.model.step(by, row, {"GOOD"}, "REJECTED")
            live = self.model.live(row)
            assert live is not None
            live.code = "QA_FAIL"

        self._same(lambda side: side.office(*by).recall(row, "QA_FAIL"), modelled)

    @precondition(lambda self: self.model.used)
    @rule(by=PEOPLE, pick=PICK)
    def scrap(self, by: tuple[str, ...], pick: int) -> None:
        rows = self._rows("REJECTED")
        row = rows[pick % len(rows)]
        self._same(
            lambda side: side.office(*by).scrap(row, "D-1"),
            lambda: self.model.step(by, row, {"REJECTED"}, "SCRAPPED"),
        )

    @precondition(lambda self: self.model.used)
    @rule(by=PEOPLE, pick=PICK)
    def remake(self, by: tuple[str, ...], pick: int) -> None:
        rows = self._rows("SCRAPPED")
        row = rows[pick % len(rows)]
        self._same(lambda side: side.office(*by).remake(row), lambda: self.model.step(by, row, {"SCRAPPED"}, "READY"))

    @precondition(lambda self: self.model.used)
    @rule(by=PEOPLE, pick=PICK)
    def cancel(self, by: tuple[str, ...], pick: int) -> None:
        row = list(self.model.state)[pick % RECORDS]
        self._same(lambda side: side.office(*by).cancel(row), lambda: self.model.step(by, row, {"READY"}, "CANCELLED"))

    @precondition(lambda self: self.model.used)
    @rule(by=PEOPLE, pick=PICK)
    def lost(self, by: tuple[str, ...], pick: int) -> None:
        row = list(self.model.state)[pick % RECORDS]
        self._same(
            lambda side: side.office(*by).lost(row, "INC-7"),
            lambda: self.model.step(by, row, {"IN_DOUBT", "REJECTED"}, "LOST"),
        )

    @precondition(lambda self: self.model.held or len(self.model.used) > 1)
    @rule(held=st.sampled_from([False, False, False, True]))
    def hold_or_release(self, held: bool) -> None:
        def real(side: Side) -> None:
            office = side.office("ana", "bek")
            office.hold("YIELD") if held else office.unhold("looked at")

        self._same(
            real,
            lambda: self._model_hold(held),
        )

    def _model_hold(self, held: bool) -> None:
        if self.model.held == held:
            raise IllegalStepError
        self.model.held = held

    @precondition(lambda self: self.model.used)
    @rule(pick=PICK, state=st.sampled_from(list(RecordState)), higher=SELDOM)
    def a_console_moves_what_it_must_not(self, pick: int, state: RecordState, higher: bool) -> None:
        """No arrow leads there: the databases themselves refuse."""
        row = list(self.model.state)[pick % RECORDS]
        old = self.model.state[row]
        if ((old, state) in ARROWS and not higher) or (old == state and not higher) or state == "LEASED":
            return
        values = {"state": state, "token": self.model.token[row] + higher, "lease_until": None, "incident": "I"}
        for side in self.sides:
            with pytest.raises(StoreError), side.store.writing() as connection:
                connection.execute(update(record).where(record.c.id == row).values(values))

    @invariant()
    def stores_and_model_agree(self) -> None:
        for side in getattr(self, "sides", ()):
            with side.store.reading() as connection:
                states = {row.id: (row.state, row.token) for row in connection.execute(select(record))}
                attempts = connection.execute(select(attempt).order_by(attempt.c.id)).all()
            assert states == {row: (self.model.state[row], self.model.token[row]) for row in self.model.state}
            found: dict[int, list[tuple[int, str, str]]] = {row: [] for row in states}
            for row in attempts:
                found[row.record_id].append((row.token, row.chip_id.removeprefix("B:"), row.state))
            assert found == {
                row: [(each.token, each.chip, each.state) for each in tried]
                for row, tried in self.model.attempts.items()
            }

    @invariant()
    def nothing_is_unsound(self) -> None:
        for side in getattr(self, "sides", ()):
            assert check_records(side.store, side.lot) == []

    def teardown(self) -> None:
        for side in getattr(self, "sides", ()):
            assert check_audit(side.store) == []
            side.store.close()
        if hasattr(self, "folder"):
            self.folder.cleanup()


def test_postgresql_is_driven_too() -> None:
    postgres.server()
    assert DIALECTS == ["sqlite", "postgresql"]


def machine_settings(examples: int) -> settings:
    """So many runs of the machine, of up to 50 steps each."""
    return settings(
        max_examples=examples, stateful_step_count=50, deadline=None, suppress_health_check=list(HealthCheck)
    )


# tests/hostile/test_store_long.py runs more of them.
TestStore = StoreMachine.TestCase
TestStore.settings = machine_settings(8)

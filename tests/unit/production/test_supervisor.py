"""The line: every card's end, the stop rules at work, and what happens when journal or store fail."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import count
from types import FrameType
from typing import Any

import pytest
from sqlalchemy import text

from cardkit.errors import BatchHeldError, StoreError
from cardkit.production import journal as journal_module
from cardkit.production import supervisor as supervisor_module
from cardkit.production.books import Verdict
from cardkit.production.events import CardStarted, CouplerStopped
from cardkit.production.interrupts import first_interrupt
from cardkit.production.journal import journal_files, read_journal
from cardkit.production.stop import StopParameters
from cardkit.production.store.reading import results

MakePlant = Callable[..., Any]
PATIENT = StopParameters(coupler_consecutive=99, station_consecutive=99, data_rejects=99)


def test_a_batch_is_made_on_two_readers(make_plant: MakePlant) -> None:
    plant = make_plant([f"c{n}" for n in range(9)], records=5)
    supervisor = plant.run(couplers=2)
    assert supervisor.tally[Verdict.GOOD] == 5
    assert set(plant.states().values()) == {"GOOD"}
    assert len(plant.world.written) == 5
    started = [event.record_no for event in plant.events if isinstance(event, CardStarted)]
    assert sorted(started) == [1, 2, 3, 4, 5]
    assert {done.coupler for done in plant.done()} <= {"reader 1", "reader 2"}
    plant.check()


def test_results_are_kept_for_reports(make_plant: MakePlant) -> None:
    plant = make_plant(["c1", "c2", "c3"], c2="bad DATA_READBACK data")
    plant.run()
    first, second, third = results(plant.store, plant.store.batch("B-1"))
    assert (first.record_no, first.verdict, first.apply_ms, first.verify_ms) == (1, "GOOD", 3, 2)
    assert first.evidence_sha256 == (b"e" * 32).hex()
    assert (second.verdict, second.code, second.reject_class) == ("REJECTED", "DATA_READBACK", "data")
    assert second.findings == ({"rule": "U-01", "where": "EF.IMSI", "actual": "001019999999999"},)
    assert third.chip_ref == plant.store.vault.chip_ref("c3")
    assert plant.done()[1].findings == 1


@pytest.mark.requirement("P6")
def test_a_card_that_is_not_blank_costs_no_record(make_plant: MakePlant) -> None:
    plant = make_plant(["c1", "c2", "c3", "c4"], c1="not blank")
    supervisor = plant.run()
    assert plant.states() == {1: "GOOD", 2: "GOOD", 3: "GOOD"}
    first = plant.done()[0]
    assert (first.verdict, first.code) == ("BLANK_REJECT", "NOT_BLANK")
    assert supervisor.tally[Verdict.BLANK_REJECT] == 1
    plant.check()


def test_a_shaky_contact_is_powered_again_before_it_is_a_reject(make_plant: MakePlant) -> None:
    plant = make_plant(["c1", "c2", "c3"], c1="shaky")
    assert plant.run().tally[Verdict.GOOD] == 3


def test_a_mute_card_is_a_contact_reject(make_plant: MakePlant) -> None:
    plant = make_plant(["c1", "c2", "c3", "c4"], c1="mute")
    plant.run()
    assert (plant.done()[0].code, plant.done()[0].reject_class) == ("MUTE", "contact")
    assert set(plant.states().values()) == {"GOOD"}


def test_a_card_torn_out_after_bind_is_in_doubt(make_plant: MakePlant) -> None:
    plant = make_plant(["c1", "c2", "c3"], c2="torn")
    plant.run()
    assert plant.states() == {1: "GOOD", 2: "IN_DOUBT", 3: "GOOD"}
    plant.check()


def test_a_bug_leaves_the_card_in_doubt_and_stops_its_coupler(make_plant: MakePlant) -> None:
    plant = make_plant(["c1", "c2", "c3"], c1="bug")
    plant.run()
    assert plant.states() == {1: "IN_DOUBT", 2: "READY", 3: "READY"}
    assert [(stop.rule, stop.why) for stop in plant.events if isinstance(stop, CouplerStopped)] == [
        ("software", "a bug")
    ]
    plant.check()


def test_a_broken_reader_leaves_its_record_to_the_others(make_plant: MakePlant) -> None:
    plant = make_plant(["c1", "c2", "c3", "c4"], c1="reader")
    plant.run(couplers=2)
    assert set(plant.states().values()) == {"GOOD"}
    assert [stop.rule for stop in plant.events if isinstance(stop, CouplerStopped)] == ["reader"]


def test_the_last_record_of_a_broken_reader_is_made_by_an_idle_one(make_plant: MakePlant) -> None:
    plant = make_plant(["c1", "c2"], records=1, c1="reader")
    plant.run(couplers=2)
    assert plant.states() == {1: "GOOD"}


def test_a_security_reject_holds_the_batch(make_plant: MakePlant) -> None:
    plant = make_plant(["c1", "c2", "c3"], c2="bad TRANSPORT_KEY_STILL_VALID security")
    supervisor = plant.run()
    assert supervisor.stopped is not None
    assert supervisor.stopped.scope == "batch"
    assert plant.states() == {1: "GOOD", 2: "REJECTED", 3: "READY"}
    with pytest.raises(BatchHeldError, match="is HELD"):
        plant.run()


@pytest.mark.requirement("P10")
def test_three_rejects_in_a_row_stop_the_coupler(make_plant: MakePlant) -> None:
    chips = [f"c{n}" for n in range(6)]
    plant = make_plant(chips, records=6, **dict.fromkeys(chips, "bad NVM_6581 dead"))
    plant.run()
    assert list(plant.states().values()) == ["REJECTED"] * 3 + ["READY"] * 3
    assert [stop.rule for stop in plant.events if isinstance(stop, CouplerStopped)] == ["coupler_consecutive"]


def test_a_used_chip_is_refused_and_stops_the_station(make_plant: MakePlant) -> None:
    plant = make_plant(["c1", "c1", "c2"])
    supervisor = plant.run()
    assert supervisor.stopped is not None
    assert (supervisor.stopped.scope, supervisor.stopped.rule) == ("station", "chip_used")
    assert plant.states() == {1: "GOOD", 2: "READY", 3: "READY"}
    assert len(plant.world.written["c1"]) == 1
    plant.check()


def test_the_limit_counts_cards_that_took_a_record(make_plant: MakePlant) -> None:
    plant = make_plant(["c1", "c2", "c3", "c4"], c1="not blank")
    assert plant.run(limit=2).tally[Verdict.GOOD] == 2
    assert list(plant.states().values()).count("READY") == 1


def test_when_cards_run_out_the_leases_are_given_back(make_plant: MakePlant) -> None:
    plant = make_plant(["c1"], records=3)
    plant.run()
    assert plant.states() == {1: "GOOD", 2: "READY", 3: "READY"}


def test_no_card_is_written_when_the_journal_fails(make_plant: MakePlant, monkeypatch: pytest.MonkeyPatch) -> None:
    plant = make_plant(["c1", "c2", "c3"])
    whole_write = os.write

    def full(file: int, data: bytes) -> int:
        if b'"bind"' in data:
            raise OSError(28, "No space left on device")
        return whole_write(file, data)

    monkeypatch.setattr(journal_module.os, "write", full)
    supervisor = plant.run()
    assert supervisor.stopped is not None
    assert "No space left" in supervisor.stopped.why
    assert plant.world.written == {}
    assert set(plant.states().values()) == {"READY"}


def test_no_card_is_written_when_the_store_fails_at_bind(make_plant: MakePlant) -> None:
    plant = make_plant(["c1", "c2", "c3"])
    with plant.store.writing() as connection:
        connection.execute(
            text("create trigger full before insert on attempt begin select raise(abort, 'disk I/O error'); end")
        )
    supervisor = plant.run()
    assert supervisor.stopped is not None
    assert "disk I/O error" in supervisor.stopped.why
    assert plant.world.written == {}


def test_a_card_finished_while_the_store_is_out_waits_in_doubt_with_its_verdict(make_plant: MakePlant) -> None:
    plant = make_plant(["c1", "c2", "c3"])
    with plant.store.writing() as connection:
        connection.execute(
            text("create trigger full before update on attempt begin select raise(abort, 'disk I/O error'); end")
        )
    plant.run()
    assert [done.verdict for done in plant.done()] == ["IN_DOUBT"]
    (stopped,) = [event for event in plant.events if isinstance(event, CouplerStopped)]
    assert "disk I/O error" in stopped.why
    with plant.store.writing() as connection:
        connection.execute(text("drop trigger full"))
    plant.run()
    assert plant.states() == {1: "IN_DOUBT", 2: "GOOD", 3: "GOOD"}
    with plant.store.reading() as connection:
        late = connection.execute(text("select late_verdict from attempt where state = 'IN_DOUBT'")).scalar_one()
    assert late == "GOOD"
    plant.check()


def test_the_journal_tells_each_step_in_order_and_no_values(make_plant: MakePlant) -> None:
    plant = make_plant(["c1"], records=1)
    plant.run()
    (path,) = journal_files(plant.store.journals)
    entries = read_journal(path).entries
    assert [entry["event"] for entry in entries] == ["session", "bind", "intent", "done"]
    assert entries[1] == {"event": "bind", "record": 1, "token": 1, "chip": "c1", "coupler": 1}
    assert entries[3]["verdict"] == "GOOD"


def test_an_interrupt_ends_in_order(make_plant: MakePlant) -> None:
    plant = make_plant([f"c{n}" for n in range(9)], records=9)
    seen: list[Any] = []

    def interrupt(event: Any) -> None:
        seen.append(event)
        if isinstance(event, CardStarted) and event.record_no == 2:
            raise KeyboardInterrupt

    plant.events = _Events(interrupt)
    with pytest.raises(KeyboardInterrupt):
        plant.run()
    states = list(plant.states().values())
    assert set(states) == {"GOOD", "READY"}
    assert states.count("GOOD") in (2, 3)
    plant.check()


@pytest.mark.parametrize("step", [1, 20, *range(60, 260, 17)])
def test_an_interrupt_between_any_two_steps_loses_neither_answer_nor_record(make_plant: MakePlant, step: int) -> None:
    """The operator's Ctrl-C falls before the n-th line that the supervisor runs; its run comes to its end."""
    plant = make_plant([f"c{n}" for n in range(9)], records=9)
    with interrupted_at(step, supervisor_module.__file__), pytest.raises(KeyboardInterrupt):
        plant.run(couplers=2)
    assert set(plant.states().values()) <= {"GOOD", "READY"}
    assert len(plant.done()) == list(plant.states().values()).count("GOOD") < 9
    plant.check()


@contextmanager
def interrupted_at(step: int, file: str) -> Iterator[None]:
    """Send this process SIGINT before the n-th line of a file that its main thread runs."""
    left = count(step, -1)

    def trace(frame: FrameType, event: str, argument: object) -> Any:
        if frame.f_code.co_filename != file:
            return None
        if event == "line" and next(left) == 1:
            signal.raise_signal(signal.SIGINT)
        return trace

    usual = sys.gettrace()
    sys.settrace(trace)
    try:
        yield
    finally:
        sys.settrace(usual)


def test_a_second_interrupt_is_raised_and_a_handler_of_others_is_left_alone() -> None:
    told: list[str] = []
    with first_interrupt(lambda: told.append("first")):
        signal.raise_signal(signal.SIGINT)
        assert told == ["first"]
        with pytest.raises(KeyboardInterrupt):
            signal.raise_signal(signal.SIGINT)
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
    ours = signal.signal(signal.SIGINT, lambda number, frame: told.append("theirs"))
    try:
        with first_interrupt(lambda: told.append("first")):
            signal.raise_signal(signal.SIGINT)
    finally:
        signal.signal(signal.SIGINT, ours)
    assert told == ["first", "theirs"]


class _Events(list[Any]):
    def __init__(self, hook: Callable[[Any], None]) -> None:
        super().__init__()
        self._hook = hook

    def append(self, item: Any) -> None:
        super().append(item)
        self._hook(item)


def test_a_second_process_may_not_run_cards_with_the_same_store(make_plant: MakePlant) -> None:
    plant = make_plant(["c1"])

    with plant.store.database.owned("s2"), pytest.raises(StoreError, match="another process is running cards"):
        plant.run()

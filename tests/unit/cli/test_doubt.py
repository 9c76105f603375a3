"""`cardkit doubt`: every step of people from the command line, and who must answer for it."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from cardkit.cli.app import run
from cardkit.production import open_store
from cardkit.production.store import Card, Clocks, Office, start_session
from cardkit.production.store.invariants import check_audit, check_records
from cardkit.production.store.orders import NewBatch, NewRecord, add_batch
from tests.unit.production.founding import new_store

GOOD, REJECTED, IN_DOUBT, BOUND, READY = 1, 2, 3, 4, 5


class Desk:
    """A store that asks two persons; its station worked a while ago and left a record in each state."""

    def __init__(self, folder: Path, ago: timedelta) -> None:
        self.folder = folder
        self.url = f"sqlite:///{folder / 'a.db'}"
        with new_store(folder / "a.db", persons=2, clocks=Clocks(wall=lambda: datetime.now(UTC) - ago)) as store:
            new = NewBatch("B", "p", 1, "p", b"p" * 32, b"k" * 32, "f", b"s" * 32, remake="after-scrap")
            lot = add_batch(store, new, [NewRecord(n, b"", {"iccid": str(n)}) for n in range(1, READY + 1)])
            both = Office(store, lot, ("ana", "bek"))
            both.approve()
            both.open()
            session, _ = start_session(store, "S1")
            cards = [Card(claim.record_id, claim.token, f"c{claim.row_no}") for claim in session.claim("B", BOUND, 60)]
            for card in cards:
                session.bind(lot, card)
            session.commit(lot, cards[GOOD - 1], b"e" * 32)
            session.reject(lot, cards[REJECTED - 1], "NVM_6581")
            session.doubt(lot, cards[IN_DOUBT - 1], "MUTE")

    def run(self, *words: str, people: Sequence[str] = ("--operator", "ana", "--by", "bek")) -> int:
        return run(["doubt", *words, "--store", self.url, *people])


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    return Desk(tmp_path, timedelta(hours=1))


# verb, record, options, and the state the record gets
STEPS = [
    ("scrap", REJECTED, ("--witness", "D-7"), "SCRAPPED"),
    ("lost", REJECTED, ("--incident", "I-7"), "LOST"),
    ("lost", IN_DOUBT, ("--incident", "I-7"), "LOST"),
    ("recall", GOOD, ("--code", "QA_COLOUR"), "REJECTED"),
    ("cancel", READY, (), "CANCELLED"),
    ("resolve", IN_DOUBT, ("--chip", "c3", "--code", "UNREADABLE"), "REJECTED"),
]


@pytest.mark.parametrize(("verb", "record", "options", "state"), STEPS, ids=str)
def test_a_step_of_two_people(
    desk: Desk, capsys: pytest.CaptureFixture[str], verb: str, record: int, options: tuple[str, ...], state: str
) -> None:
    words = (verb, "B", "--record", str(record), *options)
    for alone in (("--operator", "ana"), ("--operator", "ana", "--by", "ana")):
        assert desk.run(*words, people=alone) == 4
        assert "needs two different persons" in capsys.readouterr().err
    assert desk.run(*words, "--json") == 0
    assert json.loads(capsys.readouterr().out) == {"batch": "B", "record": record, "state": state}
    assert desk.run(*words) == 4  # no arrow leads from there again
    assert "expected" in capsys.readouterr().err


def test_a_second_card_only_after_the_first_was_scrapped(desk: Desk, capsys: pytest.CaptureFixture[str]) -> None:
    assert desk.run("remake", "B", "--record", str(REJECTED)) == 4
    assert "is REJECTED, expected SCRAPPED" in capsys.readouterr().err
    assert desk.run("scrap", "B", "--record", str(REJECTED), "--witness", "D-7") == 0
    assert desk.run("remake", "B", "--record", str(REJECTED)) == 0
    assert "record 2: READY" in capsys.readouterr().err


def test_another_chip_resolves_nothing(desk: Desk, capsys: pytest.CaptureFixture[str]) -> None:
    assert desk.run("resolve", "B", "--record", str(IN_DOUBT), "--chip", "c1", "--code", "UNREADABLE") == 4
    assert "bound to another chip" in capsys.readouterr().err


def test_doubts_are_listed_as_batch_doubt_lists_them(desk: Desk, capsys: pytest.CaptureFixture[str]) -> None:
    assert desk.run("list", "B", "--json", people=()) == 0
    listed = capsys.readouterr().out
    assert [item["record"] for item in json.loads(listed)] == [IN_DOUBT]
    assert run(["batch", "doubt", "B", "--json", "--store", desk.url]) == 0
    assert capsys.readouterr().out == listed


def test_a_record_that_is_not_there(desk: Desk, capsys: pytest.CaptureFixture[str]) -> None:
    assert desk.run("cancel", "B", "--record", "77") == 4
    assert "batch B: has no record 77, it has 5" in capsys.readouterr().err


def test_a_silent_station_is_declared_dead_and_its_session_ends(desk: Desk, capsys: pytest.CaptureFixture[str]) -> None:
    assert desk.run("dead-station", "S9") == 4
    assert "the store does not know it" in capsys.readouterr().err
    assert desk.run("dead-station", "S1", people=("--operator", "ana")) == 4
    assert desk.run("dead-station", "S1") == 0
    assert "1 cards in doubt, 0 records given back" in capsys.readouterr().err
    assert desk.run("list", "B", "--json") == 0
    assert [item["record"] for item in json.loads(capsys.readouterr().out)] == [IN_DOUBT, BOUND]


def test_a_station_that_spoke_just_now_is_not_dead(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    desk = Desk(tmp_path, timedelta(seconds=5))
    assert desk.run("dead-station", "S1") == 4
    assert "expected 600 s of silence" in capsys.readouterr().err


def test_everything_is_audited(desk: Desk, tmp_path: Path) -> None:
    for verb, record, options, _ in STEPS[:1] + STEPS[3:]:
        assert desk.run(verb, "B", "--record", str(record), *options) == 0
    with open_store(desk.url, operator="judge") as store:
        assert check_records(store, store.batch("B")) + check_audit(store) == []
        events = [json.loads(link.event) for link in store.audit_events("office")]
    people = {event["event"]: event["data"].get("by") for event in events}
    steps = ("SCRAP", "RECALL", "CANCEL", "RESOLVE")
    assert [people[name] for name in steps] == [["ana", "bek"]] * len(steps)

"""The retention clock: what is kept too long is told, and stops its customer's next batch. security.md D4"""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import text

from cardkit.cli.app import run
from cardkit.errors import IllegalStepError, StoreError, TwoPersonsError
from cardkit.production import NewOrder, Store, approve_order, create_order
from cardkit.production.batch import close_batch
from cardkit.production.purge import purge_batch
from cardkit.production.store import Card, Clocks, Office, Work, start_session
from cardkit.production.store.orders import NewBatch, NewRecord, add_batch
from cardkit.production.store.reading import record_id_of
from cardkit.production.store.retention import Kept, overdue, set_retention
from tests.unit.production.founding import NEW_STORE, REPLACED

pytestmark = pytest.mark.requirement("D4")
SHA256 = b"\x11" * 32
START = datetime(2031, 5, 4, tzinfo=UTC)


class Calendar:
    """A clock that goes by days."""

    day = 0

    def now(self) -> datetime:
        return START + timedelta(days=self.day)


@pytest.fixture
def calendar() -> Calendar:
    return Calendar()


@pytest.fixture(params=["sqlite", "postgresql"])
def store(tmp_path: Path, request: pytest.FixtureRequest, calendar: Calendar) -> Iterator[Store]:
    with NEW_STORE[request.param](tmp_path / "a.db", persons=1, clocks=Clocks(wall=calendar.now)) as opened:
        for name, customer in (("PO-1", "Telco"), ("PO-2", "Bank")):
            create_order(opened, NewOrder(name, customer, "usim-test", SHA256, 9))
            approve_order(opened, name, ("bek",))
        yield opened


def take(store: Store, number: int, order: str | None = "PO-1") -> str:
    source = bytes((number,)) * 32
    new = NewBatch(f"lot-{number}", "usim-test", 1, "profile", SHA256, b"\x22" * 32, "o.csv", source, order=order)
    add_batch(store, new, [NewRecord(1, b"r", {"iccid": f"{number}"})])
    return new.name


def finish(store: Store, name: str) -> None:
    lot = store.batch(name)
    session, _ = start_session(store, "s1")
    (claim,) = session.claim(name, 1, 60.0)
    card = Card(claim.record_id, claim.token, f"chip of {name}")
    session.bind(lot, card)
    session.commit(lot, card, b"e" * 32, Work(facts=REPLACED))
    assert close_batch(store, name).closable


def late(store: Store) -> list[tuple[str, str | None, str]]:
    with store.reading() as connection:
        return [(item.batch, item.customer, item.kept.value) for item in overdue(connection, store.clocks.wall())]


def test_overdue_data_blocks_its_customer_until_it_is_purged(store: Store, calendar: Calendar) -> None:
    finish(store, take(store, 1))
    calendar.day = 90
    assert late(store) == []
    take(store, 2)
    calendar.day = 91
    assert late(store) == [("lot-1", "Telco", "closed")]
    with pytest.raises(IllegalStepError, match=r"customer Telco: data of lot-1 is overdue, purge it first"):
        take(store, 3)
    with store.reading() as connection:
        assert connection.scalar(text("select count(*) from batch where name = 'lot-3'")) == 0
    take(store, 4, "PO-2")  # another customer's
    purge_batch(store, "lot-1", ("ana",), store.path.with_name("report.json"))
    assert late(store) == []
    take(store, 3)


def test_a_batch_that_nobody_closes_has_a_clock_too(store: Store, calendar: Calendar) -> None:
    name = take(store, 1)
    take(store, 2, None)
    calendar.day = 366
    assert late(store) == [(name, "Telco", "open"), ("lot-2", None, "open")]
    lot = store.batch(name)
    Office(store, lot, ("ana",)).cancel(record_id_of(store, lot, 1))
    assert close_batch(store, name).closable
    assert late(store) == [("lot-2", None, "open")]  # its time counts from the close now


def test_the_time_is_set_and_audited(store: Store, calendar: Calendar) -> None:
    finish(store, take(store, 1))
    set_retention(store, Kept.CLOSED, 10, ("ana",))
    calendar.day = 11
    assert late(store) == [("lot-1", "Telco", "closed")]
    set_retention(store, Kept.CLOSED, 30, ("ana",))
    assert late(store) == []
    with store.reading() as connection:
        told = connection.scalars(text("select event from audit where kind = 'RETENTION' order by seq")).all()
    assert [json.loads(event)["data"] for event in told] == [
        {"kept": "closed", "days": days, "by": ["ana"]} for days in (10, 30)
    ]
    with pytest.raises(StoreError, match="expected 1 day or more, got 0"):
        set_retention(store, Kept.OPEN, 0, ("ana",))


@pytest.mark.parametrize(
    ("secret", "personal", "first"), [(10, 30, "secret"), (30, 10, "personal"), (200, 10, "personal")]
)
def test_each_class_has_its_clock_and_the_first_to_be_due_counts(
    store: Store, calendar: Calendar, secret: int, personal: int, first: str
) -> None:
    finish(store, take(store, 1))
    take(store, 2)
    set_retention(store, Kept.SECRET, secret, ("ana",))
    set_retention(store, Kept.PERSONAL, personal, ("ana",))
    calendar.day = 10
    assert late(store) == []
    calendar.day = 11
    assert late(store) == [("lot-1", "Telco", first)]  # not the open one: its cards are being made
    with pytest.raises(IllegalStepError, match=r"customer Telco: data of lot-1 is overdue"):
        take(store, 3)
    purge_batch(store, "lot-1", ("ana",), store.path.with_name("report.json"))
    assert late(store) == []


def test_a_longer_time_for_a_class_keeps_no_batch_longer(store: Store, calendar: Calendar) -> None:
    finish(store, take(store, 1))
    set_retention(store, Kept.SECRET, 5000, ("ana",))
    calendar.day = 91
    assert late(store) == [("lot-1", "Telco", "closed")]


def test_two_people_change_it_in_a_store_of_two(tmp_path: Path) -> None:
    with NEW_STORE["sqlite"](tmp_path / "a.db", persons=2, clocks=Clocks()) as store:
        with pytest.raises(TwoPersonsError, match="changing how long data is kept needs two different persons"):
            set_retention(store, Kept.CLOSED, 10, ("ana", "ana"))
        set_retention(store, Kept.CLOSED, 10, ("ana", "bek"))


def test_the_verb(tmp_path: Path, calendar: Calendar, capsys: pytest.CaptureFixture[str]) -> None:
    calendar.day = -20 * 365  # long before whoever runs this test
    with NEW_STORE["sqlite"](tmp_path / "a.db", persons=1, clocks=Clocks(wall=calendar.now)) as store:
        take(store, 1, None)
    words = ["retention", "--store", f"sqlite:///{tmp_path / 'a.db'}", "--operator", "ana"]
    assert run(words) == 1
    talk = capsys.readouterr()
    assert "lot-1" in talk.out
    assert "closed batches: 90 days, open batches: 365 days" in talk.err
    assert run([*words, "--set", "open=99999", "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == {"days": {"closed": 90, "open": 99999}, "overdue": []}
    assert run([*words, "--set", "secret=30"]) == 0
    assert "secret fields of closed batches: 30 days" in capsys.readouterr().err
    assert [run([*words, "--set", wrong]) for wrong in ("open", "open=x", "audit=3")] == [2, 2, 2]

"""A PostgreSQL server that dies, is restarted or stays away under a station. production.md 5"""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import select, text

from cardkit.errors import StoreError
from cardkit.production import Store, check_batch, open_store
from cardkit.production.books import PROCEED, Books, Post, Verdict
from cardkit.production.couplers.messages import Bind, Ended, Lost
from cardkit.production.journal import Journal, read_journal
from cardkit.production.replay import replay_journals
from cardkit.production.store import start_session
from cardkit.production.store.orders import NewBatch, NewRecord, add_batch
from cardkit.production.store.schema import attempt, record
from tests import postgres

EVIDENCE = b"e" * 32


@pytest.fixture(scope="module")
def server() -> Iterator[postgres.Server]:
    """A server of our own, because it dies here."""
    postgres.server()
    bin_folder = postgres.programs()
    assert bin_folder is not None
    folder = Path(tempfile.mkdtemp(prefix="cardkit-pg-"))
    own = postgres.Server(folder, bin_folder)
    own.start()
    yield own
    own.stop()
    shutil.rmtree(folder)


class Station:
    """One station with four records in work, at four couplers."""

    def __init__(self, store: Store) -> None:
        self.store = store
        new = NewBatch("B", "p", 1, "p", b"p" * 32, b"k" * 32, "f", b"s" * 32)
        self.lot = add_batch(store, new, [NewRecord(n, b"", {"iccid": str(n)}) for n in range(1, 9)])
        self.session, _ = start_session(store, "S1")
        self.claims = self.session.claim("B", 4, 60)
        head = {"installation": store.terms.installation, "batch": "B", "station": "S1", "session": self.session.id}
        self.journal = Journal(store.journals / f"{self.session.id}.journal", head)
        self.books = Books(self.session, self.journal, self.lot, store.vault.batch("B"))

    def bind(self, number: int) -> object:
        return self.books.settle([Post(number, self.claims[number - 1], Bind(f"chip {number}"))])[0]

    def end(self, number: int) -> Verdict | None:
        good = Ended(good=True, bound=True, chip=f"chip {number}", evidence_sha256=EVIDENCE)
        return self.books.settle([Post(number, self.claims[number - 1], good)])[0].verdict

    def states(self) -> dict[int, str]:
        with self.store.reading() as connection:
            return {row.row_no: row.state for row in connection.execute(select(record.c.row_no, record.c.state))}


@pytest.fixture
def url(server: postgres.Server, tmp_path: Path) -> str:
    return server.url(server.database(), tmp_path)


@pytest.fixture
def station(url: str) -> Iterator[Station]:
    with open_store(url, operator="ana", create=True) as store:
        working = Station(store)
        yield working
        working.journal.close()


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """A station that gives the server no time to come back."""
    monkeypatch.setattr("cardkit.production.store.store.RECONNECT_AFTER_S", (0.0,))


@pytest.mark.parametrize("kill", [False, True])
def test_a_server_that_was_restarted_costs_no_card(station: Station, server: postgres.Server, kill: bool) -> None:
    assert station.bind(1) is PROCEED
    server.restart(kill=kill)
    assert station.end(1) is Verdict.GOOD
    server.restart(kill=kill)
    assert station.bind(2) is PROCEED
    assert station.books.failure is None
    server.restart(kill=kill)
    assert len(station.store.insist(lambda: station.session.claim("B", 2, 60))) == 2
    assert station.states() | {2: "BOUND"} == station.states()
    assert check_batch(station.store) == []


def test_a_server_that_stays_away_stops_new_cards_and_gets_the_ends_of_bound_ones_later(
    station: Station, server: postgres.Server, impatient: None
) -> None:
    assert [station.bind(number) for number in (1, 2)] == [PROCEED, PROCEED]
    server.stop(kill=True)
    try:
        assert station.end(1) is Verdict.IN_DOUBT  # for now: its end is in the journal
        refused = station.bind(3)
        assert "connection" in getattr(refused, "refused", "")
        assert station.end(2) is Verdict.IN_DOUBT
        assert station.books.catch_up() is False
    finally:
        server.start()
    ends = [each for each in read_journal(station.journal.path).entries if each["event"] == "done"]
    assert [each["verdict"] for each in ends] == ["GOOD", "GOOD"]
    assert station.books.catch_up() is True
    assert {number: station.states()[number] for number in (1, 2)} == {1: "GOOD", 2: "GOOD"}
    assert station.states()[3] == "LEASED"
    assert check_batch(station.store) == []


def test_what_a_killed_station_could_not_say_is_replayed_as_late_evidence(
    station: Station, server: postgres.Server, url: str, impatient: None
) -> None:
    assert station.bind(1) is PROCEED
    server.stop(kill=True)
    try:
        assert station.end(1) is Verdict.IN_DOUBT
    finally:
        server.start()
    with open_store(url, operator="bek") as store:
        session, restarted = start_session(store, "S1")
        assert restarted.in_doubt == (station.claims[0].record_id,)
        assert replay_journals(store, session).sessions == 1
        with store.reading() as connection:
            row = connection.execute(select(attempt.c.state, attempt.c.late_verdict, attempt.c.late_evidence_sha256))
            assert row.one() == ("IN_DOUBT", "GOOD", EVIDENCE)
        assert station.books.catch_up() is True  # and the first session is fenced
        assert check_batch(store) == []
    assert station.states()[1] == "IN_DOUBT"


def test_a_server_that_goes_away_between_two_statements_is_one_line(
    station: Station, server: postgres.Server, impatient: None
) -> None:
    def step() -> None:
        with station.store.writing() as connection:
            server.stop(kill=True)
            connection.execute(text("select 1"))

    with pytest.raises(StoreError) as caught:
        step()
    assert "\n" not in str(caught.value)
    assert station.store.lost
    with pytest.raises(StoreError, match="connection"):
        start_session(station.store, "S2")
    station.store.close()
    server.start()
    assert start_session(station.store, "S2")[1].in_doubt == ()


@pytest.mark.requirement("L5")
@pytest.mark.parametrize("said", ["bind", "end"])
def test_an_answer_that_got_lost_after_the_commit_is_asked_for_again(
    station: Station, server: postgres.Server, monkeypatch: pytest.MonkeyPatch, said: str
) -> None:
    """The server has it, the station does not know: the same again answers ALREADY, and there is one event."""
    if said == "end":
        station.bind(1)
    steps = type(station.store._steps)  # type: ignore[attr-defined]
    commit = steps.commit
    cut = []

    def cut_after(self: object) -> None:
        commit(self)
        if not cut:
            cut.append(True)
            server.sql("select pg_terminate_backend(pid) from pg_stat_activity where application_name = 'cardkit'")
            with station.store.database.one_line():
                self.driver.cursor.execute("select 1")  # type: ignore[attr-defined]

    monkeypatch.setattr(steps, "commit", cut_after)
    assert (station.bind(1) is PROCEED) if said == "bind" else (station.end(1) is Verdict.GOOD)
    assert cut
    with station.store.reading() as connection:
        kind = "BIND" if said == "bind" else "GOOD"
        events = connection.scalar(text("select count(*) from audit where kind = :kind"), {"kind": kind})
    assert events == 1
    assert check_batch(station.store) == []


def test_a_lost_card_of_a_lost_server_stays_in_doubt(
    station: Station, server: postgres.Server, impatient: None
) -> None:
    station.bind(1)
    server.stop(kill=True)
    try:
        gone = Lost(bound=True, chip="chip 1", code="LINK", reject_class="contact", text="gone")
        (settled,) = station.books.settle([Post(1, station.claims[0], gone)])
        assert settled.verdict is Verdict.IN_DOUBT
        with pytest.raises(StoreError, match="connection"):
            station.states()
    finally:
        server.start()
    assert station.books.catch_up() is True
    assert station.states()[1] == "IN_DOUBT"

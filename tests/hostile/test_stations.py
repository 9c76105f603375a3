"""Several stations on one PostgreSQL store at the same time, and what their logins may do. production.md 3, 4"""

from __future__ import annotations

import random
import threading
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select, text

from cardkit.errors import BatchHeldError, ChipUsedError, FencedError, IllegalStepError, KeyStoreError, StoreError
from cardkit.production import open_store
from cardkit.production.store import Answer, Card, Clocks, Office, StationSession, Store, start_session
from cardkit.production.store.invariants import check_audit, check_records
from cardkit.production.store.orders import NewBatch, NewRecord, add_batch
from cardkit.production.store.postgresroles import STATION_ROLE
from cardkit.production.store.reading import sealed_records
from cardkit.production.store.schema import attempt, record
from cardkit.production.store.sessions import declare_dead
from tests import postgres
from tests.unit.production.founding import founded_on, new_postgresql_store

RECORDS, STATIONS = 120, 4
WITHIN_S = 60.0


@pytest.fixture
def url(tmp_path: Path) -> str:
    """A store with one OPEN batch."""
    with new_postgresql_store(tmp_path / "a.db", persons=1, clocks=Clocks()) as store:
        new = NewBatch("B-1", "p", 1, "p", b"p" * 32, b"k" * 32, "f", b"s" * 32, remake="after-scrap")
        add_batch(store, new, [NewRecord(n, b"", {"iccid": str(n)}) for n in range(1, RECORDS + 1)])
        return postgres.server().url(founded_on(1), store.path.parent)


@pytest.fixture
def stores(url: str) -> Iterator[list[Store]]:
    """The store as two machines have it open."""
    opened = [open_store(url, operator=name) for name in ("ana", "bek")]
    yield opened
    for store in opened:
        store.close()


def sound(store: Store) -> list[Any]:
    return check_records(store, store.batch("B-1")) + check_audit(store)


# Several at the same time


class Line:
    """One station that works until nothing is left, on a connection of its own, and is restarted now and then."""

    def __init__(self, url: str, name: str, chips: list[str], said: Counter[str], begin: threading.Barrier) -> None:
        self.url, self.name, self.chips, self.said, self.begin = url, name, chips, said, begin

    def run(self) -> None:
        rng = random.Random(self.name)
        with open_store(self.url, operator=self.name) as store:
            lot = store.batch("B-1")
            self.begin.wait(WITHIN_S)
            while True:
                session, _ = start_session(store, self.name)
                claims = session.claim("B-1", rng.randint(1, 6), 60)
                if not claims:
                    return
                for claim in claims[: rng.choice([1, 6])]:  # what is left goes back at the restart
                    self._one(session, lot, Card(claim.record_id, claim.token, rng.choice(self.chips)), rng)

    def _one(self, session: StationSession, lot: Any, card: Card, rng: random.Random) -> None:
        try:
            session.bind(lot, card)
        except ChipUsedError:
            self.said["CHIP_USED"] += 1
            session.release(card.record_id, card.token)
            return
        if rng.random() < 0.8:
            assert session.commit(lot, card, b"e" * 32) is Answer.DONE
            self.said["GOOD"] += 1
        else:
            assert session.reject(lot, card, "NVM_6581") is Answer.DONE
            self.said["REJECTED"] += 1


@pytest.mark.requirement("P1")
def test_stations_at_the_same_time_never_share_a_record_or_a_chip(url: str) -> None:
    chips = [f"chip {n}" for n in range(RECORDS * 2)]
    said: Counter[str] = Counter()
    begin = threading.Barrier(STATIONS)
    lines = [Line(url, f"S{n}", chips, said, begin) for n in range(1, STATIONS + 1)]
    with ThreadPoolExecutor(STATIONS) as side_by_side:
        for done in [side_by_side.submit(line.run) for line in lines]:
            done.result()
    with open_store(url, operator="judge") as store:
        with store.reading() as connection:
            rows = connection.execute(select(record.c.state, record.c.id)).all()
            bound = connection.execute(select(attempt.c.record_id, attempt.c.chip_id, attempt.c.station)).all()
        assert sound(store) == []
    assert Counter(row.state for row in rows) == {name: said[name] for name in ("GOOD", "REJECTED")}
    assert len({row.record_id for row in bound}) == len({row.chip_id for row in bound}) == len(bound) == RECORDS
    assert len({row.station for row in bound}) > 1
    assert said["CHIP_USED"] > 0


@pytest.mark.requirement("P1")
def test_one_chip_at_two_stations_at_the_same_moment_is_bound_once(stores: list[Store]) -> None:
    sessions = [start_session(store, name)[0] for store, name in zip(stores, ("S1", "S2"), strict=True)]
    claims = [session.claim("B-1", 20, 60) for session in sessions]
    said: Counter[str] = Counter()
    together = threading.Barrier(2)

    def bind(number: int) -> None:
        session, lot = sessions[number], stores[number].batch("B-1")
        for claim in claims[number]:
            together.wait(WITHIN_S)
            try:
                session.bind(lot, Card(claim.record_id, claim.token, f"chip of round {claims[number].index(claim)}"))
                said["bound"] += 1
            except ChipUsedError:
                said["refused"] += 1

    with ThreadPoolExecutor(2) as both:
        for done in [both.submit(bind, number) for number in (0, 1)]:
            done.result()
    assert said == {"bound": 20, "refused": 20}
    assert sound(stores[0]) == []


def test_a_claim_waits_for_no_other_station_and_takes_none_of_its_records(stores: list[Store]) -> None:
    first, second = (start_session(store, name)[0] for store, name in zip(stores, ("S1", "S2"), strict=True))
    with stores[0].writing() as connection:  # S1 is in the middle of a claim
        taken = connection.scalars(select(record.c.id).order_by(record.c.id).limit(5).with_for_update()).all()
        claims = second.claim("B-1", 5, 60)
    assert [claim.record_id for claim in claims] == [each + 5 for each in taken]
    assert [claim.record_id for claim in first.claim("B-1", 5, 60)] == taken


@pytest.mark.requirement("P2")
def test_a_stale_token_is_refused_at_bind_and_at_commit(stores: list[Store]) -> None:
    """SIGSTOP, another station claims, SIGCONT; the time of leases is the server's."""
    first, second = (start_session(store, name)[0] for store, name in zip(stores, ("S1", "S2"), strict=True))
    lot = stores[0].batch("B-1")
    (claim,) = first.claim("B-1", 1, ttl_s=-1)
    (again,) = second.claim("B-1", 1, ttl_s=60)
    assert (again.record_id, again.token) == (claim.record_id, claim.token + 1)
    with pytest.raises(FencedError):
        first.bind(lot, Card(claim.record_id, claim.token, "c1"))
    second.bind(lot, Card(again.record_id, again.token, "c2"))
    for token in (claim.token, again.token):
        with pytest.raises(FencedError):
            first.commit(lot, Card(claim.record_id, token, "c2"), b"e" * 32)
    assert second.commit(lot, Card(again.record_id, again.token, "c2"), b"e" * 32) is Answer.DONE


def test_a_hold_ends_claims_at_every_station(stores: list[Store]) -> None:
    session, _ = start_session(stores[1], "S2")
    Office(stores[0], stores[0].batch("B-1"), ("ana",)).hold("YIELD")
    with pytest.raises(BatchHeldError, match="HELD"):
        session.claim("B-1", 1, 60)


def test_the_same_station_runs_once(stores: list[Store]) -> None:
    with stores[0].database.owned("S1"):
        with pytest.raises(StoreError, match="another process is running cards as station S1"), _owned(stores[1], "S1"):
            pass
        with _owned(stores[1], "S2"):
            pass
    with _owned(stores[1], "S1"):
        pass


@pytest.mark.requirement("P2")
def test_a_session_claims_no_more_once_its_station_runs_elsewhere_or_is_declared_dead(stores: list[Store]) -> None:
    session, _ = start_session(stores[0], "S1")
    (claim,) = session.claim("B-1", 1, 60)
    session.bind(stores[0].batch("B-1"), Card(claim.record_id, claim.token, "c1"))
    with pytest.raises(IllegalStepError, match=r"spoke \d+ s ago"):
        declare_dead(stores[1], "S1", ("bek",))
    stores[1].clocks = Clocks(wall=lambda: datetime.now(UTC) + timedelta(hours=1))
    done = declare_dead(stores[1], "S1", ("bek",))
    assert (done.in_doubt, done.released) == ((claim.record_id,), ())
    with pytest.raises(FencedError, match="its session ended"):
        session.claim("B-1", 1, 60)
    with pytest.raises(FencedError):
        session.commit(stores[0].batch("B-1"), Card(claim.record_id, claim.token, "c1"), b"e" * 32)
    again, _ = start_session(stores[1], "S1")
    start_session(stores[0], "S1")
    with pytest.raises(FencedError, match="its session ended"):
        again.claim("B-1", 1, 60)


def _owned(store: Store, station: str) -> Any:
    return store.database.owned(station)


# What a login may do


@pytest.fixture
def station_url(url: str) -> str:
    """The same store for a login that may be a station and nothing else."""
    postgres.server().login("s1", STATION_ROLE)
    return url.replace(f"{postgres.SUPERUSER}@", "s1@")


@pytest.mark.requirement("R5")
def test_a_station_makes_cards_with_its_own_few_rights(station_url: str) -> None:
    with open_store(station_url, operator="ana") as store:
        lot = store.batch("B-1")
        session, _ = start_session(store, "S1")
        for claim in session.claim("B-1", 2, 60):
            card = Card(claim.record_id, claim.token, f"chip {claim.record_id}")
            session.bind(lot, card)
            session.commit(lot, card, b"e" * 32)
        session.blank_reject(lot, 1, None, "contact", "MUTE")
        Office(store, lot, ("ana",)).hold("security: MARKER_FOREIGN")
        assert sound(store) == []


FORBIDDEN = [
    "select data_enc from record",
    "select data_enc from prepared",
    "delete from attempt",
    "delete from record",
    "delete from session",
    "delete from blank_reject",
    "truncate audit",
    "delete from audit",
    "update audit set event = '{}'",
    "update attempt set chip_id = 'other'",
    "update attempt set record_id = 1",
    "update record set data_enc = null",
    "update record set incident = 'none'",
    "update batch set profile_sha256 = '\\x00'",
    "update store set kind = 'TEST'",
    "update account set credential = ''",
    "update transition set to_state = 'READY'",
    "insert into transition values ('GOOD', 'READY')",
    "insert into record (batch_id, row_no, state) values (1, 9999, 'READY')",
    "insert into batch select * from batch",
    "insert into account_role values ('ana', 'supervisor')",
    "create table mine (x int)",
    "alter table record disable trigger all",
    "drop trigger record_step on record",
    "set session_replication_role = replica",
    "grant cardkit_office to s1",
]


@pytest.mark.requirement("R5")
def test_a_station_reads_the_records_it_leased_and_those_in_doubt(url: str) -> None:
    for name in ("s1", "s2"):
        postgres.server().login(name, STATION_ROLE)
    urls = [url.replace(f"{postgres.SUPERUSER}@", f"{name}@") for name in ("s1", "s2")]
    with open_store(urls[0], operator="ana") as first, open_store(urls[1], operator="bek") as second:
        lot = first.batch("B-1")
        everything = range(1, RECORDS + 1)
        sessions = [start_session(store, name)[0] for store, name in ((first, "S1"), (second, "S2"))]
        mine, theirs = ([claim.record_id for claim in session.claim("B-1", 3, 60)] for session in sessions)
        assert sorted(sealed_records(first, lot, everything)) == mine
        assert sorted(sealed_records(second, lot, everything)) == theirs
        card = Card(mine[0], 1, "c1")
        sessions[0].bind(lot, card)
        sessions[0].doubt(lot, card, "MUTE")
        assert sorted(sealed_records(second, lot, everything)) == [mine[0], *theirs]
    with open_store(url, operator="ana") as office:
        assert sorted(sealed_records(office, lot, everything)) == list(everything)


@pytest.mark.requirement("R5")
def test_a_station_may_not_do_more(station_url: str) -> None:
    with open_store(station_url, operator="ana") as store:
        for statement in FORBIDDEN:
            refused = pytest.raises(StoreError, match=r"permission denied|must be owner|must have admin")
            with refused, store.writing() as connection:
                connection.execute(text(statement))


@pytest.mark.requirement("R5")
def test_the_owner_of_the_schema_works_without_the_rights_of_an_owner(url: str) -> None:
    with open_store(url, operator="ana") as store:
        for statement in ("update audit set event = '{}'", "delete from attempt", "drop table audit"):
            with pytest.raises(StoreError, match=r"permission denied|must be owner"), store.writing() as connection:
                connection.execute(text(statement))
        store.narrow()
        with pytest.raises(StoreError, match="permission denied"), store.writing() as connection:
            connection.execute(text("update store set persons = 1"))


def test_a_login_without_a_role_is_told_so(url: str) -> None:
    postgres.server().login("stranger")
    with pytest.raises(StoreError, match=r"permission denied|neither the role"):
        open_store(url.replace(f"{postgres.SUPERUSER}@", "stranger@"), operator="ana")


# What a server must be


@pytest.mark.parametrize("setting", ["fsync", "full_page_writes", "synchronous_commit"])
def test_a_server_that_may_forget_is_refused(url: str, setting: str) -> None:
    server = postgres.server()
    try:
        server.sql(f"alter system set {setting} = off")
        server.sql("select pg_reload_conf()")
        until = time.monotonic() + WITHIN_S
        while server.sql(f"show {setting}") != "off":
            assert time.monotonic() < until
        with pytest.raises(StoreError, match=f"{setting} off: it may forget"):
            open_store(url, operator="ana")
    finally:
        server.sql(f"alter system reset {setting}")
        server.sql("select pg_reload_conf()")


def test_a_store_that_another_server_took_over_waits_for_the_journals(url: str) -> None:
    """The same database with another system identifier or timeline: a restored copy, a promoted standby."""
    with open_store(url, operator="ana") as store:
        start_session(store, "S1")
        with store.writing() as connection:
            connection.execute(text("update store set epoch = 'abc@1/1'"))
            connection.execute(text("update station set epoch = 'abc@1/1'"))
    with open_store(url, operator="ana") as store:
        lot = store.batch("B-1")
        other, _ = start_session(store, "S2")
        with pytest.raises(BatchHeldError, match="the journal of S1 was not replayed"):
            other.claim("B-1", 1, 60)
        Office(store, lot, ("ana",)).write_off("S1")
        assert len(other.claim("B-1", 1, 60)) == 1


def test_records_of_another_machine_open_only_with_the_key_file(url: str, tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    there = f"{url.partition('&files=')[0]}&files={tmp_path / 'elsewhere'}"
    with open_store(there, operator="ana") as store, pytest.raises(KeyStoreError, match="key file is missing"):
        store.vault.batch("B-1")


def test_a_store_that_is_not_there_is_said_in_one_line(tmp_path: Path) -> None:
    server = postgres.server()
    empty = server.database()
    cases = {
        server.url(empty, tmp_path): "no such store",
        server.url(empty, tmp_path / "no"): "does not exist",
        server.url("nowhere", tmp_path): "does not exist",
    }
    for url, line in cases.items():
        with pytest.raises(StoreError, match=line) as caught:
            open_store(url, operator="ana")
        assert "\n" not in str(caught.value)
    server.sql("create table customer (name text)", empty)
    with pytest.raises(StoreError, match="not a cardkit store"):
        open_store(server.url(empty, tmp_path), operator="ana", create=True)

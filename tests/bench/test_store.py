"""Complete store cycles (claim, bind, commit) with full audit, beside what the disk itself needs for one sync.

Records are claimed as a run claims them, so many at a time. Figures are printed. Guarded is a part of what is asked,
on a machine that may have other work; by the clock a card takes no less than the disk's two syncs. How many
transactions and statements a card takes is guarded by tests/unit/production/test_claims.py.
"""

from __future__ import annotations

import multiprocessing
import os
import statistics
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text

from cardkit.production import check_batch, open_store
from cardkit.production.books import Books, Post
from cardkit.production.couplers.messages import Bind, Ended
from cardkit.production.run import CLAIMS_AT_LEAST, CLAIMS_PER_COUPLER
from cardkit.production.store import Card, Claim, StationSession, Store, start_session
from cardkit.production.store.orders import NewBatch, NewRecord, add_batch
from cardkit.production.store.steps import Steps
from tests import postgres

CYCLES = 1_500
SLOW_SYNC_S, GROUP = 0.001, 4
STATIONS, COUPLERS = 4, 8
# Cycles a second that the house asks for.
CARD_BY_CARD, GROUPED_SLOW_SYNC, POSTGRESQL = 1_500, 900, 600
SLACK, GROUPED_SLACK = 3.0, 1.5


SYNCS, PAGE = 200, bytes(4096)


def sync_us(folder: Path, *, growing: bool = True) -> float:
    """Median time of a 4 KiB write made durable, in microseconds.

    :param growing: whether the file grows with each, as SQLite's log does until it is first written from the start.
    """
    handle = os.open(folder / "sync", os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
    flush = getattr(os, "fdatasync", os.fsync)
    if not growing:
        os.write(handle, PAGE * SYNCS)
        os.fsync(handle)
        os.lseek(handle, 0, os.SEEK_SET)
    times = []
    for _ in range(SYNCS):
        os.write(handle, PAGE)
        start = time.perf_counter()
        flush(handle)
        times.append(time.perf_counter() - start)
    os.close(handle)
    return statistics.median(times) * 1e6


def take_order(store: Store, records: int) -> None:
    new = NewBatch("B", "p", 1, "p", b"p" * 32, b"k" * 32, "f", b"s" * 32)
    add_batch(store, new, [NewRecord(row, bytes(200), {"iccid": str(row)}) for row in range(1, records + 1)])


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with open_store(f"sqlite:///{tmp_path / 'a.db'}", operator="bench", create=True) as opened:
        take_order(opened, CYCLES + 1)
        yield opened


def cycle(session: StationSession, lot: Any, claim: Claim) -> None:
    card = Card(claim.record_id, claim.token, f"chip {claim.record_id}")
    session.bind(lot, card)
    session.commit(lot, card, b"e" * 32)


def first_card(session: StationSession, lot: Any) -> None:
    """Make a card before the clock runs: statements are compiled, the software's digest is taken."""
    (claim,) = session.claim("B", 1, 600)
    cycle(session, lot, claim)


def test_sqlite_card_by_card(store: Store, tmp_path: Path) -> None:
    session, _ = start_session(store, "S1")
    lot = store.batch("B")
    first_card(session, lot)
    start, processor = time.perf_counter(), time.process_time()
    while claims := session.claim("B", CLAIMS_AT_LEAST, 600):
        for claim in claims:
            cycle(session, lot, claim)
    rate, core = CYCLES / (time.perf_counter() - start), CYCLES / (time.process_time() - processor)
    sync, in_place = sync_us(tmp_path), sync_us(tmp_path, growing=False)
    print(
        f"\nSQLite, card by card: {rate:.0f}/s by the clock, {core:.0f}/s per core (asked {CARD_BY_CARD}/s;"
        f" one sync of this disk: {sync:.0f} us, {in_place:.0f} us in a file that does not grow;"
        f" two of them alone are {1e6 / (2 * sync):.0f} to {1e6 / (2 * in_place):.0f} cards/s)"
    )
    assert check_batch(store) == []
    assert core > CARD_BY_CARD / SLACK


class NoJournal:
    """A journal that costs nothing: the store alone is measured."""

    def append(self, entry: dict[str, Any]) -> None:
        """Forget it."""

    def sync(self) -> None:
        """Nothing is kept."""


class Couplers:
    """Couplers of one station that all bind and end cards at the same time, as in a run."""

    def __init__(self, store: Store, name: str, count: int) -> None:
        self.session, _ = start_session(store, name)
        self.lot = store.batch("B")
        self.books = Books(self.session, NoJournal(), self.lot, store.vault.batch("B"))
        self.count = count
        first_card(self.session, self.lot)
        self._claims: list[Claim] = []
        self._taking = threading.Lock()

    def run(self) -> int:
        """Work until nothing is left; how many cards."""
        with ThreadPoolExecutor(self.count) as couplers:
            return sum(couplers.map(self._coupler, range(1, self.count + 1)))

    def _next(self) -> Claim | None:
        with self._taking:
            if not self._claims:
                self._claims = self.session.claim("B", max(CLAIMS_AT_LEAST, self.count * CLAIMS_PER_COUPLER), 600)
            return self._claims.pop(0) if self._claims else None

    def _coupler(self, number: int) -> int:
        made = 0
        while (claim := self._next()) is not None:
            chip = f"chip {claim.record_id}"
            good = Ended(good=True, bound=True, chip=chip, evidence_sha256=b"e" * 32)
            for said in (Bind(chip), good):
                (settled,) = self.books.settle([Post(number, claim, said)])
                assert settled.refused is None, settled
            made += 1
        return made


@contextmanager
def slower_sync(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Each transaction becomes durable a millisecond later."""
    commit = Steps.commit

    def late(steps: Steps) -> None:
        commit(steps)
        time.sleep(SLOW_SYNC_S)

    with monkeypatch.context() as patched:
        patched.setattr(Steps, "commit", late)
        yield


def test_sqlite_grouped_on_a_slower_disk(store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    couplers = Couplers(store, "S1", 2 * GROUP)
    start, processor = time.perf_counter(), time.process_time()
    with slower_sync(monkeypatch):
        assert couplers.run() == CYCLES
    rate, core = CYCLES / (time.perf_counter() - start), CYCLES / (time.process_time() - processor)
    print(
        f"\nSQLite, group commit of {GROUP}, each sync 1 ms longer: {rate:.0f}/s by the clock, {core:.0f}/s per core"
        f" (asked {GROUPED_SLOW_SYNC}/s; one sync of this disk: {sync_us(tmp_path):.0f} us)"
    )
    assert check_batch(store) == []
    assert core > GROUPED_SLOW_SYNC / GROUPED_SLACK


def station(url: str, name: str, begin: Any, made: Any) -> None:
    """One station's process."""
    with open_store(url, operator="bench") as store:
        couplers = Couplers(store, name, COUPLERS)
        begin.wait()
        made.put(couplers.run())


def test_postgresql_with_32_workers(tmp_path: Path) -> None:
    server = postgres.server()
    url = server.url(server.database(), tmp_path)
    with open_store(url, operator="bench", create=True) as store:
        take_order(store, 2 * CYCLES + STATIONS)
    spawn = multiprocessing.get_context("spawn")
    begin, made = spawn.Barrier(STATIONS + 1), spawn.Queue()
    stations = [spawn.Process(target=station, args=(url, f"S{n}", begin, made)) for n in range(1, STATIONS + 1)]
    for each in stations:
        each.start()
    begin.wait()
    start = time.perf_counter()
    cards = [made.get() for _ in stations]
    rate = sum(cards) / (time.perf_counter() - start)
    for each in stations:
        each.join()
    print(
        f"\nPostgreSQL, {STATIONS} stations of {COUPLERS} couplers: {rate:.0f}/s by the clock, {cards} cards"
        f" (asked {POSTGRESQL}/s; one sync of this disk: {sync_us(server.folder):.0f} us)"
    )
    with open_store(url, operator="bench") as store:
        assert check_batch(store) == []
    assert sum(cards) == 2 * CYCLES
    assert rate > POSTGRESQL / SLACK


RECORDS, STEP, CLAIMS = 1_000_000, 50_000, 100
FILL = {
    "sqlite": "with recursive n(x) as (select 1 union all select x + 1 from n where x < :rows)"
    " insert into record (batch_id, row_no, state, token) select 1, x + 1, 'READY', 0 from n",
    "postgresql": "insert into record (batch_id, row_no, state, token)"
    " select 1, x + 1, 'READY', 0 from generate_series(1, :rows) x",
}
MOST_TIMES_THE_FIRST = 2.5


@pytest.mark.parametrize("dialect", ["sqlite", "postgresql"])
def test_the_last_claim_of_a_million_costs_what_the_first_did(tmp_path: Path, dialect: str) -> None:
    """Records go from READY on in their order, as a batch does; claims are timed along the way."""
    url = f"sqlite:///{tmp_path / 'a.db'}"
    if dialect == "postgresql":
        server = postgres.server()
        url = server.url(server.database(), tmp_path)
    with open_store(url, operator="bench", create=True) as store:
        take_order(store, 1)
        with store.writing() as connection:
            connection.execute(text(FILL[dialect]), {"rows": RECORDS})
        session, _ = start_session(store, "S1")
        times = []
        for done in range(0, RECORDS, STEP):
            times.append(claim_ms(session))
            with store.writing() as connection:
                connection.execute(
                    text("update record set state = 'CANCELLED' where id between :first and :last and state = 'READY'"),
                    {"first": done, "last": done + STEP - 1 if done + STEP < RECORDS else RECORDS - 2 * CLAIMS},
                )
        times.append(claim_ms(session))
    tenth = len(times) // 10
    first, middle, last = (statistics.median(part) for part in (times[:tenth], times[tenth:-tenth], times[-tenth:]))
    print(
        f"\n{dialect}: a claim among {RECORDS:,} records: {first:.2f} ms at first, {middle:.2f} later, {last:.2f} last"
    )
    assert max(middle, last) < MOST_TIMES_THE_FIRST * first


def claim_ms(session: StationSession) -> float:
    """Median time of a claim of one record, given back at once, in milliseconds."""
    times = []
    for _ in range(10):
        start = time.perf_counter()
        (claim,) = session.claim("B", 1, 600)
        times.append(time.perf_counter() - start)
        session.release(claim.record_id, claim.token)
    return statistics.median(times) * 1e3

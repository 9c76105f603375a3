"""What claims and the steps of a card cost the database, where it can be counted; claims overlook nothing."""

from __future__ import annotations

from collections.abc import Callable
from itertools import groupby
from typing import Any

import pytest
from sqlalchemy import text

from cardkit.production.store import Card, Office, StationSession, Store, start_session
from cardkit.production.store.claims import claim_statement
from cardkit.production.store.statement import Driver, driver_of
from tests.unit.production.conftest import BATCH, Time, both_stores

TTL_S = 60.0
MakeStore = Callable[..., Store]


def claim(session: StationSession, count: int) -> list[int]:
    return [claim.record_id for claim in session.claim(BATCH, count, TTL_S)]


@both_stores
def test_a_re_made_record_is_leased_before_those_that_were_never_claimed(make_store: MakeStore) -> None:
    store = make_store(8)
    session, _ = start_session(store, "s1")
    lot = store.batch(BATCH)
    assert claim(session, 3) == [1, 2, 3]
    for row in (1, 2, 3):
        session.bind(lot, Card(row, 1, f"c{row}"))
        session.reject(lot, Card(row, 1, f"c{row}"), "NVM_6581")
    assert claim(session, 1) == [4]
    assert claim(session, 1) == [5]
    office = Office(store, lot, ("ana",))
    office.scrap(2, "W-1")
    office.remake(2)
    assert claim(session, 2) == [2, 6]


@both_stores
def test_what_is_given_back_or_held_too_long_is_leased_before_the_rest(make_store: MakeStore, time: Time) -> None:
    store = make_store(8)
    session, _ = start_session(store, "s1")
    other, _ = start_session(store, "s2")
    lot = store.batch(BATCH)
    assert claim(other, 2) == [1, 2]
    assert claim(session, 3) == [3, 4, 5]
    for row in (3, 5):
        session.bind(lot, Card(row, 1, f"c{row}"))
    assert claim(session, 1) == [6]
    session.release(4, 1)
    assert claim(session, 1) == [4]
    time.seconds += 2 * TTL_S
    assert claim(session, 4) == [1, 2, 4, 6]


def test_a_card_takes_two_transactions_of_six_statements_each(make_store: MakeStore) -> None:
    store = make_store(2)
    session, _ = start_session(store, "s1")
    lot = store.batch(BATCH)
    assert claim(session, 2) == [1, 2]
    said: list[str] = []
    with store.writing() as connection:
        connection.connection.dbapi_connection.set_trace_callback(said.append)  # type: ignore[union-attr]
    said.clear()
    session.bind(lot, Card(1, 1, "c1"))
    session.commit(lot, Card(1, 1, "c1"), b"e" * 32)
    words = [statement.split()[0] for statement, _ in groupby(said)]  # its triggers repeat what a statement says
    assert words == [
        *("BEGIN", "INSERT", "UPDATE", "UPDATE", "INSERT", "COMMIT"),
        *("BEGIN", "UPDATE", "UPDATE", "UPDATE", "INSERT", "COMMIT"),
    ]


class Explaining:
    """A cursor that says what PostgreSQL does for a statement."""

    def __init__(self, cursor: Any) -> None:
        self._cursor = cursor

    def execute(self, statement: str, values: Any) -> None:
        self._cursor.execute(f"explain (analyze, buffers, format json) {statement}", values)

    def fetchall(self) -> Any:
        return self._cursor.fetchall()


def pages(store: Store, first: int) -> int:
    """How many pages PostgreSQL looks at to find one record, when none before ``first`` can be leased."""
    values = {"of_batch": 1, "of_count": 1, "new_session": "s", "ttl": TTL_S, "now": 0.0, "of_first": first}
    with store.database.engine.connect() as connection:
        connection.execute(text("set local enable_sort = off"))
        cursor, dialect = driver_of(connection)
        lease = claim_statement("postgresql", None, prepared_only=False)
        ((explained,),) = lease.all(Driver(Explaining(cursor), dialect), values)
        connection.rollback()
    return looked_at(explained[0]["Plan"])


def looked_at(plan: dict[str, Any]) -> int:
    """Return the pages of all scans of the claim index in a plan."""
    own = plan["Shared Hit Blocks"] + plan["Shared Read Blocks"] if plan.get("Index Name") == "record_open" else 0
    return int(own) + sum(looked_at(part) for part in plan.get("Plans", ()))


@pytest.mark.parametrize("dialect", ["postgresql"], indirect=True)
def test_a_claim_passes_over_nothing_that_was_finished(make_store: MakeStore) -> None:
    store = make_store(1)
    more = "insert into record (batch_id, row_no, state, token) select 1, n, 'READY', 0 from generate_series(2, 6000) n"
    with store.writing() as connection:
        connection.execute(text(more))
    session, _ = start_session(store, "s1")
    assert claim(session, 1) == [1]
    assert pages(store, 1) < 10
    with store.writing() as connection:
        connection.execute(text("update record set state = 'READY', lease_until = null where id = 1"))
        connection.execute(text("update record set state = 'CANCELLED' where id <= 5000"))
    assert claim(session, 1) == [5001]
    with store.stepping() as steps:
        first = steps.first_open(1, 0)
    assert first == 5001
    assert pages(store, first) < 10
    assert pages(store, 0) > 20  # what was finished is in the index still

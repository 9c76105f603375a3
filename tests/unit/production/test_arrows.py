"""The databases themselves let records and attempts go along the 16 arrows only. production.md 3, 4"""

from __future__ import annotations

from collections.abc import Callable
from itertools import product
from typing import Any

import pytest
from sqlalchemy import ColumnElement, insert, select, update
from sqlalchemy.sql.dml import Update

from cardkit.errors import StoreError
from cardkit.production.store import Store
from cardkit.production.store.migrations.versions.r0001_first import ATTEMPT_STATES, RECORD_STATES
from cardkit.production.store.schema import attempt, record, transition
from tests.unit.production.conftest import both_stores

# As the sheet's table has them.
ARROWS = {
    ("READY", "LEASED"), ("LEASED", "LEASED"), ("LEASED", "READY"), ("LEASED", "BOUND"),
    ("READY", "CANCELLED"), ("REJECTED", "SCRAPPED"), ("SCRAPPED", "READY"),
    ("BOUND", "GOOD"), ("BOUND", "REJECTED"), ("BOUND", "IN_DOUBT"),
    ("IN_DOUBT", "BOUND"), ("IN_DOUBT", "GOOD"), ("IN_DOUBT", "REJECTED"), ("IN_DOUBT", "LOST"),
    ("REJECTED", "LOST"), ("GOOD", "REJECTED"),
}  # fmt: skip
TOKEN = 5


def possible(store: Store, statement: Update) -> bool:
    """Whether the triggers of steps let a statement pass; it is undone."""
    try:
        with store.writing() as connection:
            connection.execute(statement)
            connection.get_transaction().rollback()
    except StoreError as error:
        return "illegal" not in str(error)
    return True


def values(state: str) -> dict[str, Any]:
    """What the other constraints want of a record in a state."""
    return {"state": state, "lease_until": 0.0 if state == "LEASED" else None, "incident": "I-1"}


@pytest.fixture
def crowd(make_store: Callable[..., Store]) -> Store:
    """A store with a record in each state, and for each state of an attempt one more with that attempt."""
    store = make_store(1)
    base = {"batch_id": store.batch("B-1").id, "token": TOKEN, "session": "s", "data_enc": b""}
    with store.writing() as connection:
        for number, state in enumerate(RECORD_STATES, 100):
            connection.execute(insert(record), {**base, **values(state), "row_no": number})
        for number, state in enumerate(ATTEMPT_STATES, 200):
            row = connection.execute(
                insert(record).returning(record.c.id), {**base, **values(state), "row_no": number}
            ).scalar_one()
            connection.execute(insert(attempt), new_attempt(row, number, state, store))
    return store


def new_attempt(row: int, number: int, state: str, store: Store) -> dict[str, Any]:
    return {
        "record_id": row, "token": TOKEN, "chip_id": f"chip {number}", "session": "s", "station": "s1", "coupler": 1,
        "state": state, "profile_sha256": b"p" * 32, "keyset_sha256": b"k" * 32, "software": "x",
        "evidence_sha256": b"e" * 32, "bound_at": store.clocks.wall(),
    }  # fmt: skip


def record_in(state: str) -> ColumnElement[bool]:
    return (record.c.state == state) & record.c.row_no.between(100, 199)


@pytest.mark.requirement("P3")
@both_stores
def test_a_record_goes_along_the_arrows_only(crowd: Store) -> None:
    found = {
        (old, new)
        for old, new in product(RECORD_STATES, RECORD_STATES)
        if possible(crowd, update(record).where(record_in(old)).values(values(new)))
    }
    assert found == ARROWS | {(state, state) for state in RECORD_STATES}


@both_stores
def test_a_token_is_raised_by_a_claim_only_and_never_lowered(crowd: Store) -> None:
    steps = [(old, new, by) for old, new in product(RECORD_STATES, RECORD_STATES) for by in (-1, 1)]
    found = {
        (old, new, by)
        for old, new, by in steps
        if possible(crowd, update(record).where(record_in(old)).values({**values(new), "token": TOKEN + by}))
    }
    assert found == {("READY", "LEASED", 1), ("LEASED", "LEASED", 1)}


@both_stores
def test_an_attempt_goes_along_the_arrows_only(crowd: Store) -> None:
    found = {
        (old, new)
        for old, new in product(ATTEMPT_STATES, ATTEMPT_STATES)
        if possible(crowd, update(attempt).where(attempt.c.state == old).values(state=new))
    }
    among = {(old, new) for old, new in ARROWS if {old, new} <= set(ATTEMPT_STATES)}
    assert found == among | {(state, state) for state in ATTEMPT_STATES}


@both_stores
@pytest.mark.parametrize("change", [{"chip_id": "other"}, {"record_id": 1}, {"token": TOKEN + 1}])
def test_an_attempt_stays_that_of_its_chip_and_record(crowd: Store, change: dict[str, Any]) -> None:
    assert not possible(crowd, update(attempt).where(attempt.c.state == "BOUND").values(change))


@both_stores
def test_the_store_lists_the_same_16_arrows(make_store: Callable[..., Store]) -> None:
    with make_store(1).reading() as connection:
        listed = [tuple(row) for row in connection.execute(select(transition.c.from_state, transition.c.to_state))]
    assert len(listed) == 16
    assert set(listed) == ARROWS

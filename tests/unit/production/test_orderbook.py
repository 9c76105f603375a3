"""Customers' orders: who approves them, what they take, when they are closed."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from datetime import date
from pathlib import Path

import pytest
from sqlalchemy import update

from cardkit.errors import IllegalStepError, KeyStoreError, RecordError, StoreError, TwoPersonsError
from cardkit.production import (
    NewOrder,
    Store,
    approve_order,
    close_order,
    create_order,
    order_names,
    order_of,
)
from cardkit.production.store import Clocks, schema
from cardkit.production.store.orders import NewBatch, NewRecord, add_batch
from tests.unit.production.conftest import both_stores
from tests.unit.production.founding import NEW_STORE

PROFILE_SHA256 = b"\x11" * 32
KEY = "2F95B38EA83DA3320EB15451EDF902C8918807ED"
NEW = NewOrder("PO-1", "Test Operator", "usim-test", PROFILE_SHA256, 5, date(2031, 6, 1), sender=KEY)


@pytest.fixture
def store(tmp_path: Path, dialect: str) -> Iterator[Store]:
    with NEW_STORE[dialect](tmp_path / "a.db", persons=1, clocks=Clocks()) as opened:
        yield opened


def take(store: Store, number: int, records: int, profile: bytes = PROFILE_SHA256) -> None:
    """Import a batch of the order."""
    source = bytes((number,)) * 32
    new = NewBatch(f"lot-{number}", "usim-test", 1, "profile", profile, b"\x22" * 32, "o.csv", source, order="PO-1")
    add_batch(store, new, [NewRecord(row, b"r", {"iccid": f"{number}-{row}"}) for row in range(1, records + 1)])


def close_lot(store: Store, name: str) -> None:
    with store.writing() as connection:
        connection.execute(update(schema.batch).where(schema.batch.c.name == name).values(state="CLOSED"))


@both_stores
def test_the_life_of_an_order(store: Store) -> None:
    created = create_order(store, NEW)
    assert (created.terms, created.state, created.batches, created.imported) == (NEW, "DRAFT", (), 0)
    assert approve_order(store, "PO-1", ("bek",)).state == "APPROVED"
    take(store, 1, 3)
    take(store, 2, 2)
    standing = order_of(store, "PO-1")
    assert (standing.state, standing.imported, standing.batches) == (
        "OPEN", 5, (("lot-1", "OPEN"), ("lot-2", "OPEN")),
    )  # fmt: skip
    with pytest.raises(IllegalStepError, match="not closed: lot-1, lot-2"):
        close_order(store, "PO-1")
    close_lot(store, "lot-1")
    close_lot(store, "lot-2")
    assert close_order(store, "PO-1").state == "CLOSED"
    with pytest.raises(IllegalStepError, match="is CLOSED, expected APPROVED or OPEN"):
        take(store, 3, 1)
    with store.writing() as connection:
        connection.execute(update(schema.batch).values(state="PURGED"))
    assert order_of(store, "PO-1").state == "PURGED"
    events = [link.kind for link in store.audit_events("office")]
    assert [kind for kind in events if kind.startswith("ORDER")] == ["ORDER_CREATE", "ORDER_CLOSE"]
    assert events.count("APPROVAL") == 1


@both_stores
def test_no_more_is_taken_than_was_bought_and_nothing_of_what_is_more(store: Store) -> None:
    create_order(store, NEW)
    approve_order(store, "PO-1", ("bek",))
    take(store, 1, 3)
    with pytest.raises(RecordError, match="2 records left, the file has 3") as caught:
        take(store, 2, 3)
    assert caught.value.code == "QUANTITY"
    assert (order_of(store, "PO-1").batches, store.batch_names()) == ((("lot-1", "OPEN"),), ["lot-1"])


@pytest.mark.requirement("R3")
def test_its_author_cannot_approve_an_order(store: Store) -> None:
    create_order(store, NEW)
    with pytest.raises(TwoPersonsError, match="ana is its author"):
        approve_order(store, "PO-1", ("ana",))
    with pytest.raises(IllegalStepError, match="is DRAFT, expected APPROVED or OPEN"):
        take(store, 1, 1)


@pytest.mark.requirement("R3")
@pytest.mark.parametrize(
    ("column", "value"), [("quantity", 6), ("sender", None), ("customer", "Another"), ("due", date(2031, 6, 2))]
)
def test_an_order_that_changed_is_not_approved(store: Store, column: str, value: object) -> None:
    create_order(store, NEW)
    with store.writing() as connection:
        connection.execute(update(schema.customer_order).values({column: value}))
    with pytest.raises(IllegalStepError, match="changed since"):
        approve_order(store, "PO-1", ("bek",))


@pytest.mark.requirement("R3")
def test_an_order_that_changed_after_its_approval_takes_nothing(store: Store) -> None:
    create_order(store, NEW)
    approve_order(store, "PO-1", ("bek",))
    with store.writing() as connection:
        connection.execute(update(schema.customer_order).values(quantity=500))
    with pytest.raises(IllegalStepError, match="not approved with this content"):
        take(store, 1, 1)


def test_what_is_no_order(store: Store) -> None:
    create_order(store, NEW)
    approve_order(store, "PO-1", ("bek",))
    with pytest.raises(StoreError, match="one of that name already"):
        create_order(store, NEW)
    with pytest.raises(StoreError, match="no order 'PO-2'"):
        order_of(store, "PO-2")
    with pytest.raises(RecordError, match="approved with other content"):
        take(store, 1, 1, profile=b"\x12" * 32)
    assert order_names(store) == ["PO-1"]


@pytest.mark.parametrize(
    ("changes", "error", "text"),
    [
        ({"quantity": 0}, StoreError, "quantity of 0"),
        ({"recipient": KEY}, StoreError, "belong together"),
        ({"sender": KEY[8:]}, KeyStoreError, "full fingerprint"),
    ],
)
def test_terms_that_are_none(changes: dict[str, object], error: type[Exception], text: str) -> None:
    with pytest.raises(error, match=text):
        dataclasses.replace(NEW, **changes)  # type: ignore[arg-type]

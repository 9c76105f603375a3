"""The scripted cases of the store, as the house's vectors give them."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from cardkit.production.store.invariants import check_audit, check_records
from cardkit.production.store.schema import attempt, record
from cardkit.production.store.store import Store
from tests.unit.production.conftest import both_stores

VECTORS = json.loads((Path(__file__).parents[2] / "vectors" / "production-flows.json").read_text(encoding="utf-8"))
STORE = [vector for vector in VECTORS if vector["name"].startswith("store-")]


def states(store: Store) -> dict[str, str]:
    with store.reading() as connection:
        return {str(row.id): row.state for row in connection.execute(select(record.c.id, record.c.state))}


def attempts(store: Store, record_id: int) -> list[list[Any]]:
    with store.reading() as connection:
        rows = connection.execute(select(attempt).where(attempt.c.record_id == record_id).order_by(attempt.c.id)).all()
    chips = {row.id: row.chip_id.partition(":")[2] for row in rows}
    return [[chips[row.id], row.state, chips.get(row.predecessor_id)] for row in rows]


@pytest.mark.requirement("P2")
@pytest.mark.requirement("P4")
@both_stores
@pytest.mark.parametrize("vector", STORE, ids=lambda vector: vector["name"])
def test_store_does_what_the_vector_says(vector: Any, make_driver: Callable[[int, float], Any]) -> None:
    driver = make_driver(vector["in"]["records"], vector["in"]["ttl_s"])
    final = dict(vector["out"]["final"])
    trail = final.pop("attempts", {})

    results = [driver.run(op) for op in vector["in"]["ops"]]

    assert results == vector["out"]["results"]
    found = states(driver.store)
    assert {number: found[number] for number in final} == final
    assert {number: attempts(driver.store, int(number)) for number in trail} == trail
    assert check_records(driver.store, driver.lot) == []
    assert check_audit(driver.store) == []


def test_there_are_23_store_vectors() -> None:
    assert len(STORE) == 23

"""The scripted cases of the store, as the house's vectors give them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from cardkit.production.store.invariants import check_audit, check_records
from cardkit.production.store.schema import attempt, record
from cardkit.production.store.store import Store
from tests.unit.production.flows import BATCH, Driver, Time, named, open_batch


def states(store: Store) -> dict[str, str]:
    with store.reading() as connection:
        return {str(row.id): row.state for row in connection.execute(select(record.c.id, record.c.state))}


def attempts(store: Store, record_id: int) -> list[list[Any]]:
    prefix = f"{BATCH}:"
    with store.reading() as connection:
        rows = connection.execute(select(attempt).where(attempt.c.record_id == record_id).order_by(attempt.c.id)).all()
    chips = {row.id: row.chip_id.removeprefix(prefix) for row in rows}
    return [[chips[row.id], row.state, chips.get(row.predecessor_id)] for row in rows]


@pytest.mark.parametrize("vector", named("store"), ids=lambda vector: vector["name"])
def test_store_does_what_the_vector_says(vector: Any, tmp_path: Path) -> None:
    time = Time()
    store = open_batch(tmp_path / "store.db", vector["in"]["records"], time=time)
    driver = Driver(store, time, vector["in"]["ttl_s"])
    final = dict(vector["out"]["final"])
    trail = final.pop("attempts", {})

    results = [driver.run(op) for op in vector["in"]["ops"]]

    assert results == vector["out"]["results"]
    assert {number: states(store)[number] for number in final} == final
    assert {number: attempts(store, int(number)) for number in trail} == trail
    assert check_records(store, driver.lot) == []
    assert check_audit(store) == []
    store.close()

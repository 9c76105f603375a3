"""A store whose clocks the test moves, with a chain of its office and one of a station."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from cardkit.production.store import Card, Clocks, Office, Store, start_session
from tests.unit.people.conftest import BATCH, Time, batch_of
from tests.unit.production.founding import new_store


@pytest.fixture
def time() -> Time:
    return Time()


@pytest.fixture
def make_store(tmp_path: Path, time: Time) -> Iterator[Callable[..., Store]]:
    opened: list[Store] = []

    def make(name: str = "plant.db") -> Store:
        opened.append(new_store(tmp_path / name, persons=1, clocks=Clocks(time.now, time.wall, time.now)))
        return opened[-1]

    yield make
    for store in opened:
        store.close()


@pytest.fixture
def store(make_store: Callable[..., Store]) -> Store:
    """One good card, one rejected, one scrapped."""
    store = make_store()
    batch_of(store)
    lot = store.batch(BATCH)
    session, _ = start_session(store, "s1")
    for claim in session.claim(BATCH, 3, 60):
        card = Card(claim.record_id, claim.token, f"chip {claim.row_no}")
        session.bind(lot, card)
        if claim.row_no == 1:
            session.commit(lot, card, b"e" * 32)
        else:
            session.reject(lot, card, "DATA_READBACK")
    Office(store, lot, ("ana",)).scrap(2, "D-1")
    return store

"""A finished batch of thirty: 28 good, one scrapped, one cancelled."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from cardkit.production.store import Card, Office, Store, Work, start_session
from tests.unit.production.conftest import BATCH, open_batch
from tests.unit.production.founding import REPLACED


def made(path: Path, dialect: str = "sqlite") -> Store:
    """30 records: 28 good, one scrapped, one still open."""
    store = open_batch(path, 30, dialect=dialect)
    lot = store.batch(BATCH)
    session, _ = start_session(store, "s1")
    for claim in session.claim(BATCH, 29, 60.0):
        card = Card(claim.record_id, claim.token, f"chip {claim.row_no}")
        session.bind(lot, card)
        if claim.row_no == 7:
            session.reject(lot, card, "DATA_READBACK")
        else:
            session.commit(lot, card, b"e" * 32, Work(facts=REPLACED))
    Office(store, lot, ("ana",)).scrap(7, "D-1")
    return store


def finish(store: Store) -> None:
    Office(store, store.batch(BATCH), ("ana",)).cancel(30)


@pytest.fixture
def finished(tmp_path: Path) -> Callable[[str], Store]:
    """Make it on one of the two databases."""

    def make(dialect: str = "sqlite") -> Store:
        store = made(tmp_path / "store.db", dialect)
        finish(store)
        return store

    return make

"""A store with a batch of test USIMs, and what the tests of stations share."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from cardkit.production import Store, import_batch, open_store
from cardkit.production.sim.order import SimOrder
from cardkit.profile import load_profile, read_order

NewBatch = Callable[..., Store]


@pytest.fixture
def new_batch(tmp_path: Path) -> Iterator[NewBatch]:
    """Import one more batch of so many test USIMs into this test's store."""
    with open_store(f"sqlite:///{tmp_path / 'store.db'}", operator="ana", create=True) as store:
        made = 0

        def new(cards: int) -> Store:
            nonlocal made
            made += 1
            path = tmp_path / f"b{made}.csv"
            SimOrder(cards, made).write(path)
            profile = load_profile("sim/usim-test")
            keystore = profile.test_keystore()
            import_batch(store, profile, read_order(profile, path, keystore), keystore, path)
            return store

        yield new

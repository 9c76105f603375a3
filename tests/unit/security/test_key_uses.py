"""L6: the audit says what each key was used for, session by session."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path

import pytest

from cardkit.production import books as books_module
from cardkit.production import import_batch, open_store, run_batch
from cardkit.production.audit.catalogue import KINDS
from cardkit.production.run import RunOptions
from cardkit.profile import load_profile, read_order

pytestmark = pytest.mark.requirement("L6")

CARDS = 5


def told(path: Path) -> list[dict[str, int]]:
    with open_store(f"sqlite:///{path}", operator="ana") as store:
        events = [json.loads(link.event) for link in store.audit_events("s1")]
    return [event["data"]["uses"] for event in events if event["event"] == "KEY_USE"]


@pytest.mark.parametrize("every", [2, 500])
def test_a_session_tells_what_its_keys_were_used_for(
    every: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The chip's code is asked for when a card is planned and when it is worked on, and nothing else is."""
    monkeypatch.setattr(books_module, "USES_EVERY_CARDS", every)
    profile = load_profile("sim/usim-test")
    keys, source = profile.test_keystore(), profile.path.parent / "order.csv"
    with open_store(f"sqlite:///{tmp_path / 'a.db'}", operator="ana", create=True) as store:
        import_batch(store, profile, read_order(profile, source, keys), keys, source, name="lot")
        done = run_batch(store, "lot", ["virtual:usim"], options=RunOptions("s1", seed=1, limit=CARDS))
    events = told(tmp_path / "a.db")
    assert done.good == CARDS
    assert "KEY_USE" in KINDS
    assert len(events) == -(-CARDS // every)
    assert sum(map(Counter, events), Counter()) == {"test:vu1-adm1": 2 * CARDS}

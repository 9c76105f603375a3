"""K14: what a card was delivered with opens nothing any more; no batch closes over one of which that is not proved."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from cardkit.perso.outcome import delivered_keys
from cardkit.perso.planner import compiled
from cardkit.production import CardCounts, close_batch
from cardkit.production.store import Card, Work, start_session
from cardkit.profile import load_profile
from tests.unit.production.conftest import BATCH, open_batch
from tests.unit.production.founding import NEW_STORE, REPLACED

PROFILES = sorted(
    str(path.parent.relative_to(path.parents[2]))
    for path in (Path(__file__).parents[3] / "profiles").glob("*/*/profile.toml")
)

pytestmark = pytest.mark.requirement("K14")


@pytest.mark.parametrize("profile", PROFILES)
def test_every_product_has_a_rule_about_what_its_chip_was_delivered_with(profile: str) -> None:
    rules = compiled(load_profile(profile)).rules
    names = ", ".join(sorted(rule.id for rule in rules if rule.delivered))
    assert names
    assert delivered_keys(rules, good=True) == f"replaced: {names}"
    assert delivered_keys(rules, good=False) == "not proved"


def test_a_product_without_such_a_rule_proves_nothing() -> None:
    assert delivered_keys((), good=True) == "not proved"


@pytest.mark.parametrize("dialect", list(NEW_STORE))
@pytest.mark.parametrize("facts", ["{}", '{"delivered keys":"not proved"}', '{"chip_id":"replaced: GP-005"}'])
def test_a_batch_does_not_close_over_one_good_card_without_proof(facts: str, dialect: str, tmp_path: Path) -> None:
    store, counts = open_batch(tmp_path / "a.db", 2, dialect=dialect), CardCounts(issued=2, good=2)
    lot, (session, _) = store.batch(BATCH), start_session(store, "s1")
    for claim, told in zip(session.claim(BATCH, 2, 60), (REPLACED, facts), strict=True):
        card = Card(claim.record_id, claim.token, f"chip {claim.row_no}")
        session.bind(lot, card)
        session.commit(lot, card, b"e" * 32, Work(facts=told))
    terms = store.terms
    store.terms = replace(terms, kind="LIVE")
    refused, state = close_batch(store, BATCH, counts).why, store.batch(BATCH).state
    store.terms = terms
    closed = close_batch(store, BATCH, counts).why  # a TEST product may leave its chips' keys as they are
    store.close()
    assert (refused, state, closed) == (("DELIVERED_KEYS",), "OPEN", ())

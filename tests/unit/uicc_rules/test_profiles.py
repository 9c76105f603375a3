"""Our own products break no rule: made from every sample profile, every file of the card looked at."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from secrets import token_bytes

import pytest

from cardkit.apps.dump import check, look, observe
from cardkit.perso import personalize, plan, prepare, verify
from cardkit.profile import load_profile, read_order
from cardkit.target import open_card

SAMPLES = Path(__file__).parents[3] / "profiles" / "sim"
IMAGES = {
    "usim-test": "usim",
    "usim-isim-5g-test": "usim-isim-5g",
    "usim-isim-5g-gp-test": "usim-isim-5g-gp",
    "bare-build-test": "uicc-bare",
}
# What only the profile explains: a contact the operator has put in the phone book.
STRANGE = {"bare-build-test": {("UICC-078", "W", "DF.TELECOM/DF.PHONEBOOK/EF.ADN#1")}}
DAY = date(2026, 1, 1)


@pytest.fixture(params=IMAGES)
def made(request):
    profile = load_profile(SAMPLES / request.param)
    keystore = profile.test_keystore()
    record = read_order(profile, profile.path.parent / "order.csv", keystore).records[0]
    todo = plan(profile, record, prepare(profile, record, keystore, token_bytes), keystore)
    with open_card(f"virtual:{IMAGES[request.param]}") as card:
        assert personalize(todo, card, keystore).verdict == "GOOD"
        yield todo, card, keystore


def test_every_sample_is_here():
    assert {path.parent.name for path in SAMPLES.glob("*/profile.toml")} == set(IMAGES)


def test_a_product_of_ours_is_good_in_every_file(made):
    todo, card, keystore = made
    report = verify(todo, card, keystore, look=lambda channel: look(channel, DAY), destructive=True)
    assert [item for item in report.findings if not item.not_checked] == []
    assert report.verdict == "GOOD"
    assert len(report.checked) >= 80


def test_a_product_of_ours_is_good_to_a_stranger(made):
    todo, card, _ = made
    card.reset(cold=True)
    document = observe(card.channel, look(card.channel, DAY), toolkit=True)
    told = {(item.rule, item.severity.value, item.where) for item in check(document) if not item.not_checked}
    assert told == STRANGE.get(todo.profile, set())

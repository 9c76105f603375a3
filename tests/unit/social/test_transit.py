"""``cardkit transit`` on a card that is several: the transport application is found, and the others are named."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from cardkit.cli import transit
from cardkit.perso import Verdict, personalize, plan, prepare
from cardkit.profile import load_profile, read_order
from cardkit.target import open_card

PROFILE = Path(__file__).parents[3] / "profiles" / "social" / "social-card"
CITY = "D2760000041502000003000101"


@pytest.fixture(scope="module")
def reader(tmp_path_factory):
    """A finished card in a reader."""
    target = f"virtual:social@{tmp_path_factory.mktemp('social')}"
    profile = load_profile(PROFILE)
    keystore = profile.test_keystore()
    record = read_order(profile, PROFILE / "order.csv", keystore).records[0]
    todo = plan(profile, record, prepare(profile, record, keystore, lambda size: bytes(range(size))), keystore)
    with open_card(target) as card:
        assert personalize(todo, card, keystore).verdict is Verdict.GOOD
    return target


@pytest.mark.parametrize(("verb", "files"), [("info", 4), ("tree", 4), ("dump", 4)])
def test_the_transport_application_is_found_by_its_list(reader, verb, files):
    found = CliRunner().invoke(transit.transit, [verb, "--reader", reader, "--json"])
    document = json.loads(found.output)
    part = document["cipurse"]
    assert (document["class"], document["chip"], part["lists"]) == ("CIPURSE", "virtual-social", {"transport": [CITY]})
    shown = part["applications"][CITY]["files"]
    assert (shown if verb == "info" else len(shown)) == files
    assert set(document["besides"]) >= {"security domain", "payment application"}


def test_people_are_told_what_else_it_is(reader):
    found = CliRunner().invoke(transit.transit, ["info", "--reader", reader])
    assert "besides: payment application" in found.output


def test_a_card_of_one_kind_is_nothing_besides():
    found = CliRunner().invoke(transit.transit, ["info", "--reader", "virtual:cipurse", "--json"])
    assert json.loads(found.output)["besides"] == []

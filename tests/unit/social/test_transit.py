"""``cardkit transit`` on a card that is several: the transport application is found, and the others are named."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from cardkit.cli import transit
from cardkit.errors import StatusError
from cardkit.perso import Verdict, personalize, plan, prepare
from cardkit.profile import load_profile, read_order
from cardkit.target import Card, open_card
from cardkit.transport.loopback import LoopbackConnection
from cardkit.virtual import make_card

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
    assert part["blank"] is False
    shown = part["applications"][CITY]["files"]
    assert (shown if verb == "info" else len(shown)) == files
    assert set(document["besides"]) >= {"security domain", "payment application"}


def test_people_are_told_what_else_it_is(reader):
    found = CliRunner().invoke(transit.transit, ["info", "--reader", reader])
    assert "besides: payment application" in found.output


def test_a_card_of_one_kind_is_nothing_besides():
    found = CliRunner().invoke(transit.transit, ["info", "--reader", "virtual:cipurse", "--json"])
    document = json.loads(found.output)
    assert (document["besides"], document["selectable"], document["cipurse"]["blank"]) == ([], {}, True)


def test_a_blank_card_is_entered_as_its_chip_model_says():
    """It has no list of applications yet, and after a reset another part than transport is selected."""
    found = CliRunner().invoke(transit.transit, ["info", "--reader", "virtual:social", "--json"])
    document = json.loads(found.output)
    part = document["cipurse"]
    assert (document["class"], document["chip"], document["besides"]) == (
        "CIPURSE",
        "virtual-social",
        ["security domain"],
    )
    assert (part["blank"], part["lists"], part["applications"], part["troubles"]) == (True, {}, {}, {})
    assert part["memory"] == part["free_memory"] == 4096
    assert {key.removeprefix("version 01, KVV ") for key in part["master_file"]["keys"].values()} == {"5FD67B"}
    assert document["selectable"] == {
        "emv": "A000000151000000",
        "pkcs15": "F276A288BCFBA69D34F31001",
        "cipurse": "F0434950555253450001",
    }


def test_people_are_told_that_a_card_is_blank():
    found = CliRunner().invoke(transit.transit, ["info", "--reader", "virtual:social"])
    assert "blank: True" in found.output
    assert "selectable: cipurse by F0434950555253450001" in found.output


def test_a_card_of_this_chip_without_its_transport_part_is_refused():
    card = make_card("social", seed=1)

    class Deaf:
        """The same card, but nothing is selected by that name."""

        atr, power = card.atr, card.power

        def transmit(self, command: bytes) -> bytes:
            return bytes.fromhex("6A82") if bytes.fromhex("F0434950555253450001") in command else card.transmit(command)

    with pytest.raises(StatusError, match="SELECT F0434950555253450001: card answered 6A82"):
        transit._look(Card(LoopbackConnection(Deaf())))

"""What ``cardkit info`` and ``dump`` say of a PIV card, finished, blank and broken."""

from __future__ import annotations

from datetime import date

import pytest

from cardkit.apps.dump import compare, lines, look, public
from cardkit.apps.eid.app import APP
from cardkit.perso import Verdict, personalize
from cardkit.virtual import make_card
from tests.unit.eid.conftest import IMAGE, inserted

TODAY = date(2026, 3, 1)


def made(job, row, seed):
    chip = make_card(IMAGE, seed=seed)
    assert personalize(job.plan(row, str(row)), inserted(chip), job.keystore).verdict is Verdict.GOOD
    return look(inserted(chip).channel, TODAY)


@pytest.fixture(scope="module")
def seen(job):
    return made(job, 1, 1)


def test_a_finished_card_is_shown_in_the_fields_terms(seen):
    part = seen["piv"]
    assert seen["class"] == "PIV"
    assert {slot: item["key"] for slot, item in part["certificates"].items()} == {
        "9A": "P-256",
        "9C": "P-384",
        "9D": "P-256",
        "9E": "P-256",
    }
    first = part["certificates"]["9A"]
    assert first["subject"] == "C=UT, O=Utopia, OU=Test, CN=GULNORA NAMUNAVIY"
    assert first["issuer"] == "C=UT, O=Utopia, OU=Test, CN=PIV-UTOPIA"
    assert (part["chuid"]["credential"], part["chuid"]["expiry"]) == ("100001", "2031-01-31")
    assert part["keys"]["9C"] == {"algorithm": "P-384", "made_on_card": True}
    assert part["codes"]["PIN"] == {"tries": 3, "left": 3, "as_delivered": False}
    assert part["troubles"] == {}


def test_the_tree_has_every_slot_and_info_nobodys_name(seen):
    tree = "\n".join(lines(seen))
    assert "CN=GULNORA NAMUNAVIY" in tree
    assert "GULNORA" not in "\n".join(lines(public(seen)))
    assert "7000000001" not in str(public(seen))


def test_good_cards_of_a_product_differ_only_where_they_may(job, seen):
    other = made(job, 2, 2)
    assert {each.where for each in compare(seen, other)} <= APP.varying(None)
    assert compare(seen, other, masked=APP.varying(None)) == []


def test_a_blank_card_is_a_piv_card_without_anything():
    part = look(inserted(make_card(IMAGE, seed=3)).channel, TODAY)["piv"]
    assert (part["chuid"], part["certificates"], part["keys"]) == (None, {}, {})
    assert part["codes"]["PUK"]["as_delivered"] is True


def test_an_object_that_is_none_is_a_trouble_and_no_more():
    chip = make_card(IMAGE, seed=4)
    original = chip.transmit
    chip.transmit = lambda command: b"\x53\x02\x30\x09\x90\x00" if b"\x5f\xc1\x02" in command else original(command)
    part = look(inserted(chip).channel, TODAY)["piv"]
    assert part["chuid"] is None
    assert set(part["troubles"]) == {"chuid"}


def test_a_card_that_is_none_stays_what_it_is():
    seen = look(inserted(make_card("gp-scp03", seed=1)).channel, TODAY)
    assert (seen["class"], "piv" in seen) == ("GlobalPlatform", False)

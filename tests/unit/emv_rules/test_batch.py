"""What only several cards show: keys that repeat, factors they share, siblings that are not alike."""

from __future__ import annotations

from dataclasses import replace

import pytest

from cardkit.apps.emv.rules.batch import batch_findings, dump_sha256

from .changes import fci, made
from .conftest import make
from .paperkeys import NUMBERS, PaperKey, paper


@pytest.fixture(scope="module")
def siblings(contact):
    picture, expected = contact
    return [picture, make("emv-contact-cda", 2)[0]], expected


def fired(pictures, expected) -> set[str]:
    return {item.rule for item in batch_findings(pictures, expected) if not item.not_checked}


def test_siblings_differ_only_where_they_may(siblings):
    assert batch_findings(*siblings) == []


def test_one_key_in_two_cards_is_found(siblings):
    (first, second), expected = siblings
    (twin, _) = made(icc=paper(1152))(second, expected)
    found = batch_findings([first, twin], expected)
    assert [(item.rule, item.actual) for item in found if item.rule == "EMV-090"] == [
        ("EMV-090", "the same key as card 2 F0434B49540101 contact")
    ]


def test_a_shared_factor_is_found(siblings):
    (first, second), expected = siblings
    ours, other = (each for each in NUMBERS if each.public_numbers.n.bit_length() == 1408)
    key = PaperKey(ours.p * other.p, 1, b"\x03")
    twin, _ = made(icc=key)(second, expected)
    third, _ = made(icc=PaperKey(ours.p * other.q, 1, b"\x03"))(first, expected)
    assert "EMV-090" in fired([third, twin], expected)


def test_a_sibling_that_is_not_like_the_others_is_named(siblings):
    (first, second), expected = siblings
    odd, _ = fci(t5F2D="656E7275")(replace(second, name="odd"), expected)
    found = batch_findings([first, replace(first, name="again"), odd], expected)
    siblings_found = [item for item in found if item.rule == "EMV-112"]
    assert [(item.where, item.actual, item.severity.value) for item in siblings_found] == [
        ("odd 5F2D F0434B49540101 contact FCI", "656E7275", "I")
    ]


def test_the_hash_stays_over_transactions_and_tells_cards_apart(siblings):
    (first, second), _ = siblings
    side = first.sides[0]
    later = replace(first, sides=(replace(side, data={**side.data, b"\x9f\x36": b"\0\x77"}),))
    assert dump_sha256(first) == dump_sha256(later) != dump_sha256(second)

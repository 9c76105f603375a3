"""Payment cards that lie: `payment validate` finds every lie by its rules, with the profile's card as its measure.

The lies are of the card's authors; which rules must find each is written down here.
"""

from __future__ import annotations

import copy
import itertools
from dataclasses import replace

import pytest

from cardkit.apps.emv.rules.engine import findings
from cardkit.apps.emv.survey import Means, survey
from cardkit.errors import ProtocolError
from cardkit.target import Card
from cardkit.transport.loopback import LoopbackConnection
from cardkit.virtual.emv.lies import payment_lies
from tests.unit.emv_rules.conftest import TODAY, chip_of, make, seeded

NAME = "emv-contact-cda"
# A lie about records is told of the first one that is read: that of the directory.
FOUND = {
    "tag-repeated": {"EMV-022", "EMV-025", "EMV-085"},
    "tag-omitted": {"EMV-023", "EMV-085"},
    "tag-in-two-records": {"EMV-002", "EMV-022"},
    "pan-differs": {"EMV-030", "EMV-031", "EMV-041", "EMV-085", "EMV-097"},
    "record-missing": {"EMV-020", "EMV-078"},
    "record-without-70": {"EMV-002"},
    "record-with-more": {"EMV-002", "EMV-021"},
    "record-cut": {"EMV-002"},
    "afl-sfi-0": {"EMV-017"},
    "afl-last-before-first": {"EMV-018"},
    "afl-5-bytes": {"EMV-016", "EMV-023", "EMV-028", "EMV-038", "EMV-063", "EMV-078"},
    "sdad-without-length": {"EMV-092"},
    "sdad-of-other-key": {"EMV-093", "EMV-094"},
    "sdad-of-yesterday": {"EMV-092", "EMV-093"},
    "cda-order-swapped": {"EMV-093"},
    "tc-for-aac": {"EMV-093", "EMV-099"},
    "atc-jumps": {"EMV-093", "EMV-097", "EMV-100"},
    "iad-33-bytes": {"EMV-093", "EMV-098"},
    "nothing-but-9000": {"EMV-024"},
}
ENDLESS = "61-for-ever"


@pytest.fixture(scope="module")
def expected():
    _, known = make(NAME)
    return replace(known, traced=False)


def seen(name):
    liar = payment_lies()[name](copy.deepcopy(chip_of(NAME)), 0)
    clock = itertools.count()
    means = Means(seeded("lies"), lambda: next(clock) / 1000, TODAY)
    picture = survey(Card(LoopbackConnection(liar)).channel, means)
    assert liar.fired
    return picture


def test_every_lie_is_decided():
    assert set(payment_lies()) == {*FOUND, ENDLESS}


@pytest.mark.parametrize("name", FOUND)
def test_a_lie_is_found_and_named(name, expected):
    assert {item.rule for item in findings(seen(name), expected) if not item.not_checked} == FOUND[name]


def test_a_card_that_never_ends_is_given_up(expected):
    with pytest.raises(ProtocolError, match="has not finished after"):
        seen(ENDLESS)

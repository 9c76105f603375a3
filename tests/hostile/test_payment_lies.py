"""Payment cards that lie: a verification finds every lie, and says which rule it breaks.

The lies are of the card's authors; what must be found of each is written down here, so that a new lie must be decided.
"""

from __future__ import annotations

import copy

import pytest

from cardkit.errors import ProtocolError
from cardkit.perso import Verdict, personalize, verify
from cardkit.target import Card
from cardkit.transport.loopback import LoopbackConnection
from cardkit.virtual import make_card
from cardkit.virtual.emv.lies import payment_lies
from tests.unit.emv_prepare.conftest import IMAGE, PROFILES, make_job

# A lie about contents is a difference from what was prepared; the PIN is not presented to a card without the PAN.
FOUND = {
    "tag-repeated": {"PERSO-010", "EMV-022"},
    "tag-omitted": {"PERSO-010", "EMV-023", "EMV-103"},
    "tag-in-two-records": {"PERSO-010", "EMV-022"},
    "pan-differs": {"PERSO-010", "EMV-030", "EMV-031", "EMV-103"},
    "record-missing": {"PERSO-010", "EMV-020", "EMV-078"},
    "record-without-70": {"PERSO-010", "EMV-021", "EMV-103"},
    "record-with-more": {"PERSO-010", "EMV-021", "EMV-103"},
    "record-cut": {"PERSO-010", "EMV-021", "EMV-023", "EMV-038", "EMV-063", "EMV-078", "EMV-103"},
    "afl-sfi-0": {"PERSO-010", "EMV-017"},
    "afl-last-before-first": {"PERSO-010", "EMV-018"},
    "afl-5-bytes": {"PERSO-010", "EMV-016", "EMV-023", "EMV-028", "EMV-038", "EMV-063", "EMV-078"},
    "sdad-without-length": {"EMV-092"},
    "sdad-of-other-key": {"EMV-092", "EMV-093"},
    "sdad-of-yesterday": {"EMV-093"},
    "cda-order-swapped": {"EMV-093"},
    "tc-for-aac": {"EMV-093", "EMV-099"},
    "atc-jumps": {"EMV-093", "EMV-097"},
    "iad-33-bytes": {"EMV-097"},
    "nothing-but-9000": {"PERSO-010", "EMV-092", "EMV-097"},
}
ENDLESS = "61-for-ever"


@pytest.fixture(scope="module")
def job():
    return make_job(PROFILES / "emv-contact-cda")


@pytest.fixture(scope="module")
def chip(job):
    fresh = make_card(IMAGE, seed=1)
    assert personalize(job.plan(), Card(LoopbackConnection(fresh)), job.keystore).verdict is Verdict.GOOD
    return fresh


def test_every_lie_is_decided():
    assert set(payment_lies()) == {*FOUND, ENDLESS}


@pytest.mark.parametrize("name", FOUND)
def test_a_lie_is_found_and_named(job, chip, name):
    liar = payment_lies()[name](copy.deepcopy(chip), 0)
    report = verify(job.plan(), Card(LoopbackConnection(liar)), job.keystore)
    assert liar.fired
    assert {finding.rule for finding in report.findings if finding.bad} == FOUND[name]


def test_a_card_that_never_ends_is_given_up(job, chip):
    liar = payment_lies()[ENDLESS](copy.deepcopy(chip), 0)
    with pytest.raises(ProtocolError, match="has not finished after"):
        verify(job.plan(), Card(LoopbackConnection(liar)), job.keystore)

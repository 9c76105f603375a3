"""Each rule of the sheet's table: silent on a good card, alone when its one thing is changed."""

from __future__ import annotations

import pytest

from cardkit.apps.emv.picture import CardPicture
from cardkit.apps.emv.rules.engine import BATCH_RULES, CARD_CHECKS, SIDE_CHECKS, findings
from cardkit.apps.emv.rules.expectation import Expectation
from cardkit.apps.emv.rules.table import LEVELS, SHEET, TABLE
from cardkit.desired import Severity

from .changes import CHANGES
from .conftest import TODAY

RULES = [f"EMV-{number:03}" for number in range(1, 113)]
CARDS = ("contact", "dual", "domestic", "stripe")


def fired(pair) -> set[str]:
    return {finding.rule for finding in findings(*pair) if not finding.not_checked}


@pytest.fixture(params=CARDS)
def good(request):
    return request.getfixturevalue(request.param)


def test_the_table_is_the_sheets():
    assert [rule.id for rule in SHEET] == RULES
    assert sorted((*CHANGES, *BATCH_RULES)) == RULES
    assert {check.rule for check in (*CARD_CHECKS, *SIDE_CHECKS)} | set(BATCH_RULES) == set(RULES)
    assert set(LEVELS.values()) == {"V0", "V1", "V2", "V3", "V5"}


@pytest.mark.parametrize("rule", RULES)
def test_a_rule_has_clause_text_and_meaning(rule):
    known = TABLE[rule]
    assert all((known.clause, known.text, known.meaning))
    assert known.severity in (Severity.ERROR, Severity.WARNING, Severity.INFO)


def test_a_good_card_breaks_no_rule(good):
    assert fired(good) == set()


def test_of_a_good_card_only_what_takes_more_was_not_checked(good):
    unseen = {finding.rule for finding in findings(*good) if finding.not_checked}
    assert unseen == {*BATCH_RULES, "EMV-109"}


def test_without_a_profile_only_what_a_profile_explains_is_found(good):
    picture, expected = good
    assert fired((picture, Expectation(TODAY, expected.capks))) <= {"EMV-054"}


@pytest.mark.parametrize("rule", sorted(CHANGES))
def test_one_change_makes_exactly_its_rule_fire(rule, request):
    """With the clause of the table, and its severity."""
    card, change = CHANGES[rule]
    good = request.getfixturevalue(card)
    found = [item for item in findings(*change(*good)) if not item.not_checked]
    known = TABLE[rule]
    assert {(item.rule, item.severity, item.clause) for item in found} == {(rule, known.severity, known.clause)}


def test_of_nothing_every_rule_says_that_it_was_not_checked():
    found = findings(CardPicture(), Expectation(TODAY))
    silent = {"EMV-003", "EMV-007", "EMV-013", "EMV-027"}
    assert {item.rule for item in found} >= set(RULES) - silent
    assert all(item.not_checked for item in found)

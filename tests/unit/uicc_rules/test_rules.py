"""Each rule of the sheet's table: silent on a good card, alone when its one thing is changed."""

from __future__ import annotations

from dataclasses import fields, replace

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cardkit.apps.uicc.picture import CardPicture
from cardkit.apps.uicc.rules.engine import CHECKS, RELATIONS, findings
from cardkit.apps.uicc.rules.expectation import Expectation
from cardkit.apps.uicc.rules.table import SHEET, TABLE
from cardkit.desired import Severity

from .changes import CHANGES, stranger

NUMBERS = (
    *range(1, 15), *range(20, 36), *range(40, 47), *range(50, 60), *range(60, 68), *range(70, 86), *range(90, 100),
    *range(100, 107), 110, 111, *range(115, 121), 125, 126,
)  # fmt: skip
RULES = [f"UICC-{number:03}" for number in NUMBERS]


def fired(pair) -> set[str]:
    return {finding.rule for finding in findings(*pair) if not finding.not_checked}


def test_the_table_is_the_sheets():
    assert len(RULES) == 98
    assert [rule.id for rule in SHEET] == RULES
    assert list(CHANGES) == RULES
    assert {check.rule for check in CHECKS} | {relation.rule for relation in RELATIONS} <= set(RULES)


@pytest.mark.parametrize("rule", RULES)
def test_a_rule_has_clause_text_and_meaning(rule):
    known = TABLE[rule]
    assert all((known.clause, known.text, known.meaning))
    assert known.severity in (Severity.ERROR, Severity.WARNING, Severity.INFO)


def test_a_good_card_has_no_finding_at_all(good):
    assert findings(*good) == []


def test_a_good_card_without_a_profile_breaks_no_rule(good):
    assert fired(stranger()(*good)) == set()


@pytest.mark.requirement("P8")
@pytest.mark.parametrize("rule", RULES)
def test_one_change_makes_exactly_its_rule_fire(rule, good):
    """With the severity and the clause of the table."""
    found = [item for item in findings(*CHANGES[rule](*good)) if not item.not_checked]
    known = TABLE[rule]
    assert {(item.rule, item.severity, item.clause) for item in found} == {(rule, known.severity, known.clause)}


@pytest.mark.parametrize("known", [False, True], ids=["without a profile", "with one"])
def test_of_nothing_every_rule_says_that_it_was_not_checked(known, good):
    found = findings(CardPicture(), good[1] if known else Expectation())
    assert {item.rule for item in found} >= set(RULES) - ({"UICC-097", "UICC-098", "UICC-063"} if known else set())
    assert all(item.not_checked for item in found)


@settings(max_examples=8, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(unseen=st.sets(st.sampled_from([item.name for item in fields(CardPicture)])))
def test_what_nobody_saw_is_never_held_against_a_card(unseen, good):
    """Whatever was not looked at, no rule finds a fault in it, and none breaks."""
    picture, expected = good
    blank = CardPicture()
    seen = replace(picture, **{name: getattr(blank, name) for name in unseen})
    assert fired((seen, Expectation(printed=expected.printed))) == set()


@settings(max_examples=8, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_any_content_of_any_file_is_judged_not_broken_on(data, good):
    """A card may hold anything: rules find faults, and never fail themselves."""
    picture, expected = good
    name = data.draw(st.sampled_from(sorted(picture.bodies)))
    body = data.draw(st.binary(min_size=len(picture.bodies[name]), max_size=len(picture.bodies[name])))
    seen = replace(picture, bodies={**picture.bodies, name: body})
    for known in (expected, Expectation()):
        assert all(item.rule in TABLE for item in findings(seen, known))


def test_rules_can_be_chosen(good):
    changed = CHANGES["UICC-006"](*good)
    assert findings(*changed, rules={"UICC-002", "UICC-007"}) == []
    assert [item.rule for item in findings(*changed, rules={"UICC-006"})] == ["UICC-006"]

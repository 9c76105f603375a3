"""A rule words its own findings."""

from __future__ import annotations

import pytest

from cardkit.desired import Finding, Rule, Secrecy, Severity

RULE = Rule("X-1", Severity.ERROR, "clause", "a file")


@pytest.mark.parametrize(
    ("actual", "severity"),
    [("01", Severity.ERROR), ("not checked", Severity.WARNING), ("not checked: 6982", Severity.WARNING)],
)
def test_what_is_not_checked_is_a_warning(actual, severity):
    assert RULE.finding("EF.A", "00", actual) == Finding("X-1", severity, "clause", "EF.A", "00", actual)


def test_a_finding_is_masked_unless_its_rule_says_otherwise():
    assert RULE.finding("EF.A", "00", "01").secrecy is Secrecy.SECRET
    assert RULE.finding("EF.A", "00", "01", secrecy=Secrecy.PUBLIC).secrecy is Secrecy.PUBLIC

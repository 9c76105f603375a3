"""Rejects follow from findings by the rules' own word."""

from __future__ import annotations

import pytest

from cardkit.desired import NOT_CHECKED, Finding, Rule, Severity
from cardkit.perso.outcome import reject_of_findings

RULES = (
    Rule("X-1", Severity.ERROR, "clause", "a file"),
    Rule("X-2", Severity.ERROR, "clause", "no key as delivered", security_code="TRANSPORT_KEY_STILL_VALID"),
)
DATA, SECURITY = ("DATA_READBACK", "data", False), ("TRANSPORT_KEY_STILL_VALID", "security", True)


def broken(rule: str, severity: Severity = Severity.ERROR, actual: str = "other") -> Finding:
    return Finding(rule, severity, "clause", "where", "expected", actual)


UNPROVEN = broken("X-2", Severity.WARNING, NOT_CHECKED)


@pytest.mark.parametrize(
    ("findings", "reject"),
    [
        ([broken("X-1")], DATA),
        ([broken("X-2")], SECURITY),
        ([broken("X-1"), broken("X-2")], SECURITY),
        ([UNPROVEN, broken("X-1")], DATA),
        ([UNPROVEN], SECURITY),
        ([broken("X-1", Severity.WARNING, NOT_CHECKED), UNPROVEN], SECURITY),
    ],
)
def test_a_rule_with_a_security_code_stops_the_batch(findings, reject):
    got = reject_of_findings(findings, RULES)
    assert got is not None
    assert (got.code, got.kind, got.security_stop) == reject


@pytest.mark.parametrize("findings", [[], [broken("X-2", Severity.WARNING)], [broken("X-2", Severity.INFO)]])
def test_a_warning_rejects_no_card(findings):
    assert reject_of_findings(findings, RULES) is None

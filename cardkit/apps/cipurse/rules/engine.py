"""Applying the rules to a card: every rule speaks, or says that it was not checked."""

from __future__ import annotations

from dataclasses import replace

from cardkit.apps.cipurse.rules import card, files, keys
from cardkit.apps.cipurse.rules.case import Case, Trouble
from cardkit.apps.cipurse.rules.table import TABLE
from cardkit.desired import Finding, Severity

CHECKS = tuple(sorted((*keys.CHECKS, *files.CHECKS, *card.CHECKS), key=lambda check: check.rule))


def findings(case: Case) -> list[Finding]:
    """Return what the rules say; a faultless card has no finding but those that say "not checked"."""
    return [_worded(check.rule, trouble) for check in CHECKS for trouble in check.test(case)]


def _worded(rule: str, trouble: Trouble) -> Finding:
    found = TABLE[rule].finding(
        trouble.where, trouble.expected, trouble.actual, decoded=trouble.decoded, secrecy=trouble.secrecy
    )
    return replace(found, severity=Severity.INFO) if trouble.by_design else found

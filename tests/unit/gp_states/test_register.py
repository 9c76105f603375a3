"""GP-010, GP-041, GP-042: numbers of a card that another card of the run had."""

from __future__ import annotations

import pytest

from cardkit.perso import RunRegister, Verdict, personalize, verify

HISTORY = {"GP-010": "KDD", "GP-041": "chip serial and batch", "GP-042": "card image number"}


def unchecked(findings) -> set[str]:
    return {finding.rule for finding in findings if finding.not_checked and finding.where == HISTORY.get(finding.rule)}


def test_without_a_register_nobody_can_tell(scp03, made):
    _, card = made(scp03)
    assert unchecked(verify(scp03.plan(), card, scp03.keystore).findings) == set(HISTORY)


def test_a_card_may_come_again_but_not_as_another(scp03, made):
    """The chip of row 1, presented for row 2, is told by its KDD and its serial number, besides what row 2 wants."""
    register = RunRegister()
    _, card = made(scp03)
    for _ in range(2):
        report = verify(scp03.plan(), card, scp03.keystore, register=register)
        assert report.verdict is Verdict.GOOD
        assert unchecked(report.findings) == set()
    report = verify(scp03.plan(2), card, scp03.keystore, register=register)
    told = {(finding.rule, finding.where) for finding in report.findings if finding.actual == "seen before"}
    assert told == set(HISTORY.items())


@pytest.mark.parametrize(("kind", "rule"), [("KDD", "GP-010"), ("chip", "GP-041"), ("image", "GP-042")])
def test_one_number_twice_rejects_the_second_card(kind, rule, scp03, tap):
    _, card = tap(scp03.image)

    def register(identities, row):
        assert set(identities) == {"KDD", "chip", "image"}
        assert row == 1
        return frozenset((kind,))

    outcome = personalize(scp03.plan(), card, scp03.keystore, register=register)
    assert outcome.verdict is Verdict.BAD
    assert {finding.rule for finding in outcome.findings if not finding.not_checked} == {rule}

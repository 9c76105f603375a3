"""An identity card of two applications that lies about one answer, or about who answers: always a verdict."""

from __future__ import annotations

import copy

import pytest

from cardkit.perso import Verdict, personalize, verify
from cardkit.virtual import make_card
from cardkit.virtual.social.lies import social_lies
from tests.hostile.tearing import Job, inserted
from tests.hostile.test_emrtd_lies import LIES, Liar

EVERY = 31
HARMLESS = {0xA4, 0x22, 0x50, 0x20, 0x2A, 0x46, 0xD6}
"""Commands that choose what the next is about, and those a card must refuse: the next answer tells."""


@pytest.fixture(scope="module")
def job():
    return Job.of("id/national-id-td1", lambda: make_card("national-id", seed=1))


@pytest.fixture(scope="module")
def finished(job):
    chip = job.fresh()
    assert personalize(job.plan, inserted(chip), job.keystore).verdict is Verdict.GOOD
    return chip


@pytest.mark.parametrize("lie", LIES)
def test_a_lie_while_it_is_verified_is_found_or_says_nothing(job, finished, lie):
    meter = Liar(finished, 0, LIES[lie], 0)
    assert verify(job.plan, inserted(meter), job.keystore).verdict is Verdict.GOOD
    for at in range(1, meter.answers, EVERY):
        liar = Liar(finished, at, LIES[lie], at)
        report = verify(job.plan, inserted(liar), job.keystore)
        assert report.verdict is not Verdict.GOOD or liar.about[1] in HARMLESS, (at, liar.about[:5].hex())


@pytest.mark.parametrize("lie", LIES)
def test_a_lie_while_it_is_made_ends_in_a_verdict(job, lie):
    for at in range(1, len(job.plan.steps), 97):
        liar = Liar(job.fresh(), at, LIES[lie], at)
        assert personalize(job.plan, inserted(liar), job.keystore).verdict in (Verdict.GOOD, Verdict.BAD)


def test_a_card_whose_applications_are_one_is_neither_made_nor_good(job, finished):
    liar = social_lies()["selection-ignored"](copy.deepcopy(finished))
    assert verify(job.plan, inserted(liar), job.keystore).verdict is Verdict.BAD
    blank = social_lies()["selection-ignored"](job.fresh())
    outcome = personalize(job.plan, inserted(blank), job.keystore)
    assert (outcome.verdict, outcome.bound) == (Verdict.BAD, False)
    assert liar.fired
    assert blank.fired


class Open:
    """A chip whose keys answer whoever asks, whatever is selected."""

    def __init__(self, chip):
        self._chip = chip

    def atr(self):
        return self._chip.atr()

    def power(self, cold):
        self._chip.power(cold)

    def transmit(self, command):
        answer = self._chip.transmit(command)
        return b"\x63\xc3" if answer == b"\x6d\x00" and command[:4] == bytes.fromhex("00200001") else answer


def test_an_application_that_answers_for_the_other_is_named_alone(job, finished):
    report = verify(job.plan, inserted(Open(finished)), job.keystore)
    found = [(one.rule, one.where) for one in report.findings if not one.not_checked]
    assert found == [("PERSO-005", "card: emrtd asked for pkcs15")]

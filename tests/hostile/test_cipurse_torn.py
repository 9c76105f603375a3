"""A CIPURSE card torn while it is made, before and after the chip took any command: always finished, the same card."""

from __future__ import annotations

import pytest

from cardkit.perso import MarkerState, Verdict, identify, personalize, verify
from cardkit.virtual import make_card
from tests.hostile.tearing import LOSSES, Job, inserted


@pytest.fixture(scope="module")
def job():
    return Job.of("transport/cipurse-transit", lambda: make_card("cipurse", seed=1))


@pytest.mark.parametrize("lost", LOSSES)
def test_torn_after_any_command_it_is_finished_as_the_same_card(job, lost):
    at = 1
    while True:
        chip = job.fresh()
        _, sent = job.tear(chip, at, lost)
        if not sent:
            break
        outcome = personalize(job.plan, inserted(chip), job.keystore, resume=True)
        assert (at, outcome.verdict, [one for one in outcome.findings if not one.not_checked]) == (at, Verdict.GOOD, [])
        assert (at, dict(chip.memory())) == (at, job.undisturbed)
        at += 1
    assert at > len(job.plan.steps)


def test_torn_again_and_again_it_is_finished(job):
    for seed in range(8):
        chip = job.fresh()
        job.tear_often(chip, seed)
        assert personalize(job.plan, inserted(chip), job.keystore, resume=True).verdict is Verdict.GOOD
        assert identify(job.profile, inserted(chip)).state is MarkerState.FINAL
        assert verify(job.plan, inserted(chip), job.keystore).verdict is Verdict.GOOD

"""A DESFire card torn while it is made, before and after the chip took any command: always the same in the end."""

from __future__ import annotations

import pytest

from cardkit.perso import MarkerState, Verdict, identify, personalize, verify
from cardkit.virtual import make_card
from tests.hostile.tearing import LOSSES, Job, inserted


@pytest.fixture(scope="module", params=["ev1", "ev2"])
def job(request):
    image = f"desfire-{request.param}"
    return Job.of(f"transport/{image}-city", lambda: make_card(image, seed=1))


def contents(chip):
    """What a finished card's memory holds."""
    return dict(chip.memory())


@pytest.mark.parametrize("lost", LOSSES)
def test_torn_after_any_command_it_becomes_the_card_it_would_have_been(job, lost):
    at = 1
    while True:
        chip = job.fresh()
        _, sent = job.tear(chip, at, lost)
        if not sent:
            break
        outcome = personalize(job.plan, inserted(chip), job.keystore, resume=True)
        assert (at, outcome.verdict, outcome.findings) == (at, Verdict.GOOD, ())
        assert (at, job.undisturbed) == (at, contents(chip))
        at += 1
    assert at > len(job.plan.steps)


def test_torn_again_and_again_it_is_finished(job):
    for seed in range(8):
        chip = job.fresh()
        job.tear_often(chip, seed)
        assert personalize(job.plan, inserted(chip), job.keystore, resume=True).verdict is Verdict.GOOD
        assert identify(job.profile, inserted(chip)).state is MarkerState.FINAL
        assert verify(job.plan, inserted(chip), job.keystore).verdict is Verdict.GOOD
        assert job.undisturbed == contents(chip)

"""A PKCS#15 card torn while it is made, before and after the chip took a command: always finished, and good.

After every command up to the check and while it is sealed; of those that only look, after every fifth.
"""

from __future__ import annotations

import pytest

from cardkit.desired import Part
from cardkit.perso import MarkerState, Verdict, identify, personalize, verify
from cardkit.virtual import make_card
from tests.hostile.tearing import LOSSES, Job, inserted

STRIDE = 5


@pytest.fixture(scope="module")
def job():
    return Job.of("id/pkcs15-test", lambda: make_card("pkcs15", seed=1))


def places(plan):
    """Return after which commands the card is torn."""
    parts = plan.blueprint.parts
    written = len(parts[Part.FENCE]) + len(parts[Part.WRITE])
    checked = written + len(parts[Part.CHECK])
    sealed = checked + len(parts[Part.SEAL])
    looks = {*range(written + 1, checked + 1, STRIDE), *range(sealed + 1, len(plan.steps) + 1, STRIDE)}
    return sorted({*range(1, written + 1), *range(checked + 1, sealed + 1)} | looks)


@pytest.mark.parametrize("lost", LOSSES)
def test_torn_anywhere_it_is_finished(job, lost):
    for at in places(job.plan):
        chip = job.fresh()
        _, sent = job.tear(chip, at, lost)
        assert sent == at
        outcome = personalize(job.plan, inserted(chip), job.keystore, resume=True)
        assert (at, outcome.verdict, outcome.findings) == (at, Verdict.GOOD, ())


def test_torn_again_and_again_it_is_finished(job):
    for seed in range(8):
        chip = job.fresh()
        job.tear_often(chip, seed)
        assert personalize(job.plan, inserted(chip), job.keystore, resume=True).verdict is Verdict.GOOD
        assert identify(job.profile, inserted(chip)).state is MarkerState.FINAL
        assert verify(job.plan, inserted(chip), job.keystore).verdict is Verdict.GOOD

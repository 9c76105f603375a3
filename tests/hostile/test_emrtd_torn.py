"""A travel document torn while it is made, before and after the chip took a command: always finished, the same."""

from __future__ import annotations

import pytest

from cardkit.desired import Part
from cardkit.perso import Verdict, personalize, verify
from cardkit.virtual import make_card
from tests.hostile.tearing import ANSWER_LOST, LOSSES, Job, inserted

PRODUCTS = [
    ("id/emrtd-td3", "emrtd-native"),
    ("id/emrtd-td3-eac", "emrtd-native"),
    ("id/residence-permit-td1", "emrtd-applet"),
    ("id/emrtd-td3-2006", "emrtd-2006"),
]
STRIDE = 11


@pytest.fixture(scope="module", params=PRODUCTS)
def job(request):
    profile, image = request.param
    return Job.of(profile, lambda: make_card(image, seed=1))


def document(memory):
    """Return what is on a chip but the counts of factory sessions, which every attempt adds to."""
    return {name: body for name, body in memory.items() if not name.startswith(("transport", "tries/"))}


def written(plan):
    """Return how many commands identify, write, check and lock the chip."""
    parts = plan.blueprint.parts
    return sum(len(parts[part]) for part in (Part.FENCE, Part.WRITE, Part.CHECK, Part.SEAL))


@pytest.mark.parametrize("lost", LOSSES)
def test_torn_anywhere_it_is_finished_as_the_same_document(job, lost):
    last = written(job.plan)
    places = {*range(len(job.plan.blueprint.identify) + 1, last, STRIDE), last - 1, last}
    for at in sorted(places):
        chip = job.fresh()
        _, sent = job.tear(chip, at, lost)
        assert sent == at
        outcome = personalize(job.plan, inserted(chip), job.keystore, resume=True)
        assert outcome.verdict is Verdict.GOOD, (at, outcome)
        assert document(chip.memory()) == document(job.undisturbed), at


def test_torn_again_and_again_it_is_finished(job):
    for seed in range(3):
        chip = job.fresh()
        job.tear_often(chip, seed)
        assert personalize(job.plan, inserted(chip), job.keystore, resume=True).verdict is Verdict.GOOD
        assert verify(job.plan, inserted(chip), job.keystore).verdict is Verdict.GOOD


def test_a_lock_whose_answer_was_lost_is_recognized_by_the_document_it_locks(job):
    chip = job.fresh()
    job.tear(chip, written(job.plan), ANSWER_LOST)
    outcome = personalize(job.plan, inserted(chip), job.keystore, resume=True)
    assert outcome.verdict is Verdict.GOOD

"""A social card that lies about who it is, or about who answers, is never found good, finished or while it is made."""

from __future__ import annotations

import copy

import pytest

from cardkit.perso import Verdict, personalize, verify
from cardkit.virtual import make_card
from cardkit.virtual.social.lies import social_lies
from tests.hostile.tearing import Job, inserted

# Keys follow from the UID that a finished card shows; a fresh one may have any.
FOUND = ("other-uid", "selection-ignored")
FOUND_WHILE_MADE = ("selection-ignored",)


@pytest.fixture(scope="module")
def job() -> Job:
    return Job.of("social/social-card", lambda: make_card("social", seed=7))


@pytest.fixture(scope="module")
def finished(job):
    chip = job.fresh()
    assert personalize(job.plan, inserted(chip), job.keystore).verdict is Verdict.GOOD
    return chip


@pytest.mark.parametrize("name", social_lies())
def test_no_lie_of_a_finished_card_passes_for_truth(job, finished, name):
    liar = social_lies()[name](copy.deepcopy(finished))
    verdict = verify(job.plan, inserted(liar), job.keystore).verdict
    assert (verdict is Verdict.GOOD) == (liar.fired == 0)
    assert bool(liar.fired) or name not in FOUND


@pytest.mark.parametrize("name", FOUND_WHILE_MADE)
def test_a_card_whose_applications_are_one_is_not_made(job, name):
    liar = social_lies()[name](job.fresh())
    outcome = personalize(job.plan, inserted(liar), job.keystore)
    assert liar.fired
    assert outcome.verdict is not Verdict.GOOD
    assert not outcome.bound

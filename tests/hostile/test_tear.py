"""The power fails at every single command of the sample personalization; the card is put in again and finished.

The judge is the card's memory: byte for byte that of an undisturbed card, whatever was lost, the command or its answer.
"""

from __future__ import annotations

import pytest

from cardkit.desired import BindEvent, UnknownEvent
from cardkit.perso import MarkerState, Verdict, identify, personalize
from cardkit.virtual import VirtualCard
from tests.hostile.tearing import ANSWER_LOST, LOSSES, Job, inserted

SERIAL = bytes.fromhex("5655310000000042")
# The sample has so many commands; a test below fails if it grows without this list.
COMMANDS = 108
SECOND_CUTS = 40


@pytest.fixture(scope="module")
def job() -> Job:
    return Job.of("sim/usim-test", lambda: VirtualCard("usim", serial=SERIAL, seed=1))


def test_the_list_of_commands_is_complete(job):
    assert len(job.plan.steps) == COMMANDS


@pytest.mark.parametrize("lost", LOSSES)
@pytest.mark.parametrize("at", range(1, COMMANDS + 1))
def test_a_torn_card_is_finished_byte_for_byte(job, at, lost):
    chip = job.fresh()
    events, sent = job.tear(chip, at, lost)
    assert sent == at
    bound = any(isinstance(event, BindEvent) for event in events)
    assert bound == (at > 2)
    assert any(isinstance(event, UnknownEvent) for event in events) == bound
    outcome = personalize(job.plan, inserted(chip), job.keystore, resume=True)
    assert outcome.verdict is Verdict.GOOD
    assert outcome.reject is None
    assert dict(chip.memory()) == job.undisturbed


@pytest.mark.parametrize("lost", LOSSES)
def test_a_torn_card_is_known_by_its_marker(job, lost):
    """Before the marker is written the card is blank, after its removal it is finished, between it names its record."""
    states = []
    for at in range(1, COMMANDS + 1):
        chip = job.fresh()
        job.tear(chip, at, lost)
        presented = identify(job.profile, inserted(chip))
        assert presented.marker is None or presented.state is MarkerState.BLANK or presented.belongs_to(job.plan.tag)
        states.append(presented.state)
    order = list(MarkerState)
    assert states == sorted(states, key=order.index)
    assert set(states) == {MarkerState.BLANK, MarkerState.STARTED, MarkerState.VERIFIED, MarkerState.FINAL}


@pytest.mark.parametrize("seed", range(SECOND_CUTS))
def test_a_card_torn_again_and_again_is_finished_byte_for_byte(job, seed):
    chip = job.fresh()
    job.tear_often(chip, seed)
    assert personalize(job.plan, inserted(chip), job.keystore, resume=True).verdict is Verdict.GOOD
    assert dict(chip.memory()) == job.undisturbed


def test_control_a_run_that_does_not_look_is_found(job):
    """Begun again as if it were blank, a torn card is refused: resuming is what finishes it."""
    chip = job.fresh()
    job.tear(chip, 30, ANSWER_LOST)
    outcome = personalize(job.plan, inserted(chip), job.keystore)
    assert outcome.reject is not None
    assert outcome.reject.code == "NOT_BLANK"
    assert dict(chip.memory()) != job.undisturbed

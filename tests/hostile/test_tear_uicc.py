"""The power fails while a file system is built on a bare card; the card is put in again and finished.

The judge is the card's memory: byte for byte that of an undisturbed card, whatever was lost, the command or its answer.
"""

from __future__ import annotations

import dataclasses

import msgspec
import pytest

from cardkit.desired import BindEvent, Part, Plan, Role
from cardkit.perso import MarkerState, Verdict, identify, personalize
from cardkit.virtual import VirtualCard
from tests.hostile.tearing import ANSWER_LOST, LOSSES, Job, inserted, planned

# The product has so many commands; a test below fails if it grows without this list.
COMMANDS = 245
# Every command of the fence and of the seal is torn, and of those between one of so many: each costs 40 ms.
STRIDE = 8
TORN_AT = sorted({*range(1, 12), *range(12, COMMANDS - 12, STRIDE), *range(COMMANDS - 12, COMMANDS + 1)})
SECOND_CUTS = 20


@pytest.fixture(scope="module")
def job() -> Job:
    return Job.of("sim/bare-build-test", lambda: VirtualCard("uicc-bare", seed=1))


def with_longer_file(job: Job) -> Plan:
    """The same card of a product whose EF.PL is longer."""
    block = job.profile.blocks["uicc"]
    longer = msgspec.structs.replace(block.build.files["MF/EF.PL"], size=6)
    build = msgspec.structs.replace(block.build, files={**block.build.files, "MF/EF.PL": longer})
    blocks = {"uicc": msgspec.structs.replace(block, build=build)}
    return planned(dataclasses.replace(job.profile, blocks=blocks, sha256=b"another".ljust(32)), job.keystore)


def test_the_list_of_commands_is_complete(job):
    assert len(job.plan.steps) == COMMANDS


@pytest.mark.parametrize("lost", LOSSES)
@pytest.mark.parametrize("at", TORN_AT)
def test_a_torn_card_is_finished_byte_for_byte(job, at, lost):
    chip = job.fresh()
    events, sent = job.tear(chip, at, lost)
    assert sent == at
    assert any(isinstance(event, BindEvent) for event in events) == (at > 2)
    outcome = personalize(job.plan, inserted(chip), job.keystore, resume=True)
    assert outcome.reject is None
    assert outcome.verdict is Verdict.GOOD
    assert dict(chip.memory()) == job.undisturbed


@pytest.mark.parametrize("lost", LOSSES)
def test_a_torn_card_is_known_by_its_marker(job, lost):
    """As delivered until the marker stands, whatever was made; then it names its record; finished when it is gone."""
    states = []
    for at in TORN_AT:
        chip = job.fresh()
        job.tear(chip, at, lost)
        presented = identify(job.profile, inserted(chip))
        if presented.state in {MarkerState.STARTED, MarkerState.VERIFIED}:
            assert presented.belongs_to(job.plan.tag)
            assert presented.chip_id == job.plan.tag.hex().upper()
        states.append(presented.state)
    order = list(MarkerState)
    assert states == sorted(states, key=order.index)
    assert set(states) == {MarkerState.BLANK, MarkerState.STARTED, MarkerState.VERIFIED, MarkerState.FINAL}
    fenced = len(job.plan.blueprint.parts[Part.FENCE])
    assert states.count(MarkerState.BLANK) == fenced - (lost == ANSWER_LOST)


@pytest.mark.parametrize("seed", range(SECOND_CUTS))
def test_a_card_torn_again_and_again_is_finished_byte_for_byte(job, seed):
    chip = job.fresh()
    job.tear_often(chip, seed)
    assert personalize(job.plan, inserted(chip), job.keystore, resume=True).verdict is Verdict.GOOD
    assert dict(chip.memory()) == job.undisturbed


def test_control_a_file_with_other_attributes_is_refused(job):
    """What exists is compared, not taken for what was to be made."""
    chip = job.fresh()
    job.tear(chip, 30, ANSWER_LOST)
    outcome = personalize(with_longer_file(job), inserted(chip), job.keystore, resume=True)
    assert outcome.reject is not None
    assert "MF/EF.PL exists, but not as it would have been made: size: 4, expected 6" in outcome.reject.text


@pytest.mark.parametrize("lost", LOSSES)
def test_a_card_torn_while_files_are_put_out_of_use_is_finished_byte_for_byte(lost):
    five_g = Job.of("sim/usim-isim-5g-test", lambda: VirtualCard("usim-isim-5g", serial=bytes(range(1, 9)), seed=1))
    steps = enumerate(five_g.plan.steps, 1)
    for at in [number for number, step in steps if step.role is Role.DEACTIVATE][::3]:
        chip = five_g.fresh()
        assert five_g.tear(chip, at, lost)[1] == at
        assert personalize(five_g.plan, inserted(chip), five_g.keystore, resume=True).verdict is Verdict.GOOD
        assert dict(chip.memory()) == five_g.undisturbed

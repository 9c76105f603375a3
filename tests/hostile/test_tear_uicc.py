"""The power fails while a file system is built on a bare card; the card is put in again and finished.

The judge is the card's memory: byte for byte that of an undisturbed card, whatever was lost, the command or its answer.
"""

from __future__ import annotations

import contextlib
import dataclasses
import random
from dataclasses import dataclass

import msgspec
import pytest

from cardkit.crypto import KeyStore
from cardkit.desired import BindEvent, Part, Plan
from cardkit.errors import TransportError
from cardkit.perso import MarkerState, Verdict, identify, personalize, plan, prepare
from cardkit.profile import Profile, load_profile, read_order
from cardkit.target import Card
from cardkit.transport.loopback import LoopbackConnection
from cardkit.virtual import VirtualCard

COMMAND_LOST, ANSWER_LOST = "command lost", "answer lost"
# The product has so many commands; a test below fails if it grows without this list.
COMMANDS = 245
# Of the commands in between every so many is torn: each of them costs 40 ms.
STRIDE = 8
TWICE = 20


@dataclass(frozen=True)
class Job:
    profile: Profile
    keystore: KeyStore
    plan: Plan
    undisturbed: dict[str, bytes]


class Cut:
    """A reader that loses power once.

    :param at: number of the command, from 1.  :param lost: whether the card still ran it.
    """

    def __init__(self, chip: VirtualCard, at: int, lost: str) -> None:
        self._chip = chip
        self._at = at
        self._lost = lost
        self.sent = 0

    def atr(self) -> bytes:
        return self._chip.atr()

    def power(self, cold: bool) -> None:
        self._chip.power(cold)

    def transmit(self, command: bytes) -> bytes:
        self.sent += 1
        if self.sent != self._at:
            return self._chip.transmit(command)
        if self._lost == ANSWER_LOST:
            self._chip.transmit(command)
        self._chip.power(True)
        return b""


def fresh() -> VirtualCard:
    return VirtualCard("uicc-bare", seed=1)


def inserted(chip) -> Card:
    return Card(LoopbackConnection(chip))


@pytest.fixture(scope="module")
def job() -> Job:
    profile = load_profile("sim/bare-build-test")
    keystore = profile.test_keystore()
    record = read_order(profile, profile.path.parent / "order.csv", keystore).records[0]
    todo = plan(profile, record, prepare(profile, record, keystore, random.Random(1).randbytes), keystore)
    chip = fresh()
    assert personalize(todo, inserted(chip), keystore).verdict is Verdict.GOOD
    return Job(profile, keystore, todo, dict(chip.memory()))


def tear(job: Job, chip: VirtualCard, at: int, lost: str, *, resume: bool = False) -> list:
    """Run until the cut; return events."""
    events: list = []
    with contextlib.suppress(TransportError):
        personalize(job.plan, inserted(Cut(chip, at, lost)), job.keystore, on_event=events.append, resume=resume)
    return events


def with_longer_file(job: Job) -> Plan:
    """The same card of a product whose EF.PL is longer."""
    block = job.profile.blocks["uicc"]
    longer = msgspec.structs.replace(block.build.files["MF/EF.PL"], size=6)
    build = msgspec.structs.replace(block.build, files={**block.build.files, "MF/EF.PL": longer})
    blocks = {"uicc": msgspec.structs.replace(block, build=build)}
    profile = dataclasses.replace(job.profile, blocks=blocks, sha256=b"another product".ljust(32))
    record = read_order(profile, profile.path.parent / "order.csv", job.keystore).records[0]
    return plan(profile, record, prepare(profile, record, job.keystore, random.Random(1).randbytes), job.keystore)


def torn_at() -> list[int]:
    """Every command of the fence and of the seal, and a sample of those between."""
    return sorted({*range(1, 12), *range(12, COMMANDS - 12, STRIDE), *range(COMMANDS - 12, COMMANDS + 1)})


def test_the_list_of_commands_is_complete(job):
    assert len(job.plan.steps) == COMMANDS


@pytest.mark.parametrize("lost", [COMMAND_LOST, ANSWER_LOST])
@pytest.mark.parametrize("at", torn_at())
def test_a_torn_card_is_finished_byte_for_byte(job, at, lost):
    chip = fresh()
    events = tear(job, chip, at, lost)
    bound = any(isinstance(event, BindEvent) for event in events)
    assert bound == (at > 2)
    outcome = personalize(job.plan, inserted(chip), job.keystore, resume=True)
    assert outcome.reject is None
    assert outcome.verdict is Verdict.GOOD
    assert dict(chip.memory()) == job.undisturbed


@pytest.mark.parametrize("lost", [COMMAND_LOST, ANSWER_LOST])
def test_a_torn_card_is_known_by_its_marker(job, lost):
    """As delivered until the marker stands, whatever was made; then it names its record; finished when it is gone."""
    states = []
    for at in torn_at():
        chip = fresh()
        tear(job, chip, at, lost)
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


@pytest.mark.parametrize("seed", range(TWICE))
def test_a_card_torn_again_and_again_is_finished_byte_for_byte(job, seed):
    dice = random.Random(seed)
    chip = fresh()
    tear(job, chip, dice.randint(1, COMMANDS), dice.choice([COMMAND_LOST, ANSWER_LOST]))
    for _ in range(3):
        tear(job, chip, dice.randint(1, COMMANDS), dice.choice([COMMAND_LOST, ANSWER_LOST]), resume=True)
    assert personalize(job.plan, inserted(chip), job.keystore, resume=True).verdict is Verdict.GOOD
    assert dict(chip.memory()) == job.undisturbed


def test_control_a_file_with_other_attributes_is_refused(job):
    """What exists is compared, not taken for what was to be made."""
    chip = fresh()
    tear(job, chip, 30, ANSWER_LOST)
    outcome = personalize(with_longer_file(job), inserted(chip), job.keystore, resume=True)
    assert outcome.reject is not None
    assert "MF/EF.PL exists, but not as it would have been made: size: 4, expected 6" in outcome.reject.text

"""The power fails at every single command of the sample personalization; the card is put in again and finished.

The judge is the card's memory: byte for byte that of an undisturbed card, whatever was lost, the command or its answer.
"""

from __future__ import annotations

import random
from dataclasses import dataclass

import pytest

from cardkit.crypto import KeyStore
from cardkit.desired import BindEvent, Plan, UnknownEvent
from cardkit.errors import TransportError
from cardkit.perso import MarkerState, Verdict, identify, personalize, plan, prepare
from cardkit.profile import Profile, load_profile, read_order
from cardkit.target import Card
from cardkit.transport.loopback import LoopbackConnection
from cardkit.virtual import VirtualCard

SERIAL = bytes.fromhex("5655310000000042")
COMMAND_LOST, ANSWER_LOST = "command lost", "answer lost"
# The sample has so many commands; a test below fails if it grows without this list.
COMMANDS = 108
SECOND_CUTS = 40


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
    return VirtualCard("usim", serial=SERIAL, seed=1)


def inserted(chip) -> Card:
    return Card(LoopbackConnection(chip))


@pytest.fixture(scope="module")
def job() -> Job:
    profile = load_profile("sim/usim-test")
    keystore = profile.test_keystore()
    record = read_order(profile, profile.path.parent / "order.csv", keystore).records[0]
    todo = plan(profile, record, prepare(profile, record, keystore, random.Random(1).randbytes), keystore)
    chip = fresh()
    assert personalize(todo, inserted(chip), keystore).verdict is Verdict.GOOD
    return Job(profile, keystore, todo, dict(chip.memory()))


def tear(job: Job, chip: VirtualCard, at: int, lost: str, *, resume: bool = False) -> tuple[list, int]:
    """Run until the cut; return events and the number of commands sent."""
    events: list = []
    cut = Cut(chip, at, lost)
    try:
        personalize(job.plan, inserted(cut), job.keystore, on_event=events.append, resume=resume)
    except TransportError:
        return events, cut.sent
    return events, 0


def test_the_list_of_commands_is_complete(job):
    assert len(job.plan.steps) == COMMANDS


@pytest.mark.parametrize("lost", [COMMAND_LOST, ANSWER_LOST])
@pytest.mark.parametrize("at", range(1, COMMANDS + 1))
def test_a_torn_card_is_finished_byte_for_byte(job, at, lost):
    chip = fresh()
    events, sent = tear(job, chip, at, lost)
    assert sent == at
    bound = any(isinstance(event, BindEvent) for event in events)
    assert bound == (at > 2)
    assert any(isinstance(event, UnknownEvent) for event in events) == bound
    outcome = personalize(job.plan, inserted(chip), job.keystore, resume=True)
    assert outcome.verdict is Verdict.GOOD
    assert outcome.reject is None
    assert dict(chip.memory()) == job.undisturbed


@pytest.mark.parametrize("lost", [COMMAND_LOST, ANSWER_LOST])
def test_a_torn_card_is_known_by_its_marker(job, lost):
    """Before the marker is written the card is blank, after its removal it is finished, between it names its record."""
    states = []
    for at in range(1, COMMANDS + 1):
        chip = fresh()
        tear(job, chip, at, lost)
        presented = identify(job.profile, inserted(chip))
        assert presented.marker is None or presented.state is MarkerState.BLANK or presented.belongs_to(job.plan.tag)
        states.append(presented.state)
    order = list(MarkerState)
    assert states == sorted(states, key=order.index)
    assert set(states) == {MarkerState.BLANK, MarkerState.STARTED, MarkerState.VERIFIED, MarkerState.FINAL}


@pytest.mark.parametrize("seed", range(SECOND_CUTS))
def test_a_card_torn_again_and_again_is_finished_byte_for_byte(job, seed):
    dice = random.Random(seed)
    chip = fresh()
    tear(job, chip, dice.randint(1, COMMANDS), dice.choice([COMMAND_LOST, ANSWER_LOST]))
    for _ in range(3):
        tear(job, chip, dice.randint(1, COMMANDS), dice.choice([COMMAND_LOST, ANSWER_LOST]), resume=True)
    assert personalize(job.plan, inserted(chip), job.keystore, resume=True).verdict is Verdict.GOOD
    assert dict(chip.memory()) == job.undisturbed


def test_control_a_run_that_does_not_look_is_found(job):
    """Begun again as if it were blank, a torn card is refused: resuming is what finishes it."""
    chip = fresh()
    tear(job, chip, 30, ANSWER_LOST)
    outcome = personalize(job.plan, inserted(chip), job.keystore)
    assert outcome.reject is not None
    assert outcome.reject.code == "NOT_BLANK"
    assert dict(chip.memory()) != job.undisturbed

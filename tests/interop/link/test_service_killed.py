"""pcscd dies in the middle of a personalization; it is started again and the same chip is put in: the finished card is
byte for byte that of an undisturbed one."""

from __future__ import annotations

import random
from dataclasses import dataclass

import pytest

from cardkit.crypto import KeyStore
from cardkit.desired import BindEvent, Event, Plan, UnknownEvent
from cardkit.errors import ServiceDownError
from cardkit.perso import Verdict, personalize, plan, prepare
from cardkit.profile import load_profile, read_order
from cardkit.target import Card, open_card
from cardkit.transport.loopback import LoopbackConnection
from cardkit.virtual import VirtualCard
from tests.interop.link.slots import Readers

pytestmark = pytest.mark.interop

SERIAL = bytes.fromhex("5655310000000042")
COMMAND_LOST, ANSWER_LOST = "command lost", "answer lost"
BEFORE_BIND = 2  # commands
EVERY = 9


@dataclass(frozen=True)
class Job:
    keystore: KeyStore
    plan: Plan
    undisturbed: dict[str, bytes]


class KillsService:
    """A chip whose reader's service dies at its n-th command.

    :param lost: whether the chip still runs that command.
    """

    def __init__(self, chip: VirtualCard, readers: Readers, at: int, lost: str) -> None:
        self.sent = 0
        self._chip, self._readers, self._at, self._lost = chip, readers, at, lost

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
        self._readers.kill_service()
        return b""


def fresh() -> VirtualCard:
    return VirtualCard("usim", serial=SERIAL, seed=1)


@pytest.fixture(scope="module")
def job() -> Job:
    profile = load_profile("sim/usim-test")
    keystore = profile.test_keystore()
    record = read_order(profile, profile.path.parent / "order.csv", keystore).records[0]
    todo = plan(profile, record, prepare(profile, record, keystore, random.Random(1).randbytes), keystore)
    chip = fresh()
    assert personalize(todo, Card(LoopbackConnection(chip)), keystore).verdict is Verdict.GOOD
    return Job(keystore, todo, dict(chip.memory()))


def test_a_card_made_through_the_stack_is_the_card_made_in_process(job: Job, readers: Readers) -> None:
    chip = fresh()
    with open_card(readers.insert(chip).target) as card:
        assert personalize(job.plan, card, job.keystore).verdict is Verdict.GOOD
        card.confirm_presence()
    assert dict(chip.memory()) == job.undisturbed


@pytest.mark.parametrize("at", range(1, 108, EVERY))
def test_a_card_is_finished_byte_for_byte_after_the_service_died(job: Job, readers: Readers, at: int) -> None:
    chip, events = fresh(), list[Event]()
    killing = KillsService(chip, readers, at, (COMMAND_LOST, ANSWER_LOST)[at % 2])
    card = open_card(readers.insert(killing).target)
    with pytest.raises(ServiceDownError):
        personalize(job.plan, card, job.keystore, on_event=events.append)
    card.close()
    assert killing.sent == at
    bound = any(isinstance(event, BindEvent) for event in events)
    assert bound == (at > BEFORE_BIND)
    assert any(isinstance(event, UnknownEvent) for event in events) == bound
    readers.restart_service()
    with open_card(readers.insert(chip).target) as again:
        outcome = personalize(job.plan, again, job.keystore, resume=True)
    assert outcome.verdict is Verdict.GOOD
    assert dict(chip.memory()) == job.undisturbed

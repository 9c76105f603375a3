"""Cards that lie, break and vanish: every fault shows, and no card is called good that is not.

The judge is the card's memory, compared with that of the same chip personalized undisturbed; never its answers.
"""

from __future__ import annotations

import random
from dataclasses import dataclass
from itertools import count

import pytest

from cardkit.apps.uicc import dump
from cardkit.errors import TransportError
from cardkit.perso import Outcome, personalize, plan, prepare, verify
from cardkit.profile import load_profile, read_order
from cardkit.target import Card
from cardkit.transport.loopback import LoopbackConnection
from cardkit.virtual import VirtualCard
from cardkit.virtual.faults import Fault, catalogue

SERIAL = bytes.fromhex("5655310000000001")
SEEDS = range(6)
FAULTS = catalogue()

# Faults of the whole card; the others happen at one place of the run.
WHOLE_CARD = {"wrong-atr", "one-try-left", "wrong-res", "wrong-auts", "other-key", "sqn-far-ahead", "fcp-lies"}
# The run asks for no FCP (sim.md 20), so that one that lies shows only to those who read it.
NEVER_ASKED = {"fcp-lies"}
# After these the card holds something else than ordered although every command was answered well.
SILENT_DAMAGE = ("flipped-memory", "dropped-write", "other-key", "sqn-far-ahead")
MOST_PLACES = 400


@dataclass(frozen=True)
class Job:
    """One card to make, and what its memory must be afterwards."""

    plan: object
    keystore: object
    good_memory: dict[str, bytes]

    def run(self, card) -> Outcome:
        return personalize(self.plan, Card(LoopbackConnection(card)), self.keystore)

    def is_good(self, card) -> bool:
        return dict(card.memory()) == self.good_memory


def blank() -> VirtualCard:
    return VirtualCard("usim", serial=SERIAL, seed=1)


@pytest.fixture(scope="module")
def job() -> Job:
    profile = load_profile("sim/usim-test")
    keystore = profile.test_keystore()
    record = read_order(profile, profile.path.parent / "order.csv", keystore).records[0]
    todo = plan(profile, record, prepare(profile, record, keystore, random.Random(1).randbytes), keystore)
    card = blank()
    assert Job(todo, keystore, {}).run(card).verdict == "GOOD"
    return Job(todo, keystore, dict(card.memory()))


def reported_good(job: Job, card) -> bool:
    """Whether the run calls the card good; a failed link is an answer too, any other error is a failure."""
    try:
        return job.run(card).verdict == "GOOD"
    except TransportError:
        return False


def wrongly_good(job: Job, cards) -> list[str]:
    """Run each card; name those reported good that are not."""
    return [card.name for card in cards if reported_good(job, card.fault) and not job.is_good(card.fault)]


@dataclass(frozen=True)
class Named:
    name: str
    fault: Fault


def everywhere(job: Job, kind):
    """The fault at its first chance, at its second, and so on until the run has no more of them."""
    for place in count(1):
        card = Named(f"at {place}", kind(blank(), 0, at=place))
        yield card
        if not card.fault.fired:
            return
        assert place < MOST_PLACES, "the fault does not heed its place"


@pytest.mark.requirement("P7")
@pytest.mark.parametrize("name", sorted(set(FAULTS) - NEVER_ASKED))
def test_fault_shows_and_no_card_is_good_that_is_not(job, name):
    cards = [Named(f"seed {seed}", FAULTS[name](blank(), seed)) for seed in SEEDS]
    assert wrongly_good(job, cards) == []
    assert [card.name for card in cards if not card.fault.fired] == []


@pytest.mark.requirement("P7")
@pytest.mark.parametrize("name", sorted(set(FAULTS) - WHOLE_CARD - {"card-swapped"}))
def test_no_place_of_the_run_lets_a_fault_through(job, name):
    places = []
    cards = (places.append(card) or card for card in everywhere(job, FAULTS[name]))
    assert wrongly_good(job, cards) == []
    assert len(places) >= 3


class Watched:
    """Counts the commands, and those that came after the fault had shown."""

    def __init__(self, fault: Fault) -> None:
        self._fault = fault
        self.afterwards = 0

    def transmit(self, command: bytes) -> bytes:
        self.afterwards += self._fault.fired > 0
        return self._fault.transmit(command)

    def __getattr__(self, name: str):
        return getattr(self._fault, name)


def test_a_card_swapped_within_the_run_is_not_good(job):
    """Behind the last command nothing can notice it; before that everything must."""
    unnoticed = []
    for card in everywhere(job, FAULTS["card-swapped"]):
        watched = Watched(card.fault)
        if reported_good(job, watched) and not job.is_good(watched):
            unnoticed.append(watched.afterwards)
    assert unnoticed in ([], [0])


@pytest.mark.parametrize("name", SILENT_DAMAGE)
def test_control_the_judge_sees_silent_damage(job, name):
    """A client that believes status words would call these cards good: the judge must not be blind to them."""
    cards = [FAULTS[name](blank(), seed) for seed in SEEDS]
    for card in cards:
        reported_good(job, card)
    assert [card.fired > 0 for card in cards] == [True] * len(cards)
    assert [job.is_good(card) for card in cards] == [False] * len(cards)


def test_a_lying_fcp_changes_nothing_and_shows_in_a_dump(job):
    card = FAULTS["fcp-lies"](blank(), 0)
    assert job.run(card).verdict == "GOOD"
    assert job.is_good(card)
    assert not card.fired
    dump.walk(Card(LoopbackConnection(card)).channel)
    assert card.fired


@pytest.mark.requirement("P8")
@pytest.mark.parametrize("name", sorted(FAULTS))
def test_a_finished_card_that_turns_hostile_is_verified_without_a_crash(job, name):
    card = blank()
    assert job.run(card).verdict == "GOOD"
    fault = FAULTS[name](card, 0)
    try:
        verify(job.plan, Card(LoopbackConnection(fault)), job.keystore)
    except TransportError:
        assert fault.fired


class AnotherProduct:
    """A good card under the ATR of another maker: one historical byte that the chip model's mask compares."""

    def __init__(self) -> None:
        self._card = blank()

    def atr(self) -> bytes:
        atr = bytearray(self._card.atr())
        atr[12] ^= 0x01
        atr[-1] ^= 0x01
        return bytes(atr)

    def __getattr__(self, name: str):
        return getattr(self._card, name)


@pytest.mark.requirement("P6")
@pytest.mark.parametrize("card", [AnotherProduct(), VirtualCard("sim2g", seed=1)], ids=["ATR", "another image"])
def test_another_product_is_refused_and_stays_as_it_was(job, card):
    before = dict(card.memory())
    outcome = job.run(card)
    assert (outcome.verdict, outcome.reject.kind) == ("BAD", "card type")
    assert dict(card.memory()) == before

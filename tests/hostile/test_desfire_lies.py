"""DESFire cards that lie, while they are made and while they are verified: no lie passes for truth.

A run on a lying card ends with a verdict, within bounded commands, and a card called GOOD holds exactly what a good
card holds. What cannot be seen in one run is named.
"""

from __future__ import annotations

import copy
import os

import pytest

from cardkit.channel.native import Framing, NativeChannel
from cardkit.crypto.desfire import DesfireKey, KeyKind
from cardkit.errors import AuthenticationError, ProtocolError, SecureMessagingError, StatusError
from cardkit.perso import Verdict, personalize, verify
from cardkit.secure.desfire import Authentication
from cardkit.virtual import make_card
from cardkit.virtual.desfire.lies import desfire_lies
from tests.unit.desfire.conftest import AID, GENERATIONS, HOW, Job, client_of, inserted, told, uid_of

LIES = tuple(desfire_lies())
# The host's own random number keeps every session fresh.
UNSEEN = {"repeated-challenge"}
# Not of this generation: EV1 has no counter, EV2 has no CRC; and what wants a host without the key.
ELSEWHERE = {("ev1", "counter-ahead"), ("ev2", "wrong-crc"), ("ev1", "believes-anybody"), ("ev2", "believes-anybody")}
MOST_COMMANDS = 12_000


@pytest.fixture(scope="module")
def bench():
    """Jobs, and a finished card of each, by generation."""
    jobs = {generation: Job(generation) for generation in GENERATIONS}
    return {generation: (job, job.make()) for generation, job in jobs.items()}


class Counted:
    """A seam that counts commands."""

    def __init__(self, card):
        self._card, self.count = card, 0
        self.atr, self.power = card.atr, card.power

    def transmit(self, command):
        self.count += 1
        return self._card.transmit(command)


@pytest.mark.parametrize("at", [1, 2, 4, 9])
@pytest.mark.parametrize("name", LIES)
@pytest.mark.parametrize("generation", GENERATIONS)
def test_no_lie_makes_a_good_card_of_a_bad_one(bench, generation, name, at):
    job, good = bench[generation]
    chip = make_card(job.image, seed=1)
    lying = desfire_lies()[name](chip, 0, at=at)
    counted = Counted(lying)
    outcome = personalize(job.plan(), inserted(counted), job.keystore)

    assert counted.count < MOST_COMMANDS
    if outcome.verdict is Verdict.GOOD:
        assert dict(good.memory()) == dict(chip.memory())
    if lying.fired and name not in UNSEEN and at == 1:
        assert outcome.verdict is Verdict.BAD
    assert lying.fired or at > 1 or (generation, name) in ELSEWHERE


@pytest.mark.parametrize("name", LIES)
@pytest.mark.parametrize("generation", GENERATIONS)
def test_no_lie_passes_a_verification(bench, generation, name):
    job, good = bench[generation]
    lying = desfire_lies()[name](copy.deepcopy(good), 0, at=1)
    counted = Counted(lying)
    report = verify(job.plan(), inserted(counted), job.keystore)

    assert counted.count < MOST_COMMANDS
    unseen = name in UNSEEN or name == "executed-then-error" or (generation, name) in ELSEWHERE
    assert (report.verdict is Verdict.GOOD) == unseen
    assert bool(told(report.findings)) != unseen


@pytest.mark.parametrize("generation", GENERATIONS)
def test_a_card_that_believes_anybody_is_believed_by_nobody(bench, generation):
    good = bench[generation][1]
    lying = desfire_lies()["believes-anybody"](copy.deepcopy(good), 0, at=1)
    client = client_of(lying)
    client.select(AID)
    with pytest.raises(AuthenticationError):
        client.authenticate(HOW[generation], 0, DesfireKey(os.urandom(16), "wrong", KeyKind.AES), os.urandom)
    assert client.session is None


@pytest.mark.parametrize("generation", GENERATIONS)
def test_a_downgrade_is_never_taken(bench, generation):
    """A card that knows the oldest authentication only is not worked with by it."""
    job, good = bench[generation]
    card = copy.deepcopy(good)
    sent = []
    lying = desfire_lies()["legacy-only"](card, 0, at=1)
    client = client_of(lying)
    client.select(AID)
    original = lying.transmit
    lying.transmit = lambda command: sent.append(command[1]) or original(command)
    with pytest.raises(AuthenticationError):
        client.authenticate(HOW[generation], 0, job.key("master", uid_of(good)), os.urandom)
    assert 0x0A not in sent
    assert 0x1A not in sent


@pytest.mark.parametrize("generation", GENERATIONS)
def test_a_replayed_command_is_refused_by_the_card_and_ends_the_session(bench, generation):
    """The card's side of the counter and of the running IV, as the client sees it."""
    job, good = bench[generation]
    chip = copy.deepcopy(good)
    sent = []
    original = chip.transmit
    chip.transmit = lambda command: sent.append(command) or original(command)
    client = client_of(chip)
    client.select(AID)
    client.authenticate(HOW[generation], 0, job.key("master", uid_of(good)), os.urandom)
    client.write(2, 0, b"\x01")
    replayed = original(sent[-1])
    assert replayed == b"\x91\x1e"
    with pytest.raises((StatusError, SecureMessagingError, ProtocolError)):
        client.write(2, 0, b"\x02")


class Random:
    """A card that answers anything."""

    protocol, atr = 2, b"\x3b\x81\x80\x01\x80\x80"

    def __init__(self, seed):
        import random

        self._dice = random.Random(seed)

    def transmit(self, command):
        body = self._dice.randbytes(self._dice.choice((0, 1, 7, 8, 16, 17, 24, 32, 59)))
        return body + bytes((0x91, self._dice.choice((0x00, 0xAF, 0xAE, 0x90, 0xCA))))

    transmit_frame = transmit


@pytest.mark.parametrize("seed", range(40))
def test_a_card_of_random_answers_gets_no_session(seed):
    from cardkit.apps.desfire.client import DesfireClient
    from cardkit.channel import Channel

    client = DesfireClient(NativeChannel(Channel(Random(seed)), Framing.WRAPPED))
    key = DesfireKey(bytes(range(16)), "k", KeyKind.AES)
    for how in (Authentication.AES, Authentication.EV2, Authentication.LRP):
        with pytest.raises((AuthenticationError, ProtocolError, StatusError)):
            client.authenticate(how, 0, key, os.urandom)
        assert client.session is None

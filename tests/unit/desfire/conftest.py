"""City travel cards of the test profiles on virtual chips: real profiles, real orders, seeded random values."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

import pytest

from cardkit.apps.desfire.client import DesfireClient
from cardkit.channel.native import Framing, NativeChannel
from cardkit.crypto.desfire import DesfireKey
from cardkit.desired import Severity
from cardkit.perso import Verdict, personalize, plan, prepare
from cardkit.profile import load_profile, read_order
from cardkit.secure.desfire import Authentication
from cardkit.target import Card
from cardkit.transport.loopback import LoopbackConnection
from cardkit.virtual import make_card

FOLDER = Path(__file__).parents[3] / "profiles" / "transport"
GENERATIONS = ("ev1", "ev2")
HOW = {"ev1": Authentication.AES, "ev2": Authentication.EV2}
AID = bytes.fromhex("F21190")


def seeded(seed):
    """Return a source of repeatable bytes."""
    counter = iter(range(1 << 30))
    return lambda size: hashlib.shake_128(f"{seed} {next(counter)}".encode()).digest(size)


def told(findings):
    """Return what is wrong or doubtful: not that there are rules nobody can apply to any card."""
    return tuple(finding for finding in findings if finding.severity is not Severity.INFO)


class Job:
    """A profile with its keys and order."""

    def __init__(self, generation):
        self.generation = generation
        self.image = f"desfire-{generation}"
        self.profile = load_profile(FOLDER / f"desfire-{generation}-city")
        self.keystore = self.profile.test_keystore()
        order = read_order(self.profile, FOLDER / f"desfire-{generation}-city" / "order.csv", self.keystore)
        assert not order.quarantined
        self.records = order.records

    def plan(self, row=1):
        record = self.records[row - 1]
        prepared = prepare(self.profile, record, self.keystore, seeded("a"))
        return plan(self.profile, record, prepared, self.keystore)

    def make(self, seed=1):
        """Return a finished card."""
        chip = make_card(self.image, seed=seed)
        outcome = personalize(self.plan(), inserted(chip), self.keystore)
        assert (outcome.verdict, outcome.findings) == (Verdict.GOOD, ())
        return chip

    def key(self, name, uid):
        """Return a key of one card by its name in the profile."""
        product = self.plan().blueprint.product
        spec = next(key for key in product.all_keys() if key.name == name)
        with self.keystore.card_key(spec.card_key(uid)) as clear:
            return DesfireKey.of(clear, spec.version)


def inserted(chip):
    """Put a chip into a reader."""
    return Card(LoopbackConnection(chip))


def client_of(chip, framing=Framing.WRAPPED, frame=55):
    """Return a client of a chip."""
    return DesfireClient(NativeChannel(inserted(chip).channel, framing, frame))


def uid_of(chip):
    """Return what the reader tells."""
    return chip.transmit(bytes.fromhex("FFCA000000"))[:-2]


def opened(job, chip, name, number, aid=AID):
    """Return a client in a session with one of the card's own keys."""
    client = client_of(chip)
    client.select(aid)
    client.authenticate(HOW[job.generation], number, job.key(name, uid_of(chip)), os.urandom)
    if number:  # listing files takes the master key
        for file in job.plan().blueprint.product.apps[0].files:
            client.assume(file.number, file.settings)
    return client


@pytest.fixture(scope="session")
def jobs():
    return {generation: Job(generation) for generation in GENERATIONS}


@pytest.fixture(params=GENERATIONS)
def job(request, jobs):
    return jobs[request.param]


@pytest.fixture(scope="session")
def finished(jobs):
    """Finished cards by generation; copy before use."""
    return {generation: jobs[generation].make() for generation in GENERATIONS}

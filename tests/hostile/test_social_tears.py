"""The power is cut at every command of a social card's run: three applications, one card, ended the same each time."""

from __future__ import annotations

import os
import secrets

import pytest

from cardkit.errors import TransportError
from cardkit.perso import Verdict, personalize, plan, prepare, verify
from cardkit.profile import load_profile, read_order
from cardkit.target import Card
from cardkit.transport.loopback import LoopbackConnection
from cardkit.virtual import make_card

SEED = 7
EVERY = 1 if os.environ.get("CARDKIT_CHAOS") == "long" else 23
# Certificates are signed anew, transactions and sessions are counted: all else is the same.
COUNTED = ("identity/body/3F00/5015/34", "payment/app/F0434B49540101/atc", "payment/tries/")


class Cut:
    """A card whose power goes away at one command.  :param after: once it has run."""

    def __init__(self, card, at: int, *, after: bool) -> None:
        self.card, self.at, self.after, self.count = card, at, after, 0

    def atr(self) -> bytes:
        return self.card.atr()

    def power(self, cold: bool) -> None:
        self.card.power(cold)

    def transmit(self, command: bytes) -> bytes:
        self.count += 1
        if self.count < self.at:
            return self.card.transmit(command)
        if self.count == self.at and self.after:
            self.card.transmit(command)
        return b""


class Job:
    """The product and its first record."""

    def __init__(self) -> None:
        profile = load_profile("social/social-card")
        self.keystore = profile.test_keystore()
        record = read_order(profile, profile.path.parent / "order.csv", self.keystore).records[0]
        self.plan = plan(profile, record, prepare(profile, record, self.keystore, secrets.token_bytes), self.keystore)

    def run(self, seam, *, resume: bool):
        return personalize(self.plan, Card(LoopbackConnection(seam)), self.keystore, resume=resume)

    def report(self, chip):
        return verify(self.plan, Card(LoopbackConnection(chip)), self.keystore)


def held(chip) -> dict[str, bytes]:
    return {cell: body for cell, body in chip.memory().items() if not cell.startswith(COUNTED)}


@pytest.fixture(scope="module")
def job() -> Job:
    return Job()


@pytest.fixture(scope="module")
def whole(job):
    """Return how many commands a run takes, and what an undisturbed card holds."""
    meter = Cut(make_card("social", seed=SEED), 1 << 30, after=False)
    assert job.run(meter, resume=False).verdict is Verdict.GOOD
    return meter.count, held(meter.card)


@pytest.mark.parametrize("after", [False, True])
def test_whenever_the_power_goes_the_card_ends_the_same(job, whole, after):
    count, undisturbed = whole
    harmless = len(job.plan.blueprint.identify)
    for at in range(harmless + 1 + after, count + 1, EVERY):
        chip = make_card("social", seed=SEED)
        with pytest.raises(TransportError):
            job.run(Cut(chip, at, after=after), resume=False)
        outcome = job.run(chip, resume=True)
        assert outcome.verdict is Verdict.GOOD, (at, outcome.reject)
        assert held(chip) == undisturbed, at


def test_a_card_torn_again_and_again_is_finished(job, whole):
    """Cut at ever later commands of each attempt, until one gets through."""
    chip = make_card("social", seed=SEED)
    for at in range(30, 400, 41):
        try:
            outcome = job.run(Cut(chip, at, after=bool(at % 2)), resume=at > 30)
        except TransportError:
            continue
        break
    assert outcome.verdict is Verdict.GOOD
    assert held(chip) == whole[1]
    assert job.report(chip).verdict is Verdict.GOOD

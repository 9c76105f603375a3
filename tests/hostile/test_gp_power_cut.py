"""The power is cut at every command of a GlobalPlatform card's run, before it runs and before its answer arrives."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from pathlib import Path

import pytest

from cardkit.apps.gp.client import SecurityDomain
from cardkit.apps.gp.tags import StatusKind
from cardkit.errors import TransportError
from cardkit.perso import Verdict, personalize, plan, prepare
from cardkit.profile import load_profile, read_order
from cardkit.target import Card
from cardkit.transport.loopback import LoopbackConnection
from cardkit.virtual import make_card

PROFILES = Path(__file__).parents[2] / "profiles" / "gp"
HARMLESS = 3
"""Commands that say who the card is: a run that ends there has bound nothing."""


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
    """A product and its first record."""

    def __init__(self, name: str, image: str) -> None:
        profile = load_profile(PROFILES / name)
        self.image, self.keystore = image, profile.test_keystore()
        record = read_order(profile, PROFILES / name / "order.csv", self.keystore).records[0]
        prepared = prepare(profile, record, self.keystore, secrets.token_bytes)
        self.plan = plan(profile, record, prepared, self.keystore)

    def run(self, seam, *, resume: bool):
        return personalize(self.plan, Card(LoopbackConnection(seam)), self.keystore, resume=resume)

    def shown(self, chip) -> Iterator[str]:
        """Yield all a finished card tells but its counters."""
        product = self.plan.blueprint.product
        card = Card(LoopbackConnection(chip))
        domain = SecurityDomain.select(card.channel)
        yield from ((domain.find_data(tag) or b"").hex() for tag in (0x9F7F, 0xE0, 0x66, 0x42, 0x45, 0xFF21))
        domain.open(
            self.keystore, product.main.spec, product.level, host_challenge=bytes(16), parameters=product.parameters
        )
        for kind in (StatusKind.ISD, StatusKind.APPLICATIONS, StatusKind.MODULES):
            yield from sorted(entry.encode().hex() for entry in domain.status(kind))
        for aid in (item.aid for item in (*product.domains, *product.applications)):
            other = SecurityDomain.select(card.channel, aid)
            yield from ((other.find_data(tag) or b"").hex() for tag in (0xE0, 0x42, 0x45, 0x0101, 0x0102, 0x8001))


@pytest.mark.parametrize(("name", "image"), [("gp-test", "gp-scp03"), ("gp-test-scp02", "gp-scp02")])
def test_whenever_the_power_goes_the_card_ends_the_same(name, image):
    job = Job(name, image)
    meter = Cut(make_card(image, seed=1), 1 << 30, after=False)
    assert job.run(meter, resume=False).verdict is Verdict.GOOD
    whole = list(job.shown(meter.card))
    for at in range(HARMLESS + 1, meter.count + 1):
        for after in (False, True):
            chip = make_card(image, seed=1)
            with pytest.raises(TransportError):
                job.run(Cut(chip, at, after=after), resume=False)
            outcome = job.run(chip, resume=True)
            assert outcome.verdict is Verdict.GOOD, (at, after, outcome.reject)
            assert list(job.shown(chip)) == whole, (at, after)

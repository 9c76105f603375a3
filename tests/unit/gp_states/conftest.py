"""The GlobalPlatform test profiles on virtual cards: real profiles, real orders, seeded random values."""

from __future__ import annotations

import copy
import hashlib
import shutil
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

import pytest

from cardkit.crypto import MemoryKeyStore
from cardkit.desired import Plan
from cardkit.errors import TransportError
from cardkit.perso import Verdict, personalize, plan, prepare
from cardkit.profile import Profile, Record, load_profile, read_order
from cardkit.target import Card
from cardkit.transport.loopback import CardSeam, LoopbackConnection
from cardkit.virtual import make_card

PROFILES = Path(__file__).parents[3] / "profiles" / "gp"
IMAGES = {"gp-test": "gp-scp03", "gp-test-scp02": "gp-scp02"}

Spoil = Callable[[int, bytes, CardSeam], bytes]


def seeded(seed: str) -> Callable[[int], bytes]:
    """Return a source of repeatable bytes."""
    counter = iter(range(1 << 30))
    return lambda size: hashlib.shake_128(f"{seed} {next(counter)}".encode()).digest(size)


@dataclass(frozen=True)
class Job:
    """A profile with its keys and order, and the image of its chip."""

    profile: Profile
    keystore: MemoryKeyStore
    records: tuple[Record, ...]
    image: str

    def plan(self, number: int = 1, seed: str = "a") -> Plan:
        """Plan one row of the order."""
        record = self.records[number - 1]
        prepared = prepare(self.profile, record, self.keystore, seeded(seed))
        return plan(self.profile, record, prepared, self.keystore)


def make_job(folder: Path, image: str) -> Job:
    profile = load_profile(folder)
    keystore = profile.test_keystore()
    order = read_order(profile, folder / "order.csv", keystore)
    assert not order.quarantined
    return Job(profile, keystore, tuple(order.records), image)


@pytest.fixture(scope="session", params=list(IMAGES))
def job(request) -> Job:
    return make_job(PROFILES / request.param, IMAGES[request.param])


@pytest.fixture(scope="session")
def scp03() -> Job:
    return make_job(PROFILES / "gp-test", "gp-scp03")


@pytest.fixture(scope="session")
def scp02() -> Job:
    return make_job(PROFILES / "gp-test-scp02", "gp-scp02")


@pytest.fixture(scope="session")
def variant(tmp_path_factory) -> Callable[..., Job]:
    """Return a profile that is like one of the two but for some pieces: ``variant("gp-test", (old, new), ...)``.

    :param beside: further files of the profile, by name.
    """

    def make(name: str, *changes: tuple[str, str], beside: Mapping[str, bytes] = MappingProxyType({})) -> Job:
        folder = tmp_path_factory.mktemp("variant") / name
        shutil.copytree(PROFILES / name, folder)
        for file, content in beside.items():
            (folder / file).write_bytes(content)
        path = folder / "profile.toml"
        text = path.read_text(encoding="utf-8")
        for old, new in changes:
            assert text.count(old) == 1, f"{old!r} is there {text.count(old)} times"
            text = text.replace(old, new)
        path.write_text(text, encoding="utf-8")
        return make_job(folder, IMAGES[name])

    return make


class Tap:
    """A card seam that keeps every command and can be told to misbehave.

    :param spoil: gets number (from 1), command and the card; returns the answer.
    """

    def __init__(self, card: CardSeam, spoil: Spoil | None = None) -> None:
        self.card = card
        self.spoil = spoil
        self.sent: list[bytes] = []

    def atr(self) -> bytes:
        return self.card.atr()

    def power(self, cold: bool) -> None:
        self.card.power(cold)

    def transmit(self, command: bytes) -> bytes:
        self.sent.append(command)
        if self.spoil is not None:
            return self.spoil(len(self.sent), command, self.card)
        return self.card.transmit(command)


@pytest.fixture
def tap() -> Callable[..., tuple[Tap, Card]]:
    """Put a fresh virtual card behind a tap: ``tap(image, spoil, seed=1)`` -> (tap, card)."""

    def make(image: str, spoil: Spoil | None = None, *, seed: int = 1, chip=None) -> tuple[Tap, Card]:
        seam = Tap(chip or make_card(image, seed=seed), spoil)
        return seam, Card(LoopbackConnection(seam))

    return make


@pytest.fixture(scope="session")
def good_chip() -> Callable[[Job], CardSeam]:
    """Return a chip that was made by a profile: made once, then copied."""
    made: dict[bytes, CardSeam] = {}

    def chip(job: Job) -> CardSeam:
        if job.profile.sha256 not in made:
            fresh = make_card(job.image, seed=1)
            outcome = personalize(job.plan(), Card(LoopbackConnection(fresh)), job.keystore)
            assert outcome.verdict is Verdict.GOOD, outcome
            made[job.profile.sha256] = fresh
        return copy.deepcopy(made[job.profile.sha256])

    return chip


@pytest.fixture
def made(tap, good_chip) -> Callable[[Job], tuple[Tap, Card]]:
    """Put such a chip behind a tap."""
    return lambda job: tap(job.image, chip=good_chip(job))


@pytest.fixture
def torn(tap) -> Callable[..., CardSeam]:
    """Cut a run's power at a command, before the card gets it or before its answer arrives; return the chip."""

    def cut(job: Job, at: int, *, after: bool, seed: int = 1) -> CardSeam:
        def spoil(number: int, command: bytes, card: CardSeam) -> bytes:
            if number < at:
                return card.transmit(command)
            if number == at and after:
                card.transmit(command)
            return b""

        seam, card = tap(job.image, spoil, seed=seed)
        with pytest.raises(TransportError):
            personalize(job.plan(), card, job.keystore)
        return seam.card

    return cut


def shown(job: Job, chip: CardSeam) -> Iterator[str]:
    """Yield everything a finished card holds but its counters, as text."""
    from cardkit.apps.gp.client import SecurityDomain
    from cardkit.apps.gp.states.product import Product
    from cardkit.apps.gp.tags import StatusKind

    product: Product = job.plan().blueprint.product
    card = Card(LoopbackConnection(chip))
    domain = SecurityDomain.select(card.channel)
    yield from (f"{tag:04X} {(domain.find_data(tag) or b'').hex()}" for tag in (0x9F7F, 0xE0, 0x66, 0x42, 0x45, 0xFF21))
    domain.open(job.keystore, product.main.spec, product.level, host_challenge=bytes(16), parameters=product.parameters)
    for kind in (StatusKind.ISD, StatusKind.APPLICATIONS, StatusKind.MODULES):
        yield from sorted(entry.encode().hex() for entry in domain.status(kind))
    for aid in (item.aid for item in (*product.domains, *product.applications)):
        other = SecurityDomain.select(card.channel, aid)
        yield from (
            f"{tag:04X} {(other.find_data(tag) or b'').hex()}" for tag in (0xE0, 0x42, 0x45, 0x0101, 0x0102, 0x8001)
        )


@pytest.fixture
def image_of() -> Callable[[Job, CardSeam], list[str]]:
    return lambda job, chip: list(shown(job, chip))

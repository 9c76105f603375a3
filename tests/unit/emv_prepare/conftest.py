"""Payment profiles with keys made beforehand: real profiles, real orders, repeatable random values."""

from __future__ import annotations

import copy
import hashlib
import itertools
import json
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric import rsa

from cardkit.crypto import MemoryKeyStore
from cardkit.crypto.cardrsa import CardRsaKey, from_numbers
from cardkit.desired import Plan
from cardkit.errors import TransportError
from cardkit.perso import Prepared, Verdict, personalize, plan, prepare
from cardkit.profile import Profile, Record, load_profile, read_order
from cardkit.target import Card
from cardkit.transport.loopback import CardSeam, LoopbackConnection
from cardkit.virtual import make_card

PROFILES = Path(__file__).parents[3] / "profiles" / "payment"
KEYS = Path(__file__).parents[2] / "vectors" / "emv_test_keys.json"
IMAGE = "emv-cps"


def numbers_of(entry) -> rsa.RSAPrivateNumbers:
    p, q, e = int(entry["p"], 16), int(entry["q"], 16), entry["e"]
    d = rsa.rsa_recover_private_exponent(e, p, q)
    crt = (rsa.rsa_crt_dmp1(d, p), rsa.rsa_crt_dmq1(d, q), rsa.rsa_crt_iqmp(p, q))
    return rsa.RSAPrivateNumbers(p, q, d, *crt, rsa.RSAPublicNumbers(e, p * q))


def ready_keys(first: int = 0) -> Callable[[int, int], CardRsaKey]:
    """Return a source that gives the keys of the file in turn.

    :param first: how many of each kind are left out.
    """
    by_kind: dict[tuple[int, int], list[CardRsaKey]] = {}
    for entry in json.loads(KEYS.read_text())["keys"]:
        by_kind.setdefault((entry["bits"], entry["e"]), []).append(from_numbers(numbers_of(entry)))
    turns = {kind: itertools.islice(itertools.cycle(keys), first, None) for kind, keys in by_kind.items()}
    return lambda bits, exponent: next(turns[bits, exponent])


def seeded(seed: str) -> Callable[[int], bytes]:
    """Return a source of repeatable bytes."""
    counter = itertools.count()
    return lambda size: hashlib.shake_128(f"{seed} {next(counter)}".encode()).digest(size)


@dataclass(frozen=True, repr=False)
class Job:
    """A profile with its keys and order."""

    profile: Profile
    keystore: MemoryKeyStore
    records: tuple[Record, ...]

    def prepared(self, number: int = 1) -> Prepared:
        self.keystore.card_rsa_source = ready_keys(number - 1)
        return prepare(self.profile, self.records[number - 1], self.keystore, seeded(f"card {number}"))

    def plan(self, number: int = 1, prepared: Prepared | None = None) -> Plan:
        values = self.prepared(number) if prepared is None else prepared
        return plan(self.profile, self.records[number - 1], values, self.keystore)


def make_job(folder: Path) -> Job:
    profile = load_profile(folder)
    keystore = profile.test_keystore()
    order = read_order(profile, folder / "order.csv", keystore)
    assert not order.quarantined
    return Job(profile, keystore, tuple(order.records))


@pytest.fixture(scope="session", params=["emv-contact-cda", "emv-dual-fdda", "domestic-template"])
def job(request) -> Job:
    return make_job(PROFILES / request.param)


@pytest.fixture(scope="session")
def contact() -> Job:
    return make_job(PROFILES / "emv-contact-cda")


@pytest.fixture(scope="session")
def dual() -> Job:
    return make_job(PROFILES / "emv-dual-fdda")


@pytest.fixture
def variant(tmp_path_factory) -> Callable[..., Job]:
    """Return a profile like one of ours but for some pieces: ``variant("emv-contact-cda", (old, new), ...)``.

    :param chip: a piece of its chip file, and what stands there instead.
    """

    def make(name: str, *changes: tuple[str, str], file: str = "profile.toml", chip: tuple[str, str] = ("", "")) -> Job:
        folder = tmp_path_factory.mktemp("variant") / name
        shutil.copytree(PROFILES / name, folder)
        (folder / "chips").mkdir()
        model = (PROFILES.parent / "chips" / "virtual-emv.toml").read_text(encoding="utf-8")
        (folder / "chips" / "virtual-emv.toml").write_text(model.replace(*chip, 1))
        path = folder / file
        text = path.read_text(encoding="utf-8")
        for old, new in changes:
            assert text.count(old) == 1, f"{old!r} is there {text.count(old)} times"
            text = text.replace(old, new)
        path.write_text(text, encoding="utf-8")
        return make_job(folder)

    return make


class Tap:
    """A card seam that keeps every command, and tears the card away at one of them."""

    def __init__(self, card: CardSeam, at: int = 0, *, after: bool = False) -> None:
        self.card = card
        self.at = at
        self.after = after
        self.sent: list[bytes] = []

    def atr(self) -> bytes:
        return self.card.atr()

    def power(self, cold: bool) -> None:
        self.card.power(cold)

    def transmit(self, command: bytes) -> bytes:
        self.sent.append(command)
        if self.at and len(self.sent) >= self.at:
            if self.after and len(self.sent) == self.at:
                self.card.transmit(command)
            return b""
        return self.card.transmit(command)


@pytest.fixture
def tap() -> Callable[..., tuple[Tap, Card]]:
    """Put a virtual card behind a tap: a fresh one, unless another is given."""

    def make(chip: CardSeam | None = None, at: int = 0, *, after: bool = False) -> tuple[Tap, Card]:
        seam = Tap(chip or make_card(IMAGE, seed=1), at, after=after)
        return seam, Card(LoopbackConnection(seam))

    return make


@pytest.fixture
def torn(tap) -> Callable[..., CardSeam]:
    """Cut a run's power at a command, before the card gets it or before its answer arrives; return the chip."""

    def cut(todo: Plan, keystore: MemoryKeyStore, at: int, *, after: bool) -> CardSeam:
        seam, card = tap(at=at, after=after)
        with pytest.raises(TransportError):
            personalize(todo, card, keystore)
        return seam.card

    return cut


@pytest.fixture(scope="session")
def good_chip() -> Callable[[Job], CardSeam]:
    """Return a chip that was made by a profile: made once, then copied."""
    made: dict[bytes, CardSeam] = {}

    def chip(job: Job) -> CardSeam:
        if job.profile.sha256 not in made:
            fresh = make_card(IMAGE, seed=1)
            outcome = personalize(job.plan(), Card(LoopbackConnection(fresh)), job.keystore)
            assert outcome.verdict is Verdict.GOOD, outcome
            made[job.profile.sha256] = fresh
        return copy.deepcopy(made[job.profile.sha256])

    return chip

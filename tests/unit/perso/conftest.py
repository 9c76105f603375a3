"""The test USIM on virtual cards: real profile, real order, seeded random values."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from cardkit.crypto import MemoryKeyStore
from cardkit.desired import Plan
from cardkit.perso import plan, prepare
from cardkit.profile import Profile, Record, load_profile, read_order
from cardkit.target import Card
from cardkit.transport.loopback import CardSeam, LoopbackConnection
from cardkit.virtual import VirtualCard

USIM_TEST = Path(__file__).parents[3] / "profiles" / "sim" / "usim-test"


def seeded(seed: str) -> Callable[[int], bytes]:
    """Return a source of repeatable bytes."""
    counter = iter(range(1 << 30))
    return lambda size: hashlib.shake_128(f"{seed} {next(counter)}".encode()).digest(size)


@dataclass(frozen=True)
class Job:
    """A profile with its keys and order."""

    profile: Profile
    keystore: MemoryKeyStore
    records: tuple[Record, ...]

    def plan(self, number: int = 1, seed: str = "a") -> Plan:
        """Plan one row of the order."""
        record = self.records[number - 1]
        prepared = prepare(self.profile, record, self.keystore, seeded(seed))
        return plan(self.profile, record, prepared, self.keystore)


@pytest.fixture(scope="session")
def job() -> Job:
    profile = load_profile(USIM_TEST)
    keystore = profile.test_keystore()
    order = read_order(profile, USIM_TEST / "order.csv", keystore)
    assert not order.quarantined
    return Job(profile, keystore, tuple(order.records))


class Tap:
    """A card seam that keeps every command and can be told to misbehave.

    :param spoil: gets number (from 1), command and the way on; returns the answer.
    """

    def __init__(self, card: VirtualCard, spoil: Callable[[int, bytes, CardSeam], bytes] | None = None) -> None:
        self.card = card
        self.spoil = spoil
        self.sent: list[bytes] = []
        self.resets = 0

    def atr(self) -> bytes:
        return self.card.atr()

    def power(self, cold: bool) -> None:
        self.resets += 1
        self.card.power(cold)

    def transmit(self, command: bytes) -> bytes:
        self.sent.append(command)
        if self.spoil is not None:
            return self.spoil(len(self.sent), command, self.card)
        return self.card.transmit(command)


@pytest.fixture
def tap() -> Callable[..., tuple[Tap, Card]]:
    """Put a fresh virtual card behind a tap: ``tap(spoil, seed=1)`` -> (tap, card)."""

    def make(
        spoil: Callable[[int, bytes, CardSeam], bytes] | None = None, *, seed: int = 1, chip: VirtualCard | None = None
    ) -> tuple[Tap, Card]:
        seam = Tap(chip or VirtualCard("usim", seed=seed), spoil)
        return seam, Card(LoopbackConnection(seam))

    return make

"""Whole applications on virtual cards: real profiles, real orders, seeded random values."""

from __future__ import annotations

import dataclasses
import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import msgspec
import pytest

from cardkit.crypto import MemoryKeyStore
from cardkit.desired import Plan
from cardkit.perso import Outcome, personalize, plan, prepare
from cardkit.profile import Profile, Record, load_profile, read_order
from cardkit.target import Card
from cardkit.transport.loopback import LoopbackConnection
from cardkit.virtual import VirtualCard

Spoil = Callable[[bytes, bytes], bytes]
"""Gets a command and its answer, returns the answer that is told."""


class Tap:
    """A card that keeps what it is sent and may be told to lie."""

    def __init__(self, card: VirtualCard, spoil: Spoil | None) -> None:
        self.card = card
        self.sent: list[bytes] = []
        self._spoil = spoil

    def atr(self) -> bytes:
        return self.card.atr()

    def power(self, cold: bool) -> None:
        self.card.power(cold)

    def transmit(self, command: bytes) -> bytes:
        self.sent.append(command)
        answer = self.card.transmit(command)
        return answer if self._spoil is None else self._spoil(command, answer)


@dataclass(frozen=True)
class Job:
    """A profile with its keys, its order, and the image of its chip."""

    profile: Profile
    keystore: MemoryKeyStore
    records: tuple[Record, ...]
    image: str

    def plan(self, number: int = 1) -> Plan:
        counter = iter(range(1 << 20))
        rng = lambda size: hashlib.shake_128(f"{next(counter)}".encode()).digest(size)  # noqa: E731
        record = self.records[number - 1]
        return plan(self.profile, record, prepare(self.profile, record, self.keystore, rng), self.keystore)

    def changed(self, **changes: Any) -> Job:
        """Return the job of a product whose ``[uicc]`` says something else."""
        block = msgspec.structs.replace(self.profile.blocks["uicc"], **changes)
        digest = hashlib.sha256(repr(block).encode()).digest()
        return dataclasses.replace(
            self, profile=dataclasses.replace(self.profile, blocks={"uicc": block}, sha256=digest)
        )

    def with_files(self, files: Mapping[str, Mapping[str, Any] | None]) -> Job:
        """Return the job of a product with other contents; None takes one away."""
        contents = {**self.profile.blocks["uicc"].files, **files}
        return self.changed(files={name: value for name, value in contents.items() if value is not None})

    def make(self, spoil: Spoil | None = None) -> tuple[Outcome, Tap]:
        """Personalize a fresh card."""
        tap = Tap(VirtualCard(self.image, seed=1), spoil)
        return personalize(self.plan(), Card(LoopbackConnection(tap)), self.keystore), tap


def job_of(name: str, image: str) -> Job:
    profile = load_profile(name)
    keystore = profile.test_keystore()
    order = read_order(profile, profile.path.parent / "order.csv", keystore)
    assert not order.quarantined
    return Job(profile, keystore, tuple(order.records), image)


@pytest.fixture(scope="session")
def five_g() -> Job:
    return job_of("sim/usim-isim-5g-test", "usim-isim-5g")


@pytest.fixture(scope="session")
def bare() -> Job:
    return job_of("sim/bare-build-test", "uicc-bare")

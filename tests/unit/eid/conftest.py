"""The PIV card of the test profile on virtual chips: real profile, real order, seeded random values."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from cardkit.perso import plan, prepare
from cardkit.profile import load_profile, read_order
from cardkit.target import Card
from cardkit.transport.loopback import LoopbackConnection

PROFILE = Path(__file__).parents[3] / "profiles" / "id" / "piv-test"
IMAGE = "piv"


def seeded(seed):
    """Return a source of repeatable bytes."""
    counter = iter(range(1 << 30))
    return lambda size: hashlib.shake_128(f"{seed} {next(counter)}".encode()).digest(size)


class Job:
    """A profile with its keys and order."""

    def __init__(self):
        self.profile = load_profile(PROFILE)
        self.keystore = self.profile.test_keystore()
        order = read_order(self.profile, PROFILE / "order.csv", self.keystore)
        assert not order.quarantined
        self.records = order.records

    def plan(self, row=1, seed="a"):
        record = self.records[row - 1]
        return plan(self.profile, record, prepare(self.profile, record, self.keystore, seeded(seed)), self.keystore)


def inserted(chip):
    """Put a chip into a reader."""
    return Card(LoopbackConnection(chip))


@pytest.fixture(scope="session")
def job():
    return Job()

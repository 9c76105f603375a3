"""The PKCS#15 card of the test profile on virtual chips: real profile, real order, one prepared card."""

from __future__ import annotations

from pathlib import Path

from cardkit.crypto import MemoryKeyStore
from cardkit.perso import plan, prepare
from cardkit.profile import load_profile, read_order
from tests.unit.eid.conftest import seeded

PROFILE = Path(__file__).parents[3] / "profiles" / "id" / "pkcs15-test"
IMAGE = "pkcs15"


class Job:
    """A profile with its keys and order; what was prepared for a row is kept, for an RSA key takes long."""

    def __init__(self, path=PROFILE):
        self.profile = load_profile(path)
        self.keystore: MemoryKeyStore = self.profile.test_keystore()
        order = read_order(self.profile, PROFILE / "order.csv", self.keystore)
        assert not order.quarantined
        self.records = order.records
        self._prepared = {}

    def prepared(self, row=1):
        if row not in self._prepared:
            rng = seeded(f"row {row}")
            self._prepared[row] = prepare(self.profile, self.records[row - 1], self.keystore, rng)
        return self._prepared[row]

    def plan(self, row=1):
        return plan(self.profile, self.records[row - 1], self.prepared(row), self.keystore)

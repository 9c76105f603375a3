"""The PKCS#15 card of the test profile on virtual chips: real profile, real order, one prepared card."""

from __future__ import annotations

from pathlib import Path

from cardkit.apps.eid.pkcs15 import commands
from cardkit.apps.eid.pkcs15.client import Pkcs15Client
from cardkit.apps.eid.pkcs15.product import DF_PATH
from cardkit.crypto import MemoryKeyStore
from cardkit.perso import plan, prepare, verify
from cardkit.profile import load_profile, read_order
from tests.unit.eid.conftest import inserted, seeded

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


APPLET = bytes.fromhex("F276A288BCFBA69D34F31001")


def opened(chip, pin=None):
    """Return the card's client, its application selected, the PIN presented where one is given."""
    client = Pkcs15Client(inserted(chip).channel)
    client.enter(APPLET)
    if pin is not None:
        client.send(commands.verify(pin), "VERIFY")
    return client


def read(client, fid):
    return client.read(client.select(DF_PATH + fid.to_bytes(2, "big")).size)


def found(job, chip):
    report = verify(job.plan(), inserted(chip), job.keystore)
    return {(finding.rule, finding.where) for finding in report.findings}


class Changed:
    """A finished chip that answers some commands otherwise.

    :param answering: gets command and answer, returns what is answered in its place.
    """

    def __init__(self, chip, answering):
        self._chip, self._answering = chip, answering
        self.atr, self.power = chip.atr, chip.power
        self.history = []

    def transmit(self, command):
        self.history.append(command)
        return self._answering(self, command, self._chip.transmit(command))


def selected(self, fid):
    """Whether the last selection before this command was of a file."""
    before = [command for command in self.history if command[1] == 0xA4]
    return bool(before) and bytes.fromhex(fid) in before[-1]

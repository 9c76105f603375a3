"""The passport of the test profile on virtual chips: real profile, real order, seeded random values."""

from __future__ import annotations

import dataclasses
import hashlib
from pathlib import Path

import pytest

from cardkit.apps.emrtd.app import EmrtdBlueprint
from cardkit.apps.emrtd.driver import contents_of
from cardkit.apps.emrtd.states.plan import plan_document
from cardkit.perso import plan, prepare
from cardkit.profile import load_profile, read_order
from cardkit.target import Card
from cardkit.transport.loopback import LoopbackConnection

PROFILES = Path(__file__).parents[3] / "profiles" / "id"
PROFILE = PROFILES / "emrtd-td3"
IMAGE = "emrtd-native"
IMAGES = {
    "emrtd-td3": IMAGE,
    "emrtd-td3-eac": IMAGE,
    "residence-permit-td1": "emrtd-applet",
    "emrtd-td3-2006": "emrtd-2006",
}


def seeded(seed):
    """Return a source of repeatable bytes."""
    counter = iter(range(1 << 30))
    return lambda size: hashlib.shake_128(f"{seed} {next(counter)}".encode()).digest(size)


class Job:
    """A profile with its keys and order."""

    def __init__(self, folder=PROFILE):
        self.image = IMAGES[folder.name]
        self.profile = load_profile(folder)
        self.keystore = self.profile.test_keystore()
        order = read_order(self.profile, folder / "order.csv", self.keystore)
        assert not order.quarantined
        self.records = order.records
        self._plans = {}

    def prepared(self, row=1, seed="a"):
        return prepare(self.profile, self.records[row - 1], self.keystore, seeded(seed))

    def plan(self, row=1):
        """Return the plan of a row, always the same: signatures are random."""
        if row not in self._plans:
            self._plans[row] = plan(self.profile, self.records[row - 1], self.prepared(row), self.keystore)
        return self._plans[row]

    def document(self, row=1):
        return document_in(self.plan(row))


def document_in(todo):
    return todo.blueprint._made().document


def with_document(todo, document):
    """Return a plan that has another document in it than the one that was prepared."""
    blueprint = todo.blueprint
    made = plan_document(blueprint.product, document)
    changed = EmrtdBlueprint(blueprint.product, blueprint._template, made)
    contents = contents_of(blueprint.product.driver, document)
    return dataclasses.replace(todo, blueprint=changed, contents=contents, states=made.states)


def inserted(chip):
    """Put a chip into a reader."""
    return Card(LoopbackConnection(chip))


@pytest.fixture(scope="session")
def job():
    return Job()


@pytest.fixture(scope="session", params=IMAGES)
def each(request):
    """Every product, one after the other."""
    return Job(PROFILES / request.param)


class Told:
    """A chip that notes what it is told.  :ivar sent: commands, in order."""

    def __init__(self, chip):
        self._chip = chip
        self.sent = []

    def atr(self):
        return self._chip.atr()

    def power(self, cold):
        self._chip.power(cold)

    def transmit(self, command):
        self.sent.append(command)
        return self._chip.transmit(command)

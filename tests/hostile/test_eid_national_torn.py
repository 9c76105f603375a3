"""The power is cut while a national identity card is made: two applications, one chip, finished the same each time."""

from __future__ import annotations

import os

import pytest

from cardkit.perso import Verdict, personalize, verify
from cardkit.virtual import make_card
from tests.hostile.tearing import ANSWER_LOST, LOSSES, Job, inserted

PRODUCT, IMAGE = "id/national-id-td1", "national-id"
EVERY = 1 if os.environ.get("CARDKIT_CHAOS") == "long" else 53
COUNTED = ("tries/", "transport")
"""Parts of the names of cells that every attempt adds to."""
MADE_THERE = ("identity/key/", "3F00/5015/33", "3F00/5015/34")
"""In the names of keys, public halves and certificates: after a lost answer the chip makes another pair."""


@pytest.fixture(scope="module")
def job():
    return Job.of(PRODUCT, lambda: make_card(IMAGE, seed=1))


@pytest.fixture(scope="module")
def count(job):
    """Return how many commands a run takes."""
    chip = job.fresh()
    _, sent = job.tear(chip, 1 << 30, ANSWER_LOST)
    assert sent == 0
    meter = Meter(job.fresh())
    assert personalize(job.plan, inserted(meter), job.keystore).verdict is Verdict.GOOD
    return meter.sent


class Meter:
    """A chip whose commands are counted."""

    def __init__(self, chip):
        self._chip = chip
        self.sent = 0

    def atr(self):
        return self._chip.atr()

    def power(self, cold):
        self._chip.power(cold)

    def transmit(self, command):
        self.sent += 1
        return self._chip.transmit(command)


def held(memory):
    """Return what is on a chip: all of it but counts; of what it makes itself, that it is there."""
    return {
        name: b"" if any(part in name for part in MADE_THERE) else body
        for name, body in memory.items()
        if not any(part in name for part in COUNTED)
    }


@pytest.mark.parametrize("lost", LOSSES)
def test_torn_anywhere_it_is_finished_as_the_same_card(job, count, lost):
    first = len(job.plan.blueprint.identify) + 1
    for at in sorted({*range(first, count + 1, EVERY), count}):
        chip = job.fresh()
        _, sent = job.tear(chip, at, lost)
        assert sent == at
        outcome = personalize(job.plan, inserted(chip), job.keystore, resume=True)
        assert outcome.verdict is Verdict.GOOD, (at, outcome.reject)
        assert held(chip.memory()) == held(job.undisturbed), at


def test_torn_again_and_again_it_is_finished(job):
    for seed in range(3):
        chip = job.fresh()
        job.tear_often(chip, seed)
        assert personalize(job.plan, inserted(chip), job.keystore, resume=True).verdict is Verdict.GOOD
        assert verify(job.plan, inserted(chip), job.keystore).verdict is Verdict.GOOD

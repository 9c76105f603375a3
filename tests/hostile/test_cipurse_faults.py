"""CIPURSE cards that break: whatever goes wrong at any place, no card is called good that is not, and none is lost.

The judge is the card's memory, compared with that of the same chip made undisturbed.
"""

from __future__ import annotations

import pytest

from cardkit.errors import TransportError
from cardkit.perso import Verdict, personalize
from cardkit.virtual import make_card
from cardkit.virtual.faults import catalogue
from tests.hostile.tearing import Job, inserted

# Faults that any card can have; the others are of files and counters of SIM cards.
FAULTS = (
    "61-without-data", "6c-loop", "card-swapped", "dropped-write", "endless-61", "flipped-answer", "flipped-memory",
    "mute", "one-byte-answer", "oversized-answer", "tear-after", "tear-before", "truncated-answer", "write-error",
)  # fmt: skip
# What they leave in the memory is damage of its own: no run can put it right.
DAMAGE = {"dropped-write", "flipped-memory", "write-error"}
PLACES = range(1, 92, 7)


@pytest.fixture(scope="module")
def job():
    return Job.of("transport/cipurse-transit", lambda: make_card("cipurse", seed=1))


def held(memory):
    """Return cells that hold anything: one that was never written reads as zeros."""
    return {name: cell for name, cell in memory.items() if any(cell)}


def test_a_card_of_another_kind_is_not_begun(job):
    chip = make_card("cipurse", seed=1)
    blank = dict(chip.memory())
    outcome = personalize(job.plan, inserted(catalogue()["wrong-atr"](chip, 1)), job.keystore)
    assert (outcome.verdict, outcome.reject.code, dict(chip.memory()) == blank) == (Verdict.BAD, "CARD_TYPE", True)


@pytest.mark.parametrize("name", FAULTS)
def test_no_broken_card_is_good_and_none_is_lost(job, name, tmp_path):
    wrong, lost = [], []
    for at in PLACES:
        store = tmp_path / f"{at}"
        chip = make_card("cipurse", seed=1, store=store)
        try:
            good = personalize(job.plan, inserted(catalogue()[name](chip, at, at=at)), job.keystore).verdict
        except TransportError:
            good = Verdict.BAD
        if good is Verdict.GOOD and held(chip.memory()) != held(job.undisturbed):
            wrong.append(at)
        again = make_card("cipurse", seed=1, store=store)
        outcome = personalize(job.plan, inserted(again), job.keystore, resume=True)
        if outcome.verdict is Verdict.GOOD and held(again.memory()) != held(job.undisturbed):
            wrong.append(at)
        if outcome.verdict is not Verdict.GOOD:
            lost.append(at)
    assert wrong == []
    assert lost == [] or name in DAMAGE

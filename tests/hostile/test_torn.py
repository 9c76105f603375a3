"""A card torn while it is made, before and after the chip took a command: always finished, the same card.

In CI a big product is torn after every n-th command, with CARDKIT_CHAOS=long after each. The USIM has its own file,
test_tear.py, and payment cards and GlobalPlatform domains have theirs, judged by what they tell.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass

import pytest

from cardkit.desired import Part
from cardkit.perso import MarkerState, Verdict, identify, personalize, verify
from cardkit.virtual import make_card
from tests.hostile.tearing import LOSSES, Job, inserted

LONG = os.environ.get("CARDKIT_CHAOS") == "long"


@dataclass(frozen=True)
class Product:
    """A product, its blank, and what of two good cards' memories is not the same; parts of the names of cells.

    :param every: number of commands from one cut to the next, of those that write and seal.
    :param looks: the same, of those that only look.  :param counted: cells every attempt adds to.
    :param made_there: keys, certificates and random numbers; after a lost answer the chip makes others.
    :param told: what a finished card says it is; None of a document, which tells nobody.
    :param rounds: how many cards are torn again and again.
    """

    profile: str
    image: str
    every: int = 1
    looks: int = 1
    counted: tuple[str, ...] = ()
    made_there: tuple[str, ...] = ()
    told: MarkerState | None = MarkerState.FINAL
    rounds: int = 8

    def __str__(self) -> str:
        return self.profile.rpartition("/")[2]

    def held(self, memory: Mapping[str, bytes]) -> dict[str, bytes]:
        """Return what is on a chip but counts; of what it made itself, that it is there."""
        return {
            name: b"" if any(part in name for part in self.made_there) else body
            for name, body in memory.items()
            if not any(part in name for part in self.counted)
        }


FACTORY_SESSIONS = ("transport", "tries/")
TRANSACTIONS = ("payment/tries/", "payment/app/F0434B49540101/atc")
ISSUED = ("identity/body/3F00/5015/34",)
KEY_PAIRS = ("identity/key/", "3F00/5015/33", "3F00/5015/34")
DOCUMENTS = (
    ("emrtd-td3", "emrtd-native", None),
    ("emrtd-td3-eac", "emrtd-native", None),
    ("residence-permit-td1", "emrtd-applet", MarkerState.FINAL),
    ("emrtd-td3-2006", "emrtd-2006", None),
)
PRODUCTS = (
    Product("transport/cipurse-transit", "cipurse"),
    Product("transport/desfire-ev1-city", "desfire-ev1"),
    Product("transport/desfire-ev2-city", "desfire-ev2"),
    Product("transport/ntag424-sun", "ntag424", counted=("counter/",)),
    Product("id/piv-test", "piv", made_there=("",)),
    Product("id/pkcs15-test", "pkcs15", looks=5, made_there=("",)),
    *(Product(f"id/{name}", image, 11, 11, FACTORY_SESSIONS, told=told, rounds=3) for name, image, told in DOCUMENTS),
    Product("id/national-id-td1", "national-id", 53, 53, FACTORY_SESSIONS, KEY_PAIRS, rounds=3),
    Product("social/social-card", "social", 23, 23, TRANSACTIONS, ISSUED, MarkerState.BEGUN, 3),
)


@dataclass(frozen=True)
class Torn(Job):
    """A job that is cut and finished."""

    product: Product

    def places(self) -> list[int]:
        """Return at which commands it is cut: every n-th, those that seal the card, and the last."""
        if LONG:
            return list(range(1, self.count + 1))
        sizes = {part: len(steps) for part, steps in self.plan.blueprint.parts.items()}
        written = sizes[Part.FENCE] + sizes[Part.WRITE]
        checked = written + sizes[Part.CHECK]
        sealed = checked + sizes[Part.SEAL]
        every, looks = self.product.every, self.product.looks
        working = {*range(1, written + 1, every), *range(checked + 1, sealed + 1, every), sealed - 1, sealed}
        looking = {*range(written + 1, checked + 1, looks), *range(sealed + 1, self.count + 1, looks), self.count}
        return sorted(working | looking)

    def finish(self, chip) -> None:
        """Put the chip in again and finish it; it must be the card that nobody cut."""
        outcome = personalize(self.plan, inserted(chip), self.keystore, resume=True)
        assert (outcome.verdict, outcome.reject) == (Verdict.GOOD, None)
        assert [found for found in outcome.findings if not found.not_checked] == []
        assert self.product.held(chip.memory()) == self.product.held(self.undisturbed)


@pytest.fixture(scope="module", params=PRODUCTS, ids=str)
def torn(request: pytest.FixtureRequest) -> Torn:
    product = request.param
    job = Job.of(product.profile, lambda: make_card(product.image, seed=1))
    return Torn(**vars(job), product=product)


@pytest.mark.parametrize("lost", LOSSES)
def test_torn_anywhere_it_is_finished_as_the_same_card(torn: Torn, lost: str) -> None:
    assert torn.count >= len(torn.plan.steps)
    for at in torn.places():
        chip = torn.fresh()
        _, sent = torn.tear(chip, at, lost)
        assert sent == at
        try:
            torn.finish(chip)
        except AssertionError as error:
            raise AssertionError(f"cut at command {at} of {torn.count}") from error


def test_torn_again_and_again_it_is_finished(torn: Torn) -> None:
    for seed in range(torn.product.rounds):
        chip = torn.fresh()
        torn.tear_often(chip, seed)
        torn.finish(chip)
        if torn.product.told is not None:
            assert identify(torn.profile, inserted(chip)).state is torn.product.told
        assert verify(torn.plan, inserted(chip), torn.keystore).verdict is Verdict.GOOD

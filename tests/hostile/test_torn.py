"""A card torn while it is made, before and after the chip took a command: always finished, the same card.

In CI a big product is torn after every n-th command, with CARDKIT_CHAOS=long after each. The USIM has its own file,
test_tear.py, and payment cards and GlobalPlatform domains have theirs, judged by what they tell.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import pytest

from cardkit.desired import Part
from cardkit.perso import Verdict, personalize, verify
from cardkit.virtual import make_card
from tests.hostile.tearing import LONG, LOSSES, Job, inserted


@dataclass(frozen=True)
class Product:
    """A product, its blank, and what of two good cards' memories is not the same; parts of the names of cells.

    :param every: number of commands from one cut to the next.  :param counted: cells every attempt adds to.
    :param made_there: keys, certificates and random numbers; after a lost answer the chip makes others.
    """

    profile: str
    image: str
    every: int = 1
    counted: tuple[str, ...] = ()
    made_there: tuple[str, ...] = ()

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
KEY_PAIRS = ("identity/key/", "3F00/5015/33", "3F00/5015/34")
PRODUCTS = (
    Product("transport/cipurse-transit", "cipurse"),
    Product("transport/desfire-ev1-city", "desfire-ev1"),
    Product("transport/desfire-ev2-city", "desfire-ev2"),
    Product("transport/ntag424-sun", "ntag424", counted=("counter/",)),
    Product("id/piv-test", "piv", 1, made_there=("",)),
    Product("id/pkcs15-test", "pkcs15", 7, made_there=("",)),
    Product("id/emrtd-td3", "emrtd-native", 11, FACTORY_SESSIONS),
    Product("id/emrtd-td3-eac", "emrtd-native", 11, FACTORY_SESSIONS),
    Product("id/residence-permit-td1", "emrtd-applet", 11, FACTORY_SESSIONS),
    Product("id/emrtd-td3-2006", "emrtd-2006", 11, FACTORY_SESSIONS),
    Product("id/national-id-td1", "national-id", 53, FACTORY_SESSIONS, KEY_PAIRS),
    Product("social/social-card", "social", 41, TRANSACTIONS, ("identity/body/3F00/5015/34",)),
)


@dataclass(frozen=True)
class Torn(Job):
    """A job that is cut and finished."""

    product: Product

    def places(self) -> list[int]:
        """Return at which commands it is cut: every n-th, the one that seals the card, and the last."""
        parts = self.plan.blueprint.parts
        sealed = sum(len(parts[part]) for part in (Part.FENCE, Part.WRITE, Part.CHECK, Part.SEAL))
        return sorted({*range(1, self.count + 1, 1 if LONG else self.product.every), sealed, self.count})

    def finish(self, chip) -> None:
        """Put the chip in again and finish it; it must be the card that nobody cut."""
        outcome = personalize(self.plan, inserted(chip), self.keystore, resume=True)
        assert (outcome.verdict, outcome.reject) == (Verdict.GOOD, None)
        assert self.product.held(chip.memory()) == self.product.held(self.undisturbed)


@pytest.fixture(scope="module", params=PRODUCTS, ids=str)
def torn(request: pytest.FixtureRequest) -> Torn:
    product = request.param
    job = Job.of(product.profile, lambda: make_card(product.image, seed=1))
    return Torn(**vars(job), product=product)


@pytest.mark.parametrize("lost", LOSSES)
def test_torn_anywhere_it_is_finished_as_the_same_card(torn: Torn, lost: str) -> None:
    for at in torn.places():
        chip = torn.fresh()
        _, sent = torn.tear(chip, at, lost)
        assert sent == at
        try:
            torn.finish(chip)
        except AssertionError as error:
            raise AssertionError(f"cut at command {at} of {torn.count}") from error


def test_torn_again_and_again_it_is_finished(torn: Torn) -> None:
    for seed in range(8 if LONG or torn.product.every == 1 else 3):
        chip = torn.fresh()
        torn.tear_often(chip, seed)
        torn.finish(chip)
        assert verify(torn.plan, inserted(chip), torn.keystore).verdict is Verdict.GOOD

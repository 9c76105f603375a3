"""Good cards: made by cardkit's own profiles on virtual chips, looked at as `payment validate` does."""

from __future__ import annotations

import hashlib
import itertools
from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest

from cardkit.apps.emv.capk import CaPublicKey, parse_capk
from cardkit.apps.emv.picture import CardPicture, Code, Destroyed, Reply
from cardkit.apps.emv.rules.expectation import Expectation, Limits
from cardkit.apps.emv.rules.ordered import prepared_check_values, printed_cards
from cardkit.apps.emv.survey import Means, survey
from cardkit.crypto.cardrsa import from_numbers
from cardkit.crypto.emvrsa import RsaPublicKey
from cardkit.desired import Plan
from cardkit.perso import personalize, plan, prepare
from cardkit.perso.planner import printed, working
from cardkit.profile import load_profile, read_order
from cardkit.target import Card
from cardkit.transport.loopback import CardSeam, LoopbackConnection
from cardkit.virtual import make_card

from .paper import Recipe, remade
from .paperkeys import CA, NUMBERS

PROFILES = Path(__file__).parents[3] / "profiles" / "payment"
TODAY = date(2026, 11, 22)
RID, INDEX = bytes.fromhex("F0434B4954"), 0xE0
TRACED = bytes.fromhex("9F7F2A") + bytes(range(1, 43))
LIMITS = Limits(gpo_ms=500, answer_ms=2000, atc=20, issuer_bits=1024, icc_bits=1024)
SUFFERED = Destroyed(True, False, True, False, True, 3)

CHIPS: dict[str, CardSeam] = {}
PLANS: dict[str, Plan] = {}
Pair = tuple[CardPicture, Expectation]


def seeded(seed: str):
    """Return a source of repeatable bytes."""
    counter = itertools.count()
    return lambda size: hashlib.shake_128(f"{seed} {next(counter)}".encode()).digest(size)


def make(name: str, number: int = 1) -> Pair:
    """Personalize a card with a profile of ours, look at it, and add what else could be known of it."""
    profile = load_profile(PROFILES / name)
    keystore = profile.test_keystore()
    keystore.card_rsa_source = lambda bits, exponent: [
        from_numbers(each) for each in NUMBERS
        if (each.public_numbers.n.bit_length(), each.public_numbers.e) == (bits, exponent)
    ][number - 1]  # fmt: skip
    record = read_order(profile, PROFILES / name / "order.csv", keystore).records[number - 1]
    prepared = prepare(profile, record, keystore, seeded(f"card {number}"))
    todo = plan(profile, record, prepared, keystore)
    chip = make_card("emv-cps", seed=number)
    card = Card(LoopbackConnection(chip))
    assert personalize(todo, card, keystore).verdict == "GOOD"
    CHIPS[name] = chip
    PLANS[name] = todo
    card.reset(cold=True)
    clock = itertools.count()
    means = Means(seeded("terminal"), lambda: next(clock) / 1000, TODAY)
    picture = survey(card.channel, means, name=f"card {number}")
    blueprint = working(todo, keystore)
    expected = blueprint.expectation(TODAY, record, keystore)
    plan_of_card = blueprint._card
    values = prepared_check_values(blueprint.product, plan_of_card.holder, plan_of_card.data, keystore)
    capks = parse_capk((PROFILES / name / "authorities.capk").read_text())
    capks.add(CaPublicKey(RID, INDEX, RsaPublicKey(CA.modulus, CA.stated)))
    (lines,) = printed_cards(printed(profile, record, prepared, keystore))
    sides = tuple(replace(side, destroyed=SUFFERED) if side.interface == "contact" else side for side in picture.sides)
    return replace(picture, sides=sides, cplc=TRACED), replace(
        expected, capks=capks, check_values=values, printed=lines, traced=True, limits=LIMITS
    )


def chip_of(name: str) -> CardSeam:
    """Return a chip that was made by a profile."""
    if name not in CHIPS:
        make(name)
    return CHIPS[name]


@pytest.fixture(scope="session")
def contact() -> Pair:
    return make("emv-contact-cda")


@pytest.fixture(scope="session")
def dual() -> Pair:
    return make("emv-dual-fdda")


@pytest.fixture(scope="session")
def domestic() -> Pair:
    return make("domestic-template")


@pytest.fixture(scope="session")
def stripe(contact: Pair) -> Pair:
    """A card whose contactless side is of kernel 2: it signs cryptograms, and has a mode for older terminals."""
    picture, expected = contact
    (base,) = picture.sides
    aid = base.aid
    issuer = CodeIssuer(expected.applications[aid].issuer)
    known = expected.applications[aid]
    values = {**known.values, "contactless": known.values["contact"]}
    expected = replace(expected, applications={aid: replace(known, issuer=issuer, values=values)})
    code = Code(b"\0\0\1\2", Reply(bytes.fromhex("770F 9F610204D2 9F600204D2 9F36020004".replace(" ", ""))))
    afl = base.afl[:-2] + b"\2\0"
    extra = {
        "9F6B": "9999990000000014D291220100000000", "9F69": "9F6A04", "9F62": "000000000038", "9F63": "000000000007",
        "9F64": "02", "9F65": "0038", "9F66": "0007", "9F67": "02",
    }  # fmt: skip
    side = replace(base, interface="contactless", destroyed=None, code=code)
    return replace(picture, sides=(base, remade(side, expected, Recipe(extra, (3, 2), afl=afl.hex())))), expected


class CodeIssuer:
    """An issuer that knows the dynamic code, too."""

    def __init__(self, issuer) -> None:
        self.cryptogram = issuer.cryptogram

    def dynamic_code(self, values) -> str:
        assert values[bytes.fromhex("9F6A")] == b"\0\0\1\2"
        return "01234"

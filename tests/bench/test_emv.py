"""What a payment card's preparation costs, beside the key that is made for it (``make bench`` prints the figures)."""

from __future__ import annotations

import csv
import secrets
from statistics import mean
from time import process_time

import pytest

from cardkit.crypto import cardrsa
from cardkit.encoding.digits import luhn_digit
from cardkit.perso import prepare
from cardkit.profile import load_profile
from cardkit.profile.order import parse_order

CARDS = 200
FAST = 60  # cards a second a core, with key pairs made ahead
SHARE = 0.15  # of a key's generation, for everything else


def records(profile, cards):
    """Return that many cards of the profile's own order, each with a PAN of its own."""
    with (profile.path.parent / "order.csv").open(encoding="utf-8", newline="") as file:
        header, first = list(csv.reader(file))[:2]
    column = header.index("pan")
    rows = [header]
    for number in range(cards):
        body = f"999999{number:09d}"
        rows.append([*first[:column], body + luhn_digit(body), *first[column + 1 :]])
    data = "".join(",".join(row) + "\n" for row in rows).encode()
    order = parse_order(profile.layout, profile.record, data, profile.test_keystore())
    assert not order.quarantined
    return order.records


class Timed:
    """Makes key pairs and notes how long it took; kept ones are handed out again."""

    def __init__(self):
        self.seconds = []
        self.kept = []

    def generate(self, bits, exponent):
        start = process_time()
        self.kept.append(cardrsa.generate(bits, exponent))
        self.seconds.append(process_time() - start)
        return self.kept[-1]

    def again(self, bits, exponent):
        return self.kept.pop(0)


def prepared(profile, keystore, cards):
    start = process_time()
    for record in cards:
        prepare(profile, record, keystore, secrets.token_bytes)
    return process_time() - start


@pytest.mark.parametrize("name", ["payment/emv-contact-cda", "payment/emv-dual-fdda"])
def test_preparation_costs_little_beside_the_keys(name):
    profile = load_profile(name)
    keystore, keys = profile.test_keystore(), Timed()
    cards = records(profile, CARDS)
    prepared(profile, keystore, cards[:1])  # what is compiled once for a product
    keystore.card_rsa_source = keys.generate
    prepared(profile, keystore, cards)
    made, bits = mean(keys.seconds), keys.kept[0].public.bits
    keystore.card_rsa_source = keys.again  # as from the pool, which makes them in other processes
    rest = prepared(profile, keystore, cards) / CARDS

    print(f"\n{name}, {CARDS} cards: key of {bits} bits {made * 1e3:.1f} ms, all else {rest * 1e3:.2f} ms", end=" ")
    print(f"= {rest / made:.1%}; {1 / rest:.0f} cards/s a core with key pairs made ahead")
    assert rest / made <= SHARE
    assert 1 / rest >= FAST

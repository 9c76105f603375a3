"""Keys that give themselves away."""

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cardkit.crypto.weakrsa import has_roca_fingerprint, shared_factors

from .oda_vectors import FOLDER, ODA

PRIMES = (11, 13, 17, 19, 37, 53, 61, 71, 73, 79, 97, 103, 107, 109, 127, 151, 157)
# Primes of 32 bits and a little more, for batches that are multiplied in no time.
SMALL = (4294967311, 4294967357, 4294967371, 4294967377, 4294967387, 4294967389, 4294967459, 4294967477, 4294967497)


def modulus(p, q):
    return (p * q).to_bytes(10, "big")


def test_moduli_of_the_broken_generator_are_told():
    """As the attack has it: n = 65537^a mod M, whatever multiple of M is added."""
    product = 1
    for prime in PRIMES:
        product *= prime
    for exponent, multiple in ((1, 0), (12345, 2**900), (99, 7)):
        assert has_roca_fingerprint((pow(65537, exponent, product) + multiple * product).to_bytes(200, "big"))
        assert not has_roca_fingerprint((pow(65537, exponent, product) + multiple * product + 1).to_bytes(200, "big"))


def test_published_moduli_are_of_no_broken_generator():
    capk = json.loads((FOLDER / "capk.json").read_text(encoding="utf-8"))
    moduli = {v["in"]["modulus"] for v in capk} | {v["out"]["modulus"] for v in ODA if "modulus" in v["out"]}

    assert [found for found in moduli if has_roca_fingerprint(bytes.fromhex(found))] == []


@pytest.mark.parametrize(("pairs", "expected"), [
    ([], ()), ([(0, 1)], ()), ([(0, 1), (2, 3)], ()), ([(0, 1), (2, 3), (4, 1)], (0, 2)), ([(0, 1), (0, 1)], (0, 1)),
    ([(0, 1), (2, 3), (4, 5), (6, 7), (7, 8)], (3, 4)),
])  # fmt: skip
def test_shared_factors(pairs, expected):
    assert shared_factors([modulus(SMALL[p], SMALL[q]) for p, q in pairs]) == expected


@settings(max_examples=50)
@given(
    st.lists(
        st.tuples(st.sampled_from(SMALL), st.sampled_from(SMALL)).filter(lambda pair: pair[0] != pair[1]), max_size=9
    )
)
def test_shared_factors_are_those_found_one_by_one(pairs):
    expected = [
        place for place, pair in enumerate(pairs)
        if any(set(pair) & set(other) for number, other in enumerate(pairs) if number != place)
    ]  # fmt: skip

    assert list(shared_factors([modulus(*pair) for pair in pairs])) == expected

"""Sequence numbers with an index, and resynchronization whatever the algorithm (33.102 6.3.5, C.2)."""

from __future__ import annotations

import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cardkit.apps.uicc.milenage import Milenage
from cardkit.apps.uicc.sqn import SqnArray, SqnPolicy, make_auts, make_vector, next_sqn, verify_auts
from cardkit.apps.uicc.tuak import Tuak
from cardkit.apps.uicc.xor import XorAka
from cardkit.crypto.aka import xor
from cardkit.crypto.tuak import TuakParameters
from cardkit.errors import AuthenticationError, EncodingError

from .conftest import load

SUBSCRIBERS = {
    "milenage": Milenage(bytes(range(16)), bytes(range(16, 32))),
    "xor": XorAka(bytes(range(16))),
    "tuak": Tuak(bytes(range(32)), bytes(range(32))),
    "tuak-128": Tuak(bytes(range(16)), bytes(range(32)), TuakParameters(mac_bits=128)),
    "tuak-256": Tuak(bytes(range(16)), bytes(range(32)), TuakParameters(mac_bits=256, iterations=2)),
}
MAC_BYTES = {"milenage": 8, "xor": 8, "tuak": 8, "tuak-128": 16, "tuak-256": 32}
RAND = bytes(range(0x30, 0x40))
every = pytest.mark.parametrize("name", SUBSCRIBERS)


def test_auts_of_another_implementation() -> None:
    case = next(case for case in load("uicc_auth.json") if "auts" in case["out"])
    given, expected = case["in"], case["out"]
    card = Milenage(bytes.fromhex(given["k"]), bytes.fromhex(given["opc"]))
    assert make_auts(card, bytes.fromhex(given["rand"]), int(given["sqn_ms"], 16)).hex() == expected["auts"]


@every
def test_auts_tells_the_number_with_its_index(name: str) -> None:
    card = SUBSCRIBERS[name]
    for sqn in (0, 31, 32 * 77 + 5, (1 << 48) - 1):
        auts = make_auts(card, RAND, sqn)
        assert len(auts) == 6 + MAC_BYTES[name]
        assert verify_auts(card, RAND, auts) == sqn


@every
def test_auts_of_another_card_challenge_or_length_is_refused(name: str) -> None:
    card = SUBSCRIBERS[name]
    auts = make_auts(card, RAND, 64)
    with pytest.raises(AuthenticationError, match="MAC-S is wrong"):
        verify_auts(card, bytes(16), auts)
    for at in (0, 5, 6, len(auts) - 1):
        changed = bytearray(auts)
        changed[at] ^= 1
        with pytest.raises(AuthenticationError, match="MAC-S is wrong"):
            verify_auts(card, RAND, bytes(changed))
    for wrong in (b"", auts[:5], auts[:-1], auts + b"\0"):
        with pytest.raises(EncodingError, match=f"AUTS must be {len(auts)} bytes, got {len(wrong)}"):
            verify_auts(card, RAND, wrong)


@every
def test_autn_holds_number_field_and_mac(name: str) -> None:
    card = SUBSCRIBERS[name]
    vector = make_vector(card, RAND, 32 * 9 + 3, b"\x80\x00")
    sqn = (32 * 9 + 3).to_bytes(6, "big")
    assert xor(vector.autn[:6], card.f5(RAND)) == sqn
    assert vector.autn[6:] == b"\x80\x00" + card.f1(sqn, RAND, b"\x80\x00")
    assert len(vector.autn) == 8 + MAC_BYTES[name]


def test_numbers_that_no_auts_can_hold_are_refused() -> None:
    for sqn in (-1, 1 << 48):
        with pytest.raises(EncodingError, match="SQN must be 0 to"):
            make_auts(SUBSCRIBERS["xor"], RAND, sqn)
        with pytest.raises(EncodingError, match="SQN must be 0 to"):
            SqnArray(SqnPolicy(), sqn)


def test_2g_answers_of_tuak_are_conversions_and_need_keys_of_16_bytes() -> None:
    card = SUBSCRIBERS["tuak"]
    sres, kc = card.a3a8(RAND)
    res, ck, ik = card.f2(RAND), card.f3(RAND), card.f4(RAND)
    assert sres == xor(res[:4], res[4:])
    assert kc == xor(xor(ck[:8], ck[8:]), xor(ik[:8], ik[8:]))
    assert card.a3a8(RAND, first_word_only=True) == (res[:4], kc)
    for parameters in (TuakParameters(ck_bits=256), TuakParameters(ik_bits=256), TuakParameters(res_bits=256)):
        with pytest.raises(EncodingError, match=r"(CK|IK|RES) must be"):
            Tuak(bytes(16), bytes(32), parameters).a3a8(RAND)


def test_topc_from_top_depends_on_the_iterations() -> None:
    case = next(case for case in load("uicc_auth.json") if case["in"].get("keccak_iterations") == 2)
    k, top, rand = (bytes.fromhex(case["in"][name]) for name in ("k", "top", "rand"))
    card = Tuak.from_top(k, top, TuakParameters(256, 256, 256, 256, iterations=2))
    assert card.f5(rand).hex() == case["out"]["f5"]
    assert card.f5_star(rand).hex() == case["out"]["f5star"]


# The card's array


def sqn(seq: int, ind: int = 0, bits: int = 5) -> int:
    return seq << bits | ind


def test_a_number_is_fresh_once_and_only_in_its_own_slot() -> None:
    card = SqnArray(SqnPolicy(), start=sqn(10, 3))
    assert not card.accepts(sqn(10, 3))
    assert not card.accepts(sqn(9, 3))
    assert card.accepts(sqn(11, 3))
    assert card.accepts(sqn(1, 4))  # lower than the highest, fresh where nothing was
    card.take(sqn(1, 4))
    assert not card.accepts(sqn(1, 4))
    assert card.accepts(sqn(2, 4))
    assert card.sqn_ms == sqn(10, 3)
    card.take(sqn(12, 31))
    assert card.sqn_ms == sqn(12, 31)


def test_a_leap_beyond_delta_is_not_fresh() -> None:
    card = SqnArray(SqnPolicy(delta=100), start=sqn(10))
    assert card.accepts(sqn(110, 7))
    assert not card.accepts(sqn(111, 7))


def test_a_number_may_be_too_old() -> None:
    card = SqnArray(SqnPolicy(age_limit=5), start=sqn(20))
    assert card.accepts(sqn(16, 1))
    assert not card.accepts(sqn(15, 1))
    assert SqnArray(SqnPolicy(), start=sqn(20)).accepts(sqn(1, 1))


def test_without_index_there_is_one_slot() -> None:
    card = SqnArray(SqnPolicy(ind_bits=0), start=7)
    assert (card.sqn_ms, card.accepts(7), card.accepts(8)) == (7, False, True)


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 1 << 40), st.integers(0, 31), st.integers(0, 4))
def test_what_the_centre_makes_of_auts_is_always_fresh(start: int, ind: int, age: int) -> None:
    card = SqnArray(SqnPolicy(age_limit=age), start)
    following = next_sqn(card.sqn_ms, ind)
    assert card.accepts(following)
    card.take(following)
    assert card.sqn_ms == following
    assert not card.accepts(following)


def test_a_thousand_challenges_in_mixed_order_never_pass_twice() -> None:
    dice = random.Random(1)
    card, taken = SqnArray(SqnPolicy(ind_bits=2)), set()
    for _ in range(1_000):
        number = sqn(dice.randrange(200), dice.randrange(4), bits=2)
        if card.accepts(number):
            assert number not in taken
            taken.add(number)
            card.take(number)
    assert len(taken) > 8


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"ind_bits": 16}, "IND must have 0 to 15 bits, got 16"),
        ({"ind_bits": -1}, "IND must have 0 to 15 bits, got -1"),
        ({"delta": 1 << 43}, "delta must be 0 to 2^43-1, got 8796093022208"),
        ({"delta": -1}, "delta must be 0 to 2^43-1, got -1"),
        ({"ind_bits": 8, "age_limit": 1 << 40}, "age_limit must be 0 to 2^40-1, got 1099511627776"),
    ],
)
def test_policies_no_number_could_hold_are_refused(values: dict[str, int], message: str) -> None:
    with pytest.raises(EncodingError) as caught:
        SqnPolicy(**values)
    assert str(caught.value) == message

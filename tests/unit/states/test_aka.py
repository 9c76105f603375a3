"""Proofs of K and OPc, against a subscriber and AUTS computed elsewhere (uicc_auth.json)."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from cardkit.apdu import ResponseAPDU
from cardkit.apps.uicc.milenage import Milenage
from cardkit.apps.uicc.schema import AuthBlock
from cardkit.apps.uicc.sqn import make_vector
from cardkit.apps.uicc.states.aka import CLOSED, NO_ROOM, PROVEN, SPENT, UNKNOWN_SQN, AkaProof, GsmProof
from cardkit.crypto.aka import xor

VECTORS = json.loads((Path(__file__).parents[2] / "vectors" / "uicc_auth.json").read_text(encoding="utf-8"))
TEST_SET = next(case for case in VECTORS if case["name"] == "Milenage test set 1")
K = bytes.fromhex(TEST_SET["in"]["k"])
OPC = bytes.fromhex(TEST_SET["out"]["opc"])
RAND = bytes.fromhex(TEST_SET["in"]["rand"])
SQN = 64


def proof(**changes) -> AkaProof:
    block = {"algorithm": "milenage", "k": "", "opc": "", "sqn_start": 32, "sqn_max": 64, **changes}
    return AkaProof(Milenage(K, OPC), AuthBlock(**block))


def resync(sqn: int, *, k: bytes = K) -> ResponseAPDU:
    """A card's answer to a stale AUTN (33.102 6.3.3)."""
    card = Milenage(k, OPC)
    number = sqn.to_bytes(6, "big")
    auts = xor(number, card.f5_star(RAND)) + card.f1_star(number, RAND, b"\0\0")
    return ResponseAPDU(b"\xdc\x0e" + auts, 0x9000)


def test_the_stale_challenge_is_that_of_sqn_0():
    expected = make_vector(Milenage(K, OPC), RAND, 0)
    assert proof().challenge("stale", RAND) == b"\x10" + RAND + b"\x10" + expected.autn


def test_the_flipped_challenge_differs_in_one_bit_of_the_mac():
    one = proof()
    stale, flipped = one.challenge("stale", RAND), one.challenge("flipped", RAND)
    assert int.from_bytes(stale, "big") ^ int.from_bytes(flipped, "big") == 1


def test_the_right_auts_proves_and_tells_the_sqn():
    one = proof()
    assert one.judge("stale", RAND, resync(32)) == PROVEN
    assert one.sqn_ms == 32


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (resync(32, k=bytes(16)), "not of this record"),
        (ResponseAPDU(b"", 0x9862), "no AUTS: status 9862"),
        (ResponseAPDU(b"\xdb\x08" + bytes(42), 0x9000), "does not check SQN"),
        (ResponseAPDU(b"\xdc\x0d" + bytes(13), 0x9000), "no AUTS"),
        (ResponseAPDU(b"", 0x9000), "no AUTS"),
        (ResponseAPDU(b"", 0x6982), CLOSED),
    ],
)
def test_any_other_answer_to_the_stale_challenge_is_named(answer, said):
    assert said in proof().judge("stale", RAND, answer)


@pytest.mark.parametrize(
    "answer", [ResponseAPDU(b"", 0x9000), ResponseAPDU(b"\xdb", 0x9862), ResponseAPDU(b"", 0x9864), resync(32)]
)
def test_a_wrong_mac_must_be_refused_with_nothing_else(answer):
    one = proof()
    assert one.judge("flipped", RAND, ResponseAPDU(b"", 0x9862)) == PROVEN
    assert "not refused" in one.judge("flipped", RAND, answer)


def fresh(one: AkaProof) -> bytes:
    one.judge("stale", RAND, resync(32))
    challenge = one.challenge("fresh", RAND)
    assert isinstance(challenge, bytes)
    return challenge


def keys(*, kc: bool = False) -> bytes:
    vector = make_vector(Milenage(K, OPC), RAND, SQN)
    data = b"\xdb\x08" + vector.res + b"\x10" + vector.ck + b"\x10" + vector.ik
    return data + b"\x08" + vector.kc if kc else data


def test_the_fresh_challenge_is_one_step_above_the_cards_sqn():
    assert fresh(proof())[18:] == make_vector(Milenage(K, OPC), RAND, SQN).autn


@pytest.mark.parametrize("kc", [False, True])
def test_the_right_keys_prove_with_and_without_kc(kc):
    one = proof()
    fresh(one)
    assert one.judge("fresh", RAND, ResponseAPDU(keys(kc=kc), 0x9000)) == PROVEN
    assert (one.returned_kc, one.sqn_ms) == (kc, SQN)


@pytest.mark.parametrize("at", [1, 2, 9, 10, 26, 43, 45, 52])
def test_one_wrong_byte_of_the_keys_is_found(at):
    one = proof()
    fresh(one)
    data = bytearray(keys(kc=True))
    data[at] ^= 1
    assert "not those of this record" in one.judge("fresh", RAND, ResponseAPDU(bytes(data), 0x9000))


def test_the_replay_must_tell_the_sqn_just_used():
    one = proof()
    fresh(one)
    assert one.judge("replayed", RAND, resync(SQN)) == PROVEN
    assert "expected the one just used, 64" in one.judge("replayed", RAND, resync(32))


def test_a_leap_is_one_step_beyond_delta_and_must_be_refused():
    one = proof(delta=100)
    assert one.challenge("leaping", RAND) == UNKNOWN_SQN
    one.judge("stale", RAND, resync(64))
    expected = make_vector(Milenage(K, OPC), RAND, 64 + 101 * 32)
    assert one.challenge("leaping", RAND) == b"\x10" + RAND + b"\x10" + expected.autn
    assert one.judge("leaping", RAND, resync(64)) == PROVEN
    assert "not of this record" in one.judge("leaping", RAND, resync(64, k=bytes(16)))
    assert "the card is spent" in one.judge("leaping", RAND, ResponseAPDU(b"\xdb\x08" + bytes(42), 0x9000))


def test_no_leap_where_no_number_lies_beyond():
    one = proof(delta=(1 << 43) - 1)
    one.judge("stale", RAND, resync(64))
    assert one.challenge("leaping", RAND) == NO_ROOM


def test_no_fresh_challenge_beyond_the_profiles_limit():
    one = proof()
    one.judge("stale", RAND, resync(64))
    assert one.challenge("fresh", RAND) == SPENT
    assert one.challenge("replayed", RAND) == SPENT


def test_no_fresh_challenge_to_a_card_whose_sqn_is_unknown():
    assert proof().challenge("fresh", RAND) == UNKNOWN_SQN


def test_2g_answers():
    one = GsmProof(Milenage(K, OPC).a3a8)
    sres, kc = Milenage(K, OPC).a3a8(RAND)
    assert one.challenge("gsm", RAND) == b"\x10" + RAND
    right = b"\x04" + sres + b"\x08" + kc
    assert one.judge("gsm", RAND, ResponseAPDU(right, 0x9000)) == PROVEN
    assert "not those" in one.judge("gsm", RAND, ResponseAPDU(right[:-1] + bytes((right[-1] ^ 1,)), 0x9000))
    assert "refused" in one.judge("gsm", RAND, ResponseAPDU(b"", 0x6985))
    assert one.judge("gsm", RAND, ResponseAPDU(b"", 0x6982)) == CLOSED

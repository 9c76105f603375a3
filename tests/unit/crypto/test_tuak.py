"""TUAK against the six test sets of TS 35.233, and against Keccak-f[1600] written out from FIPS 202."""

import random

import pytest

from cardkit.crypto import Secret
from cardkit.crypto.tuak import TuakFunctions, TuakParameters, tuak_topc
from cardkit.errors import EncodingError

from .aka_vectors import b, clear, of_algorithm

TEST_SETS = of_algorithm("tuak")


def parameters(given):
    sizes = (given[name] for name in ("mac_bits", "res_bits", "ck_bits", "ik_bits", "keccak_iterations"))
    return TuakParameters(*sizes)


@pytest.mark.parametrize(("given", "expected"), TEST_SETS)
def test_the_six_test_sets_of_3gpp(given, expected):
    k, rand, sqn, amf = (b(given[name]) for name in ("k", "rand", "sqn", "amf"))
    topc = tuak_topc(Secret(k, "k"), b(given["top"]), given["keccak_iterations"])
    card = TuakFunctions(Secret(k, "k"), topc, parameters(given))

    assert {
        "topc": clear(topc).hex(),
        "f1": card.f1(sqn, rand, amf).hex(),
        "f1star": card.f1_star(sqn, rand, amf).hex(),
        "f2": card.f2(rand).hex(),
        "f3": card.f3(rand).hex(),
        "f4": card.f4(rand).hex(),
        "f5": card.f5(rand).hex(),
        "f5star": card.f5_star(rand).hex(),
    } == expected


def test_there_are_six_test_sets_with_both_key_sizes_and_two_iterations():
    given = [case.values[0] for case in TEST_SETS]
    assert len(given) == 6
    assert {len(case["k"]) for case in given} == {32, 64}
    assert {case["keccak_iterations"] for case in given} == {1, 2}


# FIPS 202 3.2, step by step on a 5 by 5 array of 64-bit lanes.


def rotate(lane, by):
    return ((lane << by) | (lane >> (64 - by))) & (2**64 - 1) if by else lane


def round_constants():
    register, constants = 1, []
    for _ in range(24):
        constant = 0
        for j in range(7):
            constant |= (register & 1) << (2**j - 1)
            register = (register << 1) ^ (0x171 if register & 0x80 else 0)
        constants.append(constant)
    return constants


def keccak_f(block):
    a = {(x, y): int.from_bytes(block[8 * (x + 5 * y) :][:8], "little") for x in range(5) for y in range(5)}
    for constant in round_constants():
        c = [a[x, 0] ^ a[x, 1] ^ a[x, 2] ^ a[x, 3] ^ a[x, 4] for x in range(5)]
        a = {(x, y): lane ^ c[(x - 1) % 5] ^ rotate(c[(x + 1) % 5], 1) for (x, y), lane in a.items()}
        x, y, turned = 1, 0, {(0, 0): a[0, 0]}
        for t in range(24):
            turned[x, y] = rotate(a[x, y], (t + 1) * (t + 2) // 2 % 64)
            x, y = y, (2 * x + 3 * y) % 5
        moved = {(y, (2 * x + 3 * y) % 5): lane for (x, y), lane in turned.items()}
        a = {(x, y): moved[x, y] ^ (~moved[(x + 1) % 5, y] & moved[(x + 2) % 5, y]) for x, y in moved}
        a[0, 0] ^= constant
    return b"".join((a[x, y] & (2**64 - 1)).to_bytes(8, "little") for y in range(5) for x in range(5))


def by_hand(k, top, instance, values, iterations):
    """The block of TS 35.231, byte by byte."""
    rand, amf, sqn = values
    block = top[::-1] + bytes((instance,)) + b"TUAK1.0"[::-1] + rand[::-1] + amf[::-1] + sqn[::-1]
    block += k[::-1] + bytes(32 - len(k)) + b"\x1f" + bytes(38) + b"\x80" + bytes(64)
    assert len(block) == 200
    for _ in range(iterations):
        block = keccak_f(block)
    return block


@pytest.mark.parametrize("seed", range(8))
def test_any_sizes_and_iterations_as_the_standard_lays_them_out(seed):
    dice = random.Random(seed)
    k = dice.randbytes(dice.choice((16, 32)))
    topc, rand, amf, sqn = (dice.randbytes(size) for size in (32, 16, 2, 6))
    mac, res, ck, ik = (dice.choice(sizes) for sizes in ((64, 128, 256), (32, 64, 128, 256), (128, 256), (128, 256)))
    rounds = 1 + seed % 4
    card = TuakFunctions(k, topc, TuakParameters(mac, res, ck, ik, rounds))
    long_key = len(k) == 32

    def out(instance, *values):
        return by_hand(k, topc, instance | long_key, values or (rand, bytes(2), bytes(6)), rounds)

    with_mac = mac // 8
    keys = out(0x40 | {32: 0, 64: 8, 128: 0x10, 256: 0x20}[res] | (ck == 256) << 2 | (ik == 256) << 1)
    assert card.f1(sqn, rand, amf) == out(with_mac, rand, amf, sqn)[: mac // 8][::-1]
    assert card.f1_star(sqn, rand, amf) == out(0x80 | with_mac, rand, amf, sqn)[: mac // 8][::-1]
    assert card.f2(rand) == keys[: res // 8][::-1]
    assert card.f3(rand) == keys[32 : 32 + ck // 8][::-1]
    assert card.f4(rand) == keys[64 : 64 + ik // 8][::-1]
    assert card.f5(rand) == keys[96:102][::-1]
    assert card.f5_star(rand) == out(0xC0)[96:102][::-1]
    top_block = by_hand(k, topc, int(long_key), (bytes(16), bytes(2), bytes(6)), rounds)
    assert clear(tuak_topc(k, topc, rounds)) == top_block[:32][::-1]


def test_one_challenge_after_another_gives_each_its_own_answers():
    card, fresh = (TuakFunctions(bytes(16), bytes(32)) for _ in range(2))
    first, second = bytes(16), bytes(range(16))
    assert card.f2(first) != card.f2(second)
    assert card.f3(second) == fresh.f3(second)
    assert card.f2(first) == fresh.f2(first)


def test_usual_sizes():
    card = TuakFunctions(bytes(16), bytes(32))
    values = [card.f1(bytes(6), bytes(16), bytes(2)), card.f2(bytes(16)), card.f3(bytes(16)), card.f4(bytes(16))]
    assert [len(value) for value in values] == [8, 8, 16, 16]
    assert clear(tuak_topc(bytes(16), bytes(32))) == clear(tuak_topc(bytes(16), bytes(32), 1))


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"mac_bits": 32}, "TUAK: MAC of 32 bits, expected one of 64, 128, 256"),
        ({"res_bits": 96}, "TUAK: RES of 96 bits, expected one of 32, 64, 128, 256"),
        ({"ck_bits": 64}, "TUAK: CK of 64 bits, expected one of 128, 256"),
        ({"ik_bits": 512}, "TUAK: IK of 512 bits, expected one of 128, 256"),
        ({"iterations": 0}, "TUAK: 0 Keccak iterations, expected 1 or more"),
    ],
)
def test_sizes_the_standard_does_not_have_are_refused(changes, message):
    with pytest.raises(EncodingError) as caught:
        TuakParameters(**changes)
    assert str(caught.value) == message


CARD = TuakFunctions(bytes(16), bytes(32))


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: TuakFunctions(bytes(24), bytes(32)), "k must be 16 or 32 bytes, got 24"),
        (lambda: TuakFunctions(bytes(16), bytes(16)), "topc must be 32 bytes, got 16"),
        (lambda: tuak_topc(bytes(15), bytes(32)), "k must be 16 or 32 bytes, got 15"),
        (lambda: tuak_topc(bytes(16), bytes(33)), "top must be 32 bytes, got 33"),
        (lambda: tuak_topc(bytes(16), bytes(32), 0), "TUAK: 0 Keccak iterations, expected 1 or more"),
        (lambda: CARD.f1(bytes(5), bytes(16), bytes(2)), "SQN must be 6 bytes, got 5"),
        (lambda: CARD.f1_star(bytes(6), bytes(16), bytes(3)), "AMF must be 2 bytes, got 3"),
        (lambda: CARD.f2(bytes(15)), "RAND must be 16 bytes, got 15"),
        (lambda: CARD.f5_star(bytes(17)), "RAND must be 16 bytes, got 17"),
    ],
)
def test_other_lengths_are_refused(call, message):
    with pytest.raises(EncodingError) as caught:
        call()
    assert str(caught.value) == message


def test_topc_is_a_secret_by_that_name():
    assert repr(tuak_topc(bytes(16), bytes(32))) == "<Secret topc, 32 bytes>"

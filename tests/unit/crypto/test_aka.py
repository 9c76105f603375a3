"""Milenage with an operator's own constants, and XOR, against the formulas of the standards done on bits."""

import random

import pytest
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

from cardkit.crypto import Secret
from cardkit.crypto.aka import (
    STANDARD,
    MilenageConstants,
    MilenageFunctions,
    Xor2G,
    XorFunctions,
    c2,
    c3,
    c4,
    c5,
    checked,
    milenage_opc,
    sres_and_kc,
    subscriber_key,
    xor,
)
from cardkit.errors import EncodingError

from .aka_vectors import b, clear, of_algorithm


def bits(data):
    return "".join(f"{byte:08b}" for byte in data)


def encrypt(key, block):
    return Cipher(algorithms.AES(key), modes.ECB()).encryptor().update(block)


def plus(*values):
    """Exclusive or, byte by byte."""
    total = bytearray(len(values[0]))
    for value in values:
        for i, byte in enumerate(value):
            total[i] ^= byte
    return bytes(total)


def rot(block, by):
    turned = bits(block)[by:] + bits(block)[:by]
    return bytes(int(turned[i : i + 8], 2) for i in range(0, 128, 8))


def formulas(k, opc, challenge, r, c):
    """TS 35.206 4.1 as printed."""
    sqn, rand, amf = challenge
    temp = encrypt(k, plus(rand, opc))
    in1 = sqn + amf + sqn + amf
    out1 = plus(encrypt(k, plus(temp, rot(plus(in1, opc), r[0]), c[0])), opc)
    out2, out3, out4, out5 = (plus(encrypt(k, plus(rot(plus(temp, opc), r[n]), c[n])), opc) for n in (1, 2, 3, 4))
    return out1[:8], out1[8:], out2[8:], out3, out4, out2[:6], out5[:6]


@pytest.mark.parametrize("seed", range(12))
def test_constants_of_an_operator(seed):
    dice = random.Random(seed)
    k, opc, rand = (dice.randbytes(16) for _ in range(3))
    sqn, amf = dice.randbytes(6), dice.randbytes(2)
    rotations = tuple(dice.randrange(128) for _ in range(5))
    additions = tuple(dice.randbytes(16) for _ in range(5))
    card = MilenageFunctions(Secret(k, "k"), Secret(opc, "opc"), MilenageConstants(rotations, additions))
    assert (
        card.f1(sqn, rand, amf),
        card.f1_star(sqn, rand, amf),
        card.f2(rand),
        card.f3(rand),
        card.f4(rand),
        card.f5(rand),
        card.f5_star(rand),
    ) == formulas(k, opc, (sqn, rand, amf), rotations, additions)


def test_standard_constants():
    assert STANDARD.rotations == (64, 0, 32, 64, 96)
    assert [c.hex() for c in STANDARD.additions] == [f"{last:032x}" for last in (0, 1, 2, 4, 8)]


def test_a_challenge_does_not_see_the_one_before():
    card, fresh = (MilenageFunctions(bytes(16), bytes(16)) for _ in range(2))
    first, second = bytes(16), bytes(range(16))
    assert card.f2(first) != card.f2(second)
    assert card.f3(second) == fresh.f3(second)
    assert card.f4(first) == fresh.f4(first)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"rotations": (64, 0, 32, 64)}, "rotations: got .64, 0, 32, 64., expected 5 from 0 to 127"),
        ({"rotations": (64, 0, 32, 64, -1)}, "rotations: got"),
        ({"rotations": (64, 0, 32, 64, 128)}, "rotations: got"),
        ({"additions": (bytes(16),) * 4}, "Milenage additions: expected 5 times 16 bytes"),
        ({"additions": (bytes(16),) * 4 + (bytes(15),)}, "Milenage additions: expected 5 times 16 bytes"),
    ],
)
def test_impossible_constants_are_refused(changes, message):
    with pytest.raises(EncodingError, match=message):
        MilenageConstants(**changes)


def test_rotations_from_0_to_127_are_possible():
    MilenageConstants(rotations=(0, 8, 127, 64, 1))


@pytest.mark.parametrize(("given", "expected"), of_algorithm("xor3g"))
def test_xor_3g(given, expected):
    card = XorFunctions(b(given["k"]))
    sqn, rand, amf = b(given["sqn"]), b(given["rand"]), b(given["amf"])
    autn = xor(sqn, card.f5(rand)) + amf + card.f1(sqn, rand, amf)
    res, ck, ik = card.f2(rand), card.f3(rand), card.f4(rand)
    got = {"autn": autn, "res": res, "ck": ck, "ik": ik, "sres": c2(res), "kc": c3(ck, ik)}
    assert {name: value.hex() for name, value in got.items()} == expected


@pytest.mark.parametrize(("given", "expected"), of_algorithm("xor2g"))
def test_xor_2g(given, expected):
    sres, kc = Xor2G(b(given["ki"])).a3a8(b(given["rand"]))
    assert {"sres": sres.hex(), "kc": kc.hex()} == expected


def test_xor_resynchronizes_with_the_functions_it_authenticates_with():
    card = XorFunctions(Secret(bytes(range(16)), "k"))
    sqn, rand, amf = bytes(range(6)), bytes(range(32, 48)), b"\0\0"
    assert card.f1_star(sqn, rand, amf) == card.f1(sqn, rand, amf) == plus(plus(range(8), range(32, 40)), sqn + amf)
    assert card.f5_star(rand) == card.f5(rand) == plus(range(3, 9), range(35, 41))


MILENAGE, XOR = MilenageFunctions(bytes(16), bytes(16)), XorFunctions(bytes(16))


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: MilenageFunctions(bytes(15), bytes(16)), "k must be 16 bytes, got 15"),
        (lambda: MilenageFunctions(bytes(16), bytes(17)), "opc must be 16 bytes, got 17"),
        (lambda: milenage_opc(bytes(15), bytes(16)), "k must be 16 bytes, got 15"),
        (lambda: milenage_opc(bytes(16), bytes(17)), "op must be 16 bytes, got 17"),
        (lambda: XorFunctions(bytes(32)), "k must be 16 bytes, got 32"),
        (lambda: MILENAGE.f1(bytes(7), bytes(16), bytes(2)), "SQN must be 6 bytes, got 7"),
        (lambda: MILENAGE.f1_star(bytes(6), bytes(16), bytes(1)), "AMF must be 2 bytes, got 1"),
        (lambda: MILENAGE.f2(bytes(15)), "RAND must be 16 bytes, got 15"),
        (lambda: XOR.f1(bytes(7), bytes(16), bytes(2)), "SQN must be 6 bytes, got 7"),
        (lambda: XOR.f1(bytes(6), bytes(16), bytes(1)), "AMF must be 2 bytes, got 1"),
        (lambda: Xor2G(bytes(15)), "ki must be 16 bytes, got 15"),
        (lambda: Xor2G(bytes(16)).a3a8(bytes(15)), "RAND must be 16 bytes, got 15"),
        (lambda: XOR.f2(bytes(17)), "RAND must be 16 bytes, got 17"),
        (lambda: c2(bytes(3)), "RES must be 4 to 16 bytes, got 3"),
        (lambda: c2(bytes(17)), "RES must be 4 to 16 bytes, got 17"),
        (lambda: c3(bytes(32), bytes(16)), "CK must be 16 bytes, got 32"),
        (lambda: c3(bytes(16), bytes(32)), "IK must be 16 bytes, got 32"),
        (lambda: c4(bytes(7)), "Kc must be 8 bytes, got 7"),
        (lambda: c5(bytes(9)), "Kc must be 8 bytes, got 9"),
        (lambda: xor(bytes(3), bytes(4)), "xor: got 3 and 4 bytes, expected equal lengths"),
        (lambda: checked("AMF", bytes(3), 2), "AMF must be 2 bytes, got 3"),
        (lambda: subscriber_key(bytes(8), "k", 16, 32), "k must be 16 or 32 bytes, got 8"),
    ],
)
def test_other_lengths_are_refused(call, message):
    with pytest.raises(EncodingError) as caught:
        call()
    assert str(caught.value) == message


def test_keys_are_taken_as_secrets_and_made_ones():
    given = Secret(bytes(16), "order:ki")
    assert subscriber_key(given, "k", 16) is given
    made = subscriber_key(bytes(range(16)), "k", 16)
    assert (clear(made), made.name) == (bytes(range(16)), "k")
    assert repr(milenage_opc(given, bytes(16))) == "<Secret opc, 16 bytes>"


def test_conversions():
    # TS 33.102 6.8.1.2 and 6.8.2.3, worked out by hand.
    words = b("00000001 00000020 00000300 00004000")
    assert c2(words) == b("00004321")
    assert c2(words, first_word_only=True) == b("00000001")
    assert c2(b("01020304 01")) == b("00020304")
    assert c2(bytes(4)) == bytes(4)
    assert c3(b("01" * 8 + "02" * 8), b("04" * 8 + "18" * 8)) == b("1f" * 8)
    both = sres_and_kc(words, b("01" * 8 + "02" * 8), b("04" * 8 + "18" * 8))
    assert both == (b("00004321"), b("1f" * 8))
    first = sres_and_kc(words, bytes(16), bytes(16), first_word_only=True)
    assert first == (b("00000001"), bytes(8))
    kc = b("0123456789abcdef")
    assert c4(kc) == kc + kc
    assert c5(kc) == b("88888888 0123456789abcdef 88888888")

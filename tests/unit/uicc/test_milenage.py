"""Milenage and XOR against the sets of TS 35.207, TS 51.010-1 and libosmocore, and against osmo-auc-gen."""

from __future__ import annotations

import random
import shutil
import subprocess

import pytest

from cardkit.apps.uicc.milenage import Milenage
from cardkit.apps.uicc.sqn import make_vector, next_sqn, verify_auts
from cardkit.apps.uicc.xor import Xor2G, XorAka
from cardkit.crypto import Secret
from cardkit.crypto.aka import MilenageConstants, c2, c3, c4, c5, milenage_opc, xor
from cardkit.errors import AuthenticationError, EncodingError

from .conftest import load

CASES = [case for case in load("uicc_auth.json") if case["in"]["algorithm"] in {"milenage", "xor2g", "sqn"}]


def cases(key: str, where: str = "out") -> list:
    return [pytest.param(case["in"], case["out"], id=case["name"]) for case in CASES if key in case[where]]


def b(text: str) -> bytes:
    return bytes.fromhex(text)


def milenage(given: dict) -> Milenage:
    k = Secret(b(given["k"]), "k")
    return Milenage(k, b(given["opc"])) if "opc" in given else Milenage.from_op(k, b(given["op"]))


@pytest.mark.parametrize(("given", "expected"), cases("f5star"))
def test_the_six_test_sets_of_3gpp(given: dict, expected: dict) -> None:
    card = milenage(given)
    sqn, rand, amf = b(given["sqn"]), b(given["rand"]), b(given["amf"])
    assert card.f1(sqn, rand, amf) == b(expected["f1"])
    assert card.f1_star(sqn, rand, amf) == b(expected["f1star"])
    assert card.f2(rand) == b(expected["f2"])
    assert card.f3(rand) == b(expected["f3"])
    assert card.f4(rand) == b(expected["f4"])
    assert card.f5(rand) == b(expected["f5"])
    assert card.f5_star(rand) == b(expected["f5star"])


def test_there_are_six_test_sets() -> None:
    assert len(cases("f5star")) == 6


@pytest.mark.parametrize(("given", "expected"), cases("opc"))
def test_opc_from_op(given: dict, expected: dict) -> None:
    opc = milenage_opc(b(given["k"]), b(given["op"]))
    with opc.reveal() as clear:
        assert clear == b(expected["opc"])
    assert expected["opc"] not in repr(opc)


@pytest.mark.parametrize(("given", "expected"), cases("autn"))
def test_vectors_with_autn_and_2g_answers(given: dict, expected: dict) -> None:
    card = milenage(given)
    vector = make_vector(card, b(given["rand"]), int(given["sqn"], 16), b(given["amf"]))
    assert vector.autn == b(expected["autn"])
    assert (vector.res, vector.ck, vector.ik) == (b(expected["res"]), b(expected["ck"]), b(expected["ik"]))
    assert vector.kc == b(expected["kc"])
    assert card.a3a8(b(given["rand"])) == (b(expected["sres"]), b(expected["kc"]))


@pytest.mark.parametrize(("given", "expected"), cases("auts"))
def test_auts_gives_the_cards_sequence_number(given: dict, expected: dict) -> None:
    card = milenage(given)
    assert verify_auts(card, b(given["rand"]), b(expected["auts"])) == int(given["sqn_ms"], 16)


@pytest.mark.parametrize("bit", range(0, 14 * 8, 5))
def test_auts_with_any_bit_flipped_is_refused(bit: int) -> None:
    given, expected = next(iter(cases("auts"))).values
    auts = bytearray(b(expected["auts"]))
    auts[bit // 8] ^= 1 << bit % 8
    with pytest.raises(AuthenticationError, match="MAC-S"):
        verify_auts(milenage(given), b(given["rand"]), bytes(auts))


def test_auts_of_another_length_is_an_encoding_error() -> None:
    with pytest.raises(EncodingError, match="got 13"):
        verify_auts(Milenage(bytes(16), bytes(16)), bytes(16), bytes(13))


@pytest.mark.parametrize(("given", "expected"), cases("next_sqn"))
def test_next_sequence_number(given: dict, expected: dict) -> None:
    assert next_sqn(given["sqn"], given["ind"], given["ind_bits"]) == expected["next_sqn"]


def test_sequence_number_refuses_ind_and_overflow() -> None:
    with pytest.raises(EncodingError, match="IND must be 0 to 31, got 32"):
        next_sqn(0, 32)
    with pytest.raises(EncodingError, match="SQN must be"):
        next_sqn((1 << 48) - 1, 0)


@pytest.mark.parametrize(("given", "expected"), cases("ki", "in"))
def test_xor_2g(given: dict, expected: dict) -> None:
    assert Xor2G(b(given["ki"])).a3a8(b(given["rand"])) == (b(expected["sres"]), b(expected["kc"]))


def test_xor_3g_by_hand() -> None:
    # TS 34.108 8.1.2.1, worked out on paper for K xor RAND = 00 01 .. 0F.
    card = XorAka(bytes(range(16)))
    rand, sqn, amf = bytes(16), bytes.fromhex("0A0B0C0D0E0F"), b"\x80\x00"
    assert card.f2(rand) == bytes(range(16))
    assert card.f3(rand) == bytes([*range(1, 16), 0])
    assert card.f4(rand) == bytes([*range(2, 16), 0, 1])
    assert card.f5(rand) == bytes.fromhex("030405060708")
    assert card.f1(sqn, rand, amf) == bytes.fromhex("0A0A0E0E0A0A8607")


def test_conversions_of_33_102() -> None:
    # TS 33.102 6.8.2.3: c4 and c5 undo c3 by definition of c3.
    kc = bytes.fromhex("0123456789ABCDEF")
    assert c4(kc) == kc + kc
    assert c5(kc) == bytes.fromhex("88888888") + kc + bytes.fromhex("88888888")
    assert c3(c4(kc), c5(kc)) == xor(bytes.fromhex("88888888") + kc[:4], kc[4:] + bytes.fromhex("88888888"))
    assert c2(bytes.fromhex("01020304"), first_word_only=True) == bytes.fromhex("01020304")
    assert c2(bytes.fromhex("0102030401020304FF")) == bytes.fromhex("FF000000")


@pytest.mark.parametrize("size", [0, 3, 17])
def test_res_of_impossible_length(size: int) -> None:
    with pytest.raises(EncodingError, match=f"got {size}"):
        c2(bytes(size))


def test_operator_constants_change_the_functions() -> None:
    rand = bytes(16)
    usual = Milenage(bytes(16), bytes(16))
    other = Milenage(bytes(16), bytes(16), MilenageConstants(rotations=(64, 0, 32, 64, 8)))
    assert other.f2(rand) == usual.f2(rand)
    assert other.f5_star(rand) != usual.f5_star(rand)


@pytest.mark.parametrize("rotations", [(64, 0, 32, 64), (64, 0, 32, 64, -1), (64, 0, 32, 64, 128)])
def test_impossible_constants_are_refused(rotations: tuple[int, ...]) -> None:
    with pytest.raises(EncodingError, match="rotations"):
        MilenageConstants(rotations=rotations)


def test_wrong_key_length_names_the_key_not_its_value() -> None:
    with pytest.raises(EncodingError, match="k must be 16 bytes, got 15") as caught:
        Milenage(b"\xab" * 15, bytes(16))
    assert "ab" * 3 not in str(caught.value)


PARTNER = shutil.which("osmo-auc-gen")


def partner(*arguments: str) -> dict[str, str]:
    done = subprocess.run([PARTNER, *arguments], capture_output=True, text=True, check=True, timeout=60)
    return dict(line.split(":\t") for line in done.stdout.splitlines() if ":\t" in line)


@pytest.mark.skipif(PARTNER is None, reason="osmo-auc-gen (libosmocore-utils) is not installed")
@pytest.mark.parametrize("seed", range(4))
def test_partner_agrees_on_milenage(seed: int) -> None:
    dice = random.Random(seed)
    k, opc, rand = (dice.randbytes(16) for _ in range(3))
    sqn = dice.randrange(1 << 40)
    theirs = partner(
        "-3", "-a", "MILENAGE", "-k", k.hex(), "-o", opc.hex(), "-f", "8000", "-s", str(sqn), "-r", rand.hex()
    )  # fmt: skip
    vector = make_vector(Milenage(k, opc), rand, sqn)
    assert theirs["AUTN"] == vector.autn.hex()
    assert (theirs["CK"], theirs["IK"], theirs["RES"]) == (vector.ck.hex(), vector.ik.hex(), vector.res.hex())


@pytest.mark.skipif(PARTNER is None, reason="osmo-auc-gen (libosmocore-utils) is not installed")
def test_partner_agrees_on_xor() -> None:
    k, rand, sqn = bytes(range(0x40, 0x50)), bytes(range(16)), 0x123456
    # Version 1.7.0 uses SQN - 2^IND_BITS for XOR: give 0 bits and one more.
    theirs = partner("-3", "-a", "XOR", "-k", k.hex(), "-f", "8000", "-s", str(sqn + 1), "-l", "0", "-r", rand.hex())
    vector = make_vector(XorAka(k), rand, sqn)
    assert theirs["AUTN"] == vector.autn.hex()
    assert (theirs["CK"], theirs["IK"]) == (vector.ck.hex(), vector.ik.hex())

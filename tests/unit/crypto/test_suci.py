"""SUCI against the test data of TS 33.501 C.4, and against whoever changes one bit of it."""

import json

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from hypothesis import given, settings
from hypothesis import strategies as st

from cardkit.crypto import Secret
from cardkit.crypto.suci import Scheme, check_home_key, conceal, deconceal, public_key
from cardkit.errors import AuthenticationError, EncodingError

from .aka_vectors import FOLDER, b

VECTORS = json.loads((FOLDER / "suci.json").read_text(encoding="utf-8"))
SCHEMES = {"A": Scheme.PROFILE_A, "B": Scheme.PROFILE_B}
CASES = [pytest.param(SCHEMES[v["in"]["profile"]], v["in"], v["out"], id=v["name"]) for v in VECTORS]
BOTH = [Scheme.PROFILE_A, Scheme.PROFILE_B]
HOME = {SCHEMES[v["in"]["profile"]]: v["in"] for v in VECTORS}
P256_ORDER = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551


def secret(value):
    return Secret(value if isinstance(value, bytes) else b(value), "private")


@pytest.mark.parametrize(("scheme", "case", "out"), CASES)
def test_data_of_the_standard(scheme, case, out):
    assert public_key(scheme, secret(case["hn_private_key"])).hex() == case["hn_public_key"]
    assert public_key(scheme, secret(case["ephemeral_private_key"])).hex() == out["ephemeral_public_key"]
    ephemeral = secret(case["ephemeral_private_key"])
    output = conceal(scheme, b(case["plaintext"]), b(case["hn_public_key"]), ephemeral)
    assert output.hex() == out["scheme_output"]
    assert deconceal(scheme, output, secret(case["hn_private_key"])).hex() == case["plaintext"]


def test_both_profiles_are_there():
    assert [case.values[0] for case in CASES] == BOTH


@pytest.mark.parametrize("scheme", BOTH)
@settings(max_examples=10, deadline=None)
@given(plaintext=st.binary(max_size=40), ephemeral=st.integers(1, P256_ORDER - 1), home=st.integers(1, P256_ORDER - 1))
def test_what_was_concealed_comes_back(scheme, plaintext, ephemeral, home):
    private = secret(home.to_bytes(32, "big"))
    output = conceal(scheme, plaintext, public_key(scheme, private), secret(ephemeral.to_bytes(32, "big")))
    assert len(output) == {Scheme.PROFILE_A: 32, Scheme.PROFILE_B: 33}[scheme] + len(plaintext) + 8
    assert deconceal(scheme, output, private) == plaintext


@pytest.mark.parametrize(("scheme", "case", "out"), CASES)
def test_one_changed_bit_is_found(scheme, case, out):
    output = b(out["scheme_output"])
    for at in range(len(output)):
        changed = bytearray(output)
        changed[at] ^= 4
        with pytest.raises((AuthenticationError, EncodingError)) as caught:
            deconceal(scheme, bytes(changed), secret(case["hn_private_key"]))
        if at >= len(output) - 13:
            assert str(caught.value) == (
                f"SUCI {scheme.name}: the tag is wrong, expected the one of this home network's key"
            )


@pytest.mark.parametrize(("scheme", "case", "out"), CASES)
def test_another_home_network_cannot_read_it(scheme, case, out):
    with pytest.raises(AuthenticationError, match="tag is wrong"):
        deconceal(scheme, b(out["scheme_output"]), secret(bytes(31) + b"\7"))


@pytest.mark.parametrize("scheme", BOTH)
def test_an_output_without_plaintext_is_the_shortest(scheme):
    case = HOME[scheme]
    ephemeral, home = secret(case["ephemeral_private_key"]), secret(case["hn_private_key"])
    shortest = conceal(scheme, b"", b(case["hn_public_key"]), ephemeral)
    assert deconceal(scheme, shortest, home) == b""
    size = len(shortest)
    with pytest.raises(EncodingError) as caught:
        deconceal(scheme, shortest[1:], home)
    assert str(caught.value) == f"SUCI {scheme.name}: {size - 1} bytes of output, expected {size} or more"


def test_the_null_scheme_hides_nothing():
    assert conceal(Scheme.NULL, b"\x00\x01") == b"\x00\x01"
    assert deconceal(Scheme.NULL, b"\x00\x01") == b"\x00\x01"


def whole_point(compressed):
    point = ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), compressed)
    return point.public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)


def test_profile_b_takes_a_whole_home_key_and_sends_a_compressed_one():
    case, out = VECTORS[1]["in"], VECTORS[1]["out"]
    whole = whole_point(b(case["hn_public_key"]))
    check_home_key(Scheme.PROFILE_B, whole)
    output = conceal(Scheme.PROFILE_B, b(case["plaintext"]), whole, secret(case["ephemeral_private_key"]))
    assert output.hex() == out["scheme_output"]


A, B = BOTH
GOOD_A, GOOD_B = (b(HOME[scheme]["hn_public_key"]) for scheme in BOTH)
ONE = bytes((*bytes(31), 1))
NO_POINT = "public key: not a point that a key can be agreed with"


@pytest.mark.parametrize("scheme", BOTH)
def test_home_keys_of_the_standard_are_good(scheme):
    check_home_key(scheme, b(HOME[scheme]["hn_public_key"]))


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: check_home_key(A, GOOD_A + b"\0"), "PROFILE_A public key must be 32 bytes, got 33"),
        (lambda: check_home_key(A, bytes(32)), f"PROFILE_A {NO_POINT}"),
        (lambda: check_home_key(B, GOOD_B[1:]), "PROFILE_B public key must be 33 or 65 bytes, got 32"),
        (lambda: check_home_key(B, b"\2" + b"\1" * 32), f"PROFILE_B {NO_POINT}"),
        (lambda: check_home_key(B, b"\4" * 65), f"PROFILE_B {NO_POINT}"),
        (lambda: check_home_key(Scheme.NULL, b""), "SUCI: the null scheme has no keys"),
        (lambda: public_key(Scheme.NULL, secret(ONE)), "SUCI: the null scheme has no keys"),
        (lambda: public_key(A, secret(bytes(31))), "private key must be 32 bytes, got 31"),
        (lambda: public_key(B, secret(bytes(33))), "private key must be 32 bytes, got 33"),
        (lambda: public_key(B, secret(bytes(32))), "private key: out of range for profile B, draw another one"),
        (lambda: public_key(B, secret(b"\xff" * 32)), "private key: out of range for profile B, draw another one"),
        (lambda: conceal(A, b"", GOOD_A), "SUCI PROFILE_A: got no ephemeral key"),
        (lambda: conceal(B, b"", b"", secret(ONE)), "PROFILE_B public key must be 33 or 65 bytes, got 0"),
        (lambda: deconceal(B, bytes(60)), "SUCI PROFILE_B: got no private key of the home network"),
        (lambda: deconceal(A, bytes(45), secret(ONE)), f"PROFILE_A {NO_POINT}"),
    ],
)
def test_keys_a_scheme_cannot_use_are_refused(call, message):
    with pytest.raises(EncodingError) as caught:
        call()
    assert str(caught.value) == message

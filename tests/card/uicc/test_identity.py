"""GET IDENTITY: the SUCI a card computes (TS 31.102 7.5; TS 33.501 C.3, C.4; TS 24.501 9.11.3.4)."""

import hashlib
import hmac
import json

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, x25519
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

from cardkit.virtual.algorithms.suci import conceal
from tests.card.conftest import VECTORS

SUCI = json.loads((VECTORS / "suci.json").read_text())
KEY_A, KEY_B = (vector["in"]["hn_public_key"] for vector in SUCI)
ORDER = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551


@pytest.mark.parametrize("vector", SUCI, ids=lambda vector: vector["in"]["profile"])
def test_profiles_of_ts_33_501_c_4(vector):
    given = {name: value if name == "profile" else bytes.fromhex(value) for name, value in vector["in"].items()}
    secret = given["ephemeral_private_key"]
    if given["profile"] == "B":  # a private key is the random number modulo the order less one, plus one
        secret = (int.from_bytes(secret, "big") - 1).to_bytes(32, "big")
    profile = {"A": 1, "B": 2}[given["profile"]]
    output = conceal(profile, given["hn_public_key"], given["plaintext"], lambda size: secret[:size])
    assert output.hex() == vector["out"]["scheme_output"]


def reveal(profile, output):
    """What the home network reads."""
    private = bytes.fromhex(SUCI[profile - 1]["in"]["hn_private_key"])
    size = 32 if profile == 1 else 33
    public, ciphertext, tag = output[:size], output[size:-8], output[-8:]
    if profile == 1:
        key = x25519.X25519PrivateKey.from_private_bytes(private)
        shared = key.exchange(x25519.X25519PublicKey.from_public_bytes(public))
    else:
        curve = ec.SECP256R1()
        key = ec.derive_private_key(int.from_bytes(private, "big"), curve)
        shared = key.exchange(ec.ECDH(), ec.EllipticCurvePublicKey.from_encoded_point(curve, public))
    keys = b"".join(hashlib.sha256(shared + bytes((0, 0, 0, n)) + public).digest() for n in (1, 2))
    assert hmac.digest(keys[32:], ciphertext, "sha256")[:8] == tag
    return Cipher(algorithms.AES(keys[:16]), modes.CTR(keys[16:32])).decryptor().update(ciphertext).hex()


def calc_info(order, *keys):
    """A0 {scheme, index}*, A1 {80 id, 81 key}*."""
    body = "".join(f"8001{key_id}81{len(key) // 2:02X}{key}" for key_id, key in keys)
    length = f"{len(body) // 2:02X}" if len(body) < 256 else f"81{len(body) // 2:02X}"
    return f"A0{len(order) // 2:02X}{order}A1{length}{body}"


@pytest.fixture
def subscriber(usim):
    """IMSI 001010000000102, routing indicator 71, services 124 and 125."""
    usim.adm()
    for path, body in (
        ("7FF06F07", "080910100000000120"),
        ("7FF05FC04F0A", "17FFFFFF"),
        ("7FF06F38", "00" * 15 + "18000000"),
    ):
        usim.select(path)
        assert usim(f"00D60000{len(body) // 2:02X}{body}") == "9000"
    return usim


def identity(terminal, info="", context="01"):
    if info:
        terminal.select("7FF05FC04F07")
        assert terminal(f"00D60000{len(info) // 2:02X}{info}") == "9000"
    terminal.select("7FF0")
    return terminal(f"807800{context}00")


@pytest.mark.parametrize(
    ("profile", "order", "keys"),
    [
        (1, "01010000", [("1B", KEY_A)]),
        (2, "0201", [("1C", KEY_B)]),
        (2, "02020101", [("1B", KEY_A), ("1C", KEY_B)]),
        (1, "03010102", [("1C", KEY_B), ("1B", KEY_A)]),
        (1, "02010102", [("1C", "02" + "FF" * 32), ("1B", KEY_A)]),
    ],
    ids=["A", "B", "B before A", "an unknown scheme is passed over", "a key off the curve is passed over"],
)
def test_profiles(subscriber, profile, order, keys):
    answer = identity(subscriber, calc_info(order, *keys))
    suci = bytes.fromhex(answer[4:-4])
    assert (answer[:4], answer[-4:]) == (f"A1{len(suci):02X}", "9000")
    key_id = "1B" if profile == 1 else "1C"
    assert suci[:8].hex().upper() == f"0100F11017FF{profile:02X}{key_id}"
    assert reveal(profile, suci[8:]) == "0000000120"
    assert identity(subscriber) != answer


@pytest.mark.parametrize(
    "info", ["", calc_info("0000", ("1B", KEY_A)), calc_info("0103", ("1B", KEY_A)), "A0FF01", "A00201"]
)
def test_the_null_scheme(subscriber, info):
    assert identity(subscriber, info) == "A10D0100F11017FF0000" + "0000000120" + "9000"


def test_no_routing_indicator_and_an_mnc_of_three_digits(subscriber):
    """IMSI 334020123456789, MNC 020."""
    for path, body in (("7FF05FC04F0A", "FFFFFFFF"), ("7FF06FAD", "00000003"), ("7FF06F07", "083943201032547698")):
        subscriber.select(path)
        assert subscriber(f"00D60000{len(body) // 2:02X}{body}") == "9000"
    assert identity(subscriber) == "A10D01" + "330420" + "F0FF" + "0000" + "21436587F9" + "9000"


def test_without_services_125_and_124_or_in_another_application(subscriber):
    for bits in ("08", "10", "00"):
        subscriber.select("7FF06F38")
        assert subscriber(f"00D6000F01{bits}") == "9000"
        assert identity(subscriber) == "6985"
    subscriber.select("7FF1")
    assert subscriber("8078000100") == "6985"


def test_the_context_of_nswo_needs_service_142(subscriber):
    assert identity(subscriber, context="02") == "6985"
    subscriber.select("7FF06F38")
    assert subscriber("00D600110120") == "9000"
    assert identity(subscriber, context="02").endswith("9000")
    assert identity(subscriber, context="03") == "6A86"


def test_pin1_and_an_imsi_are_needed(subscriber):
    subscriber("002800010830303030FFFFFFFF")
    subscriber.card.power(cold=True)
    assert identity(subscriber) == "6982"
    subscriber("002000010830303030FFFFFFFF")
    assert identity(subscriber).endswith("9000")
    subscriber.adm().select("7FF06F07")
    subscriber("00D6000009" + "FF" * 9)
    assert identity(subscriber) == "6985"

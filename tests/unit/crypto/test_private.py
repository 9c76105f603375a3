"""Private keys, agreement and content signatures on their own: forms that are refused, schemes by key."""

import json
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric import dsa, ec, ed25519, rsa
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA256, SHA384, SHA512
from cryptography.hazmat.primitives.serialization import BestAvailableEncryption, Encoding, NoEncryption, PrivateFormat

from cardkit.crypto import Key, Usage, content
from cardkit.crypto.agreement import agree, public_point
from cardkit.crypto.cardkeys import SessionKeys
from cardkit.crypto.operations import wrap_clear
from cardkit.crypto.private import PrivateKey
from cardkit.crypto.statickey import ClearKey, check_value
from cardkit.errors import AuthenticationError, EncodingError, KeyStoreError

FOLDER = Path(__file__).parents[2] / "vectors"
GP_CRYPTO = json.loads((FOLDER / "gp_crypto.json").read_text(encoding="utf-8"))
GP_KEYS = json.loads((FOLDER / "gp_keys.json").read_text(encoding="utf-8"))
GP_KEY = bytes(range(0x40, 0x50))
CURVES = {
    "EC-P256": (ec.SECP256R1(), SHA256(), 64, "ECDH-256"),
    "EC-P384": (ec.SECP384R1(), SHA384(), 96, "ECDH-384"),
    "EC-P521": (ec.SECP521R1(), SHA512(), 132, "ECDH-521"),
    "EC-BP256": (ec.BrainpoolP256R1(), SHA256(), 64, "ECDH-256"),
    "EC-BP384": (ec.BrainpoolP384R1(), SHA384(), 96, "ECDH-384"),
    "EC-BP512": (ec.BrainpoolP512R1(), SHA512(), 128, "ECDH-512"),
}


def on_curve(name, usage=Usage.SIGN, number=7):
    return PrivateKey.of(ec.derive_private_key(number, CURVES[name][0]), name, usage)


@pytest.mark.parametrize("name", CURVES)
def test_curves(name):
    curve, hashing, size, _ = CURVES[name]
    key = on_curve(name)
    signature = content.sign(key, b"token")
    r, s = (int.from_bytes(half, "big") for half in (signature[: size // 2], signature[size // 2 :]))

    assert (key.algorithm, key.bits, len(signature)) == (name, curve.key_size, size)
    key.load().public_key().verify(encode_dss_signature(r, s), b"token", ec.ECDSA(hashing))
    content.verify(key, b"token", signature)
    for place in (0, size // 2, size - 1):
        changed = bytearray(signature)
        changed[place] ^= 1
        with pytest.raises(AuthenticationError, match=f"signature of {size} bytes under key {name}: wrong"):
            content.verify(key, b"token", bytes(changed))
    for wrong in (signature[:-1], signature + b"\0", bytes(size)):
        with pytest.raises(AuthenticationError):
            content.verify(key, b"token", wrong)


@pytest.mark.parametrize("name", CURVES)
def test_agreement_on_each_curve(name):
    one, two = on_curve(name, Usage.AGREE, 7), on_curve(name, Usage.AGREE, 11)
    points = [key.load().public_key().public_bytes(Encoding.X962, public_format()) for key in (one, two)]
    agreed = agree(one, points[1])

    assert agreed == agree(two, points[0])
    assert (agreed.algorithm, agreed.usage) == (CURVES[name][3], Usage.MASTER_DERIVE)


def public_format():
    from cryptography.hazmat.primitives.serialization import PublicFormat

    return PublicFormat.UncompressedPoint


def test_leading_zeros_of_an_agreement_are_kept():
    one = on_curve("EC-P256", Usage.AGREE)
    for number in range(1, 2000):
        other = ec.derive_private_key(number, ec.SECP256R1())
        shared = other.exchange(ec.ECDH(), one.load().public_key())
        if shared[0] == 0:
            break
    point = other.public_key().public_bytes(Encoding.X962, public_format())
    with agree(one, point).reveal() as clear:
        assert clear == shared
        assert (clear[0], len(clear)) == (0, 32)


def test_agreement_with_a_signing_key_is_refused():
    point = on_curve("EC-P256").load().public_key().public_bytes(Encoding.X962, public_format())
    with pytest.raises(KeyStoreError, match="usage sign, a key agreement needs agree"):
        agree(on_curve("EC-P256", Usage.SIGN), point)


@pytest.mark.parametrize("point", [b"", bytes(65), b"\x02" + bytes(32), b"\x04" + bytes(64), b"\x04" + bytes(63)])
def test_points_that_are_none(point):
    with pytest.raises(EncodingError, match=r"point on secp256r1: (not on the curve|[0-9]+ bytes, expected 65)"):
        public_point(ec.SECP256R1(), point)


def test_forms_of_private_keys():
    made = ec.derive_private_key(7, ec.SECP256R1())
    for form in (PrivateFormat.PKCS8, PrivateFormat.TraditionalOpenSSL):
        key = PrivateKey(made.private_bytes(Encoding.DER, form, NoEncryption()), "x", Usage.SIGN, kvn=0x73)
        assert (key.algorithm, key.kvn) == ("EC-P256", 0x73)
        assert key.kcv == PrivateKey.of(made, "y", Usage.AGREE).kcv


def der(key, encryption=None):
    return key.private_bytes(Encoding.DER, PrivateFormat.PKCS8, encryption or NoEncryption())


@pytest.mark.parametrize(
    ("value", "message"),
    [
        (b"", "expected a private key in PKCS#8 form, DER, unencrypted"),
        (bytes(100), "expected a private key in PKCS#8 form"),
        (der(ec.derive_private_key(7, ec.SECP256R1()), BestAvailableEncryption(b"x")), "DER, unencrypted"),
        (der(ed25519.Ed25519PrivateKey.from_private_bytes(bytes(32))), "key x: ED25519, expected usage audit-sign"),
        (der(dsa.generate_private_key(1024)), "expected an EC, RSA or Ed25519 private key"),
        (der(ec.derive_private_key(7, ec.SECP256K1())), "curve secp256k1, expected one of secp256r1"),
    ],
)
def test_keys_not_in_use_are_refused(value, message):
    with pytest.raises(KeyStoreError, match=message):
        PrivateKey(value, "x", Usage.SIGN)


def test_rsa_sizes():
    key = PrivateKey((FOLDER / "keys/rsa-1024.der").read_bytes(), "x", Usage.SIGN)

    assert (key.algorithm, key.bits) == ("RSA-1024", 1024)
    with pytest.raises(KeyStoreError, match="RSA-1024, a key agreement needs an elliptic curve"):
        PrivateKey((FOLDER / "keys/rsa-1024.der").read_bytes(), "x", Usage.AGREE)
    with pytest.raises(KeyStoreError, match="usage kek, a private key is for sign or agree"):
        PrivateKey((FOLDER / "keys/rsa-1024.der").read_bytes(), "x", Usage.KEK)


def test_short_rsa_keys_are_refused(monkeypatch):
    monkeypatch.setattr("cardkit.crypto.private.RSA_LEAST_BITS", 1025)
    with pytest.raises(KeyStoreError, match="RSA of 1024 bits, expected 1025 or more"):
        PrivateKey((FOLDER / "keys/rsa-1024.der").read_bytes(), "x", Usage.SIGN)


def test_rsa_of_a_bit_more_than_1024_uses_pss():
    key = PrivateKey.of(rsa.generate_private_key(65537, 1152), "x", Usage.SIGN)
    first, second = content.sign(key, b"m"), content.sign(key, b"m")

    assert first != second
    content.verify(key, b"m", first)


@pytest.mark.parametrize("vector", [pytest.param(v, id=v["name"]) for v in GP_CRYPTO if v["category"] == "cmac"])
def test_content_mac_by_aes(vector):
    value = bytes.fromhex(vector["in"]["key"])
    key = Key(value, "dap", f"AES-{8 * len(value)}", Usage.SIGN)

    assert vector["out"]["value"] == content.sign(key, bytes.fromhex(vector["in"]["message"])).hex().upper()


def test_content_is_not_signed_by_an_hmac_key():
    key = Key(bytes(range(32)), "dup", "HMAC-256", Usage.SIGN)
    for call in (lambda: content.sign(key, b""), lambda: content.verify(key, b"", b"")):
        with pytest.raises(KeyStoreError, match="key dup: HMAC-256, content is signed with AES, 3DES, RSA or EC"):
            call()


def test_wiping_a_session_wipes_each_of_its_keys():
    keys = [Key(bytes(range(n, n + 16)), "s", "AES-128", Usage.DATA_ENC) for n in range(5)]
    SessionKeys(*keys).wipe()
    assert [any(key.reveal()) for key in keys] == [False] * 5
    SessionKeys(*keys[:2]).wipe()


def test_check_values_of_card_keys():
    for vector in GP_KEYS:
        if vector["category"] == "kcv" and vector["name"] != "kcv-aes-a1a2":
            algorithm = {"des3": "3DES-128", "aes": "AES-128"}[vector["in"]["algorithm"]]
            value = bytes.fromhex(vector["in"]["key"])
            if value[:8] == value[8:]:
                continue  # single DES, which is no key of ours
            static = ClearKey(Key(value, "x", algorithm, Usage.CARD_KEY))
            assert vector["out"]["value"] == check_value(static).hex().upper()


def test_aes_key_under_the_dek_of_scp02():
    vector = next(v for v in GP_KEYS if v["name"] == "put-key-aes-under-scp02")
    dek = ClearKey(Key(bytes.fromhex(vector["in"]["session_dek"]), "S-DEK", "3DES-128", Usage.TRANSPORT_OUT))
    wrapped = wrap_clear(dek, Key(bytes.fromhex(vector["in"]["keys"][0]), "x", "AES-128", Usage.CARD_KEY))

    assert vector["out"]["encrypted_key"] == wrapped.cryptogram.hex().upper()
    assert vector["out"]["kcv"] == wrapped.kcv.hex().upper()


@pytest.mark.parametrize("name", ["store-data-keys-scp03_aes128", "store-data-keys-scp03_aes256_single",
                                  "store-data-keys-scp04", "store-data-keys-dap_purpose"])  # fmt: skip
def test_keys_of_the_published_dgis(name):
    vector = next(v for v in GP_KEYS if v["name"] == name)
    size = len(vector["in"]["dek"]) // 2
    dek = ClearKey(Key(bytes.fromhex(vector["in"]["dek"]), "dek", f"AES-{8 * size}", Usage.SECURE_CHANNEL))
    for value in vector["in"]["keys"]:
        wrapped = wrap_clear(dek, Key(bytes.fromhex(value), "x", f"AES-{4 * len(value)}", Usage.CARD_KEY))
        assert f"8113{len(wrapped.cryptogram):02X}{wrapped.cryptogram.hex().upper()}" in vector["out"]["value"]
        assert f"8403{wrapped.kcv.hex().upper()}" in vector["out"]["value"]


@pytest.mark.parametrize(("algorithm", "dek", "size"), [("AES-192", "AES-128", 32), ("3DES-192", "AES-128", 32),
                                                        ("AES-192", "3DES-128", 24), ("AES-256", "3DES-128", 32),
                                                        ("3DES-128", "AES-256", 16)])  # fmt: skip
def test_every_key_under_every_dek(algorithm, dek, size):
    value = bytes(range(0x21, 0x21 + int(algorithm.partition("-")[2]) // 8))
    protecting = bytes(range(0x61, 0x61 + int(dek.partition("-")[2]) // 8))
    static = ClearKey(Key(protecting, "dek", dek, Usage.SECURE_CHANNEL))
    wrapped = wrap_clear(static, Key(value, "x", algorithm, Usage.CARD_KEY))

    assert (wrapped.algorithm, wrapped.size_bytes, len(wrapped.cryptogram)) == (algorithm, len(value), size)

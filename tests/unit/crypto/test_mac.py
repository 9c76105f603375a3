"""MACs, padding, chaining and key derivation: published values, and plain calls of `cryptography` beside them."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from cryptography.hazmat.decrepit.ciphers.algorithms import TripleDES
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.cmac import CMAC
from hypothesis import given, settings
from hypothesis import strategies as st

from cardkit.crypto.cbc import CbcDecryptor, CbcEncryptor
from cardkit.crypto.mac import Cmac, FullMac, RetailMac, cmac, full_mac, kdf, pad80, retail_mac, unpad80, x963_kdf
from cardkit.errors import EncodingError, KeyStoreError

VECTORS = json.loads((Path(__file__).parents[2] / "vectors" / "gp_crypto.json").read_text(encoding="utf-8"))
unhex = bytes.fromhex

KEY16 = bytes(range(0x40, 0x50))
KEYS = {"AES": (KEY16, bytes(range(24)), bytes(range(32))), "3DES": (KEY16, bytes(range(24)))}


def of(category):
    return [pytest.param(entry, id=entry["name"]) for entry in VECTORS if entry["category"] == category]


def cipher(family, key, mode):
    return Cipher(algorithms.AES(key) if family == "AES" else TripleDES((key + key[:8])[:24]), mode)


@pytest.mark.parametrize("entry", of("cmac"))
def test_cmac_is_the_one_of_nist(entry):
    assert cmac(unhex(entry["in"]["key"]), unhex(entry["in"]["message"])) == unhex(entry["out"]["value"])


@pytest.mark.parametrize("entry", of("retail-mac"))
def test_the_retail_mac_is_the_published_one(entry):
    message = unpad80(unhex(entry["in"]["message_prepadded"]))
    for iv in (b"", unhex(entry["in"]["iv"])):
        assert retail_mac(unhex(entry["in"]["key"]), message, iv) == unhex(entry["out"]["value"])


@pytest.mark.parametrize("entry", of("scp03-kdf"))
def test_the_kdf_is_the_published_one(entry):
    given_ = entry["in"]
    derived = kdf(
        unhex(given_["ki"]), int(given_["constant"], 16), unhex(given_["context"]), given_["output_bits"] // 8
    )
    assert derived == unhex(entry["out"]["value"])


@pytest.mark.parametrize("entry", of("x963-kdf"))
def test_the_x963_kdf_is_the_published_one(entry):
    given_ = entry["in"]
    host, eid = unhex(given_["host_id"]), unhex(given_["eid"])
    info = unhex(given_["key_type"]) + bytes((given_["key_length"], len(host))) + host + bytes((len(eid),)) + eid
    out = b"".join(unhex(entry["out"][name]) for name in ("icv", "s_enc", "s_mac"))
    assert x963_kdf(unhex(given_["shared_secret"]), info, 48) == out
    assert x963_kdf(bytearray(unhex(given_["shared_secret"])), info, 16) == out[:16]


@pytest.mark.parametrize("key", KEYS["AES"], ids=len)
def test_a_kept_cmac_gives_every_message_its_own_mac(key):
    kept = Cmac(key)
    for length in [*range(50), 16, 0, 255, 256]:
        message = bytes(i * 7 & 0xFF for i in range(length))
        peer = CMAC(algorithms.AES(key))
        peer.update(message)
        assert kept.mac(message) == peer.finalize()


def test_both_cmac_subkeys_are_doubled_with_and_without_carry():
    for first in range(64):  # the top bits of both subkeys take all four values among these
        key = bytes([first]) * 16
        for message in (b"", bytes(16)):
            peer = CMAC(algorithms.AES(key))
            peer.update(message)
            assert Cmac(key).mac(message) == peer.finalize()


@pytest.mark.parametrize("key", KEYS["3DES"], ids=len)
@pytest.mark.parametrize("iv", [b"", bytes(8), b"\xa5" * 8])
def test_kept_des_macs_are_those_of_plain_calls(key, iv):
    full, retail = FullMac(key), RetailMac(key)
    for length in [*range(26), 8, 0, 247]:
        message = bytes(i * 5 & 0xFF for i in range(length))
        padded = message + b"\x80" + bytes(-(length + 1) % 8)
        chained = cipher("3DES", key, modes.CBC(iv or bytes(8))).encryptor().update(padded)
        assert full.mac(message, iv) == full_mac(key, message, iv) == chained[-8:]
        assert full.mac(message) == full_mac(key, message) == full_mac(key, message, bytes(8))
        assert retail.mac(message) == retail_mac(key, message) == retail_mac(key, message, bytes(8))
        head, state = padded[:-8], iv or bytes(8)
        if head:
            state = Cipher(TripleDES(key[:8] * 3), modes.CBC(state)).encryptor().update(head)[-8:]
        last = cipher("3DES", key, modes.CBC(state)).encryptor().update(padded[-8:])
        assert retail.mac(message, iv) == retail_mac(key, message, iv) == last


@pytest.mark.parametrize(("family", "key"), [(family, key) for family, keys in KEYS.items() for key in keys])
def test_each_message_of_a_kept_cipher_has_the_iv_it_is_given(family, key):
    size = 16 if family == "AES" else 8
    encryptor, decryptor = CbcEncryptor(family, key), CbcDecryptor(family, key)
    assert encryptor.block_size == decryptor.block_size == size
    for blocks in (1, 2, 5):
        for iv in (b"", b"\xa5" * size, bytes(size), bytes(range(size))):
            data = bytes(i * 3 & 0xFF for i in range(blocks * size))
            expected = cipher(family, key, modes.CBC(iv or bytes(size))).encryptor().update(data)
            assert encryptor.encrypt(data, iv) == expected
            assert decryptor.decrypt(expected, iv) == data


@pytest.mark.parametrize("kind", [CbcEncryptor, CbcDecryptor])
@pytest.mark.parametrize(
    ("family", "data", "iv"),
    [
        ("AES", b"", b""),
        ("AES", bytes(15), b""),
        ("AES", bytes(17), b""),
        ("AES", bytes(16), bytes(8)),
        ("AES", bytes(16), bytes(17)),
        ("3DES", bytes(7), b""),
        ("3DES", bytes(8), bytes(16)),
        ("3DES", bytes(8), bytes(1)),
    ],
)
def test_parts_of_blocks_are_refused_with_their_sizes(kind, family, data, iv):
    run = kind(family, KEY16)
    size = 16 if family == "AES" else 8
    with pytest.raises(
        EncodingError,
        match=rf"^CBC: got {len(data)} bytes and an IV of {len(iv)}, expected one or more blocks of {size} and an IV",
    ):
        (run.encrypt if kind is CbcEncryptor else run.decrypt)(data, iv)


@pytest.mark.parametrize("kind", [CbcEncryptor, CbcDecryptor])
def test_a_key_of_another_length_has_no_cipher(kind):
    with pytest.raises(KeyStoreError, match="15 bytes"):
        kind("AES", bytes(15))


@pytest.mark.parametrize("kind", [Cmac, FullMac, RetailMac])
def test_a_key_of_another_length_has_no_mac(kind):
    with pytest.raises(KeyStoreError, match="8 bytes"):
        kind(bytes(8))


@pytest.mark.parametrize("size", [1, 8, 16])
@pytest.mark.parametrize("length", [0, 1, 7, 8, 9, 15, 16, 17, 31, 32])
def test_padding_adds_at_least_one_byte_and_no_block_too_many(size, length):
    data = b"\xaa" * length
    padded = pad80(data, size)
    assert len(padded) % size == 0
    assert 1 <= len(padded) - length <= size
    assert padded[length:] == b"\x80" + bytes(len(padded) - length - 1)
    assert unpad80(padded) == data


@given(st.binary(max_size=40), st.sampled_from([8, 16]))
@settings(max_examples=50)
def test_padding_is_taken_off_again(data, size):
    assert unpad80(pad80(data, size)) == data


@pytest.mark.parametrize("data", ["", "00", "0000", "01", "8001", "7F00", "81", "4000", "C0", "8058"])
def test_data_without_padding_is_refused(data):
    with pytest.raises(EncodingError, match=r"^padding: expected a byte 80 and zeros at the end of the data$"):
        unpad80(unhex(data))


@pytest.mark.parametrize("size", [1, 8, 16, 17, 24, 32, 48])
@pytest.mark.parametrize("key", KEYS["AES"], ids=len)
def test_the_kdf_counts_its_blocks_and_names_its_length(key, size):
    expected = b""
    for counter in range(1, 4):
        peer = CMAC(algorithms.AES(key))
        peer.update(bytes(11) + b"\x06\x00" + (8 * size).to_bytes(2, "big") + bytes((counter,)) + b"context")
        expected += peer.finalize()
    assert kdf(key, 6, b"context", size) == expected[:size]


def test_the_kdf_counter_has_one_byte():
    assert len(kdf(KEY16, 0, b"", 4080)) == 4080
    for size in (0, -1, 4081):
        with pytest.raises(EncodingError, match=f"KDF: got a size of {size} bytes, expected 1 to 4080"):
            kdf(KEY16, 0, b"", size)

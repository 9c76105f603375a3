"""Ciphers of DESFire against published figures: NIST, NXP's application notes, and other people's tests."""

import json
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cardkit.crypto import Key, Secret, Usage
from cardkit.crypto.desfire import (
    BlockKey,
    DesfireKey,
    KeyKind,
    crc16,
    crc32,
    ev2_session_keys,
    key_version,
    transaction_mac_keys,
    truncated,
    with_version,
)
from cardkit.crypto.lrp import Lrp
from cardkit.errors import EncodingError, KeyStoreError
from cardkit.secure.desfire import zero_padded
from cardkit.secure.desfire_ev2 import Ev2Session

FOLDER = Path(__file__).parents[2] / "vectors"
VECTORS = json.loads((FOLDER / "desfire.json").read_text(encoding="utf-8"))
LRP = json.loads((FOLDER / "lrp.json").read_text(encoding="utf-8"))
AN10922 = json.loads((FOLDER / "an10922.json").read_text(encoding="utf-8"))
KINDS = {"DES": KeyKind.TDEA2, "2TDEA": KeyKind.TDEA2, "3TDEA": KeyKind.TDEA3, "AES": KeyKind.AES}


def of(op, vectors=VECTORS):
    found = [vector for vector in vectors if vector["in"]["op"] == op]
    assert found
    return pytest.mark.parametrize("vector", found, ids=lambda vector: vector["name"])


def clear(key):
    with key.reveal() as value:
        return bytes(value)


def unhex(text):
    return bytes.fromhex(text)


def key_of(given):
    value = unhex(given["key"]) * (2 if given.get("alg") == "DES" and len(given["key"]) == 16 else 1)
    return DesfireKey(value, "vector", KINDS[given.get("alg", "AES")])


@of("cmac")
def test_cmac(vector):
    assert vector["out"]["cmac"] == BlockKey(key_of(vector["in"])).cmac(unhex(vector["in"]["msg"])).hex()


@of("cmac-subkeys", AN10922)
def test_cmac_uses_the_published_subkeys(vector):
    """One whole block is encrypted with the first subkey, an empty message with the second."""
    key = BlockKey(
        DesfireKey(unhex(vector["in"]["key"]), "vector", KINDS[vector["in"]["alg"][:5].replace("AES12", "AES")])
    )
    first, second = unhex(vector["out"]["k1"]), unhex(vector["out"]["k2"])
    empty = bytes(a ^ b for a, b in zip(zero_padded(b"\x80", key.block), second, strict=True))

    assert key.encrypt(first) == key.cmac(bytes(key.block))
    assert key.encrypt(empty) == key.cmac(b"")


@of("crc16-le")
def test_crc16(vector):
    assert vector["out"]["crc"] == crc16(unhex(vector["in"]["data"])).hex()


@of("crc32-le")
def test_crc32(vector):
    assert vector["out"]["crc"] == crc32(unhex(vector["in"]["data"] + vector["in"]["status"])).hex()


@of("d40-receive")
def test_d40_receives(vector):
    assert vector["out"]["result"] == BlockKey(key_of(vector["in"])).decrypt(unhex(vector["in"]["data"])).hex()


@of("d40-send")
def test_d40_sends(vector):
    assert vector["out"]["result"] == BlockKey(key_of(vector["in"])).send_decipher(unhex(vector["in"]["data"])).hex()


@of("key-version")
def test_key_version(vector):
    assert int(vector["out"]["version"], 16) == key_version(unhex(vector["in"]["key"]))


@of("padded-length")
def test_padded_length(vector):
    assert vector["out"]["length"] == len(zero_padded(bytes(vector["in"]["n"]), vector["in"]["block"]))


@of("diversify-with-version", AN10922)
def test_version_in_the_parity_bits_of_a_diversified_key(vector):
    plain = next(
        v for v in AN10922 if v["in"]["op"] == "diversify" and v["in"]["master"] == vector["in"]["master"]
        and v["in"]["alg"] == vector["in"]["alg"]
    )  # fmt: skip
    marked = with_version(unhex(plain["out"]["diversified"]), int(vector["in"]["version"], 16))

    assert vector["out"]["diversified"] == marked.hex()


@of("ev2-session-keys")
def test_ev2_session_keys(vector):
    given = vector["in"]
    enc, mac = ev2_session_keys(key_of(given), unhex(given["RndA"]), unhex(given["RndB"]))

    assert (vector["out"]["SesAuthENC"], vector["out"]["SesAuthMAC"]) == (clear(enc).hex(), clear(mac).hex())


@of("ev2-mact")
def test_ev2_mact(vector):
    given = vector["in"]
    key = BlockKey(DesfireKey(unhex(given["SesAuthMAC"]), "mac", KeyKind.AES))
    counter = given["CmdCtr"].to_bytes(2, "little").hex()
    message = unhex(given["cmd_or_rc"] + counter + given["TI"] + given["data"])

    assert vector["out"]["mact"] == truncated(key.cmac(message)).hex()


@of("ev2-command-iv")
def test_ev2_command_iv(vector):
    given = vector["in"]
    key = DesfireKey(unhex(given["SesAuthENC"]), "enc", KeyKind.AES)
    session = Ev2Session((key, key), 0, unhex(given["TI"]), given["CmdCtr"])

    assert vector["out"]["iv"] == session._iv(b"\xa5\x5a").hex()


@of("tmac-session-keys")
def test_transaction_mac_keys(vector):
    given = vector["in"]
    key = DesfireKey(unhex(given["AppTransactionMACKey"]), "tmac", KeyKind.AES)
    mac, enc = transaction_mac_keys(key, given["TMC"], unhex(given["UID"]))

    assert (vector["out"]["SesTMMAC"], vector["out"]["SesTMENC"]) == (clear(mac).hex(), clear(enc).hex())


# Leakage resilient primitive


def lrp(given, updated=1):
    return Lrp(Secret(unhex(given["key"]), "vector"), updated)


@of("lrp-plaintexts", LRP)
def test_lrp_plaintexts(vector):
    tables = lrp(vector["in"])
    for number, expected in vector["out"].items():
        assert expected == clear(tables._plaintexts[int(number)]).hex()


@of("lrp-updated-keys", LRP)
def test_lrp_updated_keys(vector):
    tables = lrp(vector["in"], 3)
    assert [vector["out"][str(number)] for number in range(3)] == [clear(key).hex() for key in tables._updated]


@of("lrp-eval", LRP)
def test_lrp_evaluation(vector):
    given = vector["in"]
    nibbles = bytes(int(digit, 16) for digit in given["x_nibbles"])
    found = lrp(given, given["updated_key"] + 1).evaluate(given["updated_key"], nibbles, final=given["final"])

    assert vector["out"]["y"] == found.hex()


@of("lrp-subkeys", LRP)
def test_lrp_subkeys(vector):
    assert [vector["out"]["k1"], vector["out"]["k2"]] == [f"{value:032x}" for value in lrp(vector["in"]).subkeys()]


@of("lrp-cmac", LRP)
def test_lrp_cmac(vector):
    assert vector["out"]["mac"] == lrp(vector["in"]).cmac(unhex(vector["in"]["msg"])).hex()


@of("lrp-session-master", LRP)
def test_lrp_session_master(vector):
    assert vector["out"]["SesAuthMaster"] == lrp(vector["in"]).cmac(unhex(vector["in"]["sv"])).hex()


@of("lricb-encrypt", LRP)
def test_lricb(vector):
    given = vector["in"]
    key, counter = lrp(given, given["updated_key"] + 1), unhex(given["counter"])
    options = {"number": given["updated_key"], "padded": given["padding"]}
    sent, after = key.encrypt(unhex(given["plaintext"]), counter, **options)

    assert (vector["out"]["ciphertext"], vector["out"]["counter_after"]) == (sent.hex(), after.hex())
    assert (unhex(given["plaintext"]), after) == key.decrypt(sent, counter, **options)


def test_lricb_refuses_part_of_a_block():
    with pytest.raises(EncodingError, match="LRICB: 15 bytes"):
        Lrp(Secret(bytes(16), "k")).decrypt(bytes(15), bytes(4))


# Keys


@pytest.mark.parametrize(("kind", "size"), [(KeyKind.AES, 24), (KeyKind.TDEA2, 8), (KeyKind.TDEA3, 16)])
def test_a_key_of_another_length_is_refused(kind, size):
    with pytest.raises(KeyStoreError, match=f"{size} bytes, {kind} has"):
        DesfireKey(bytes(size), "k", kind)


def test_a_key_is_a_des_key_only_if_its_halves_agree_in_every_bit():
    half = bytes.fromhex("0123456789ABCDEF")
    other_parity = bytes(byte ^ 1 for byte in half)

    assert DesfireKey(half * 2, "k", KeyKind.TDEA2).is_single_des
    assert not DesfireKey(half + other_parity, "k", KeyKind.TDEA2).is_single_des


@given(st.binary(min_size=16, max_size=16), st.integers(0, 255))
@settings(max_examples=60, deadline=None)
def test_a_version_in_the_parity_bits_is_read_back_and_never_makes_a_des_key(value, version):
    marked = with_version(value, version)

    assert version == key_version(marked)
    assert [byte & 0xFE for byte in value] == [byte & 0xFE for byte in marked]
    assert (value[:8] == value[8:]) == (marked[:8] == marked[8:])


def test_a_stores_key_carries_its_version():
    des = Key(bytes(range(16)), "k", "3DES-128", Usage.CARD_KEY)
    aes = Key(bytes(range(16)), "k", "AES-128", Usage.CARD_KEY)

    assert (DesfireKey.of(des, 0x5A).version, DesfireKey.of(aes, 0x11).version) == (0x5A, 0x11)
    with pytest.raises(KeyStoreError, match="AES-256"):
        DesfireKey.of(Key(bytes(range(32)), "k", "AES-256", Usage.CARD_KEY), 0)

"""Key blocks into a key store file and out of it."""

import json
import os
from pathlib import Path

import pytest

from cardkit.crypto import Key, Secret, Usage
from cardkit.crypto.filestore import FileKeyStore
from cardkit.crypto.keyblock import Header, write_block
from cardkit.crypto.management import NewKey
from cardkit.crypto.statickey import ClearKey
from cardkit.errors import KeyStoreError
from tests.unit.crypto.storefiles import GP_KEY, VALUE, new_store, phrase

pytestmark = pytest.mark.usefixtures("cheap")


PROTECTION = NewKey("order:kbpk", "AES-256", Usage.BLOCK_PROTECTION)
KBPK = bytes.fromhex("88E1AB2A2E3DD38C1FA039A536500CC8A87AB9D62DC92C01058FA79F44657DE6")


def block(usage="K0", mode="B", exportability="E", algorithm="A", value=VALUE):
    kbpk = ClearKey(Key(KBPK, "kbpk", "AES-256", Usage.BLOCK_PROTECTION))
    header = Header("D", usage, algorithm, mode, exportability=exportability)
    return write_block(kbpk, header, Secret(value, "key"), os.urandom)


@pytest.fixture
def protected(tmp_path):
    with new_store(tmp_path, "LIVE") as store:
        store.import_key(PROTECTION, bytearray(KBPK))
        yield store


@pytest.mark.requirement("K7")
@pytest.mark.parametrize(
    ("usage", "mode", "purpose"),
    [("K0", "B", Usage.KEK), ("K0", "N", Usage.KEK), ("K0", "D", Usage.TRANSPORT_IN), ("K0", "E", Usage.TRANSPORT_OUT),
     ("K1", "B", Usage.BLOCK_PROTECTION), ("D0", "B", Usage.DATA_ENC), ("M0", "C", Usage.DATA_MAC),
     ("M8", "N", Usage.DATA_MAC), ("E5", "X", Usage.MASTER_DERIVE), ("E6", "N", Usage.MASTER_DERIVE),
     ("B3", "X", Usage.MASTER_DERIVE), ("P0", "B", Usage.PIN_ENC), ("S0", "S", Usage.SIGN),
     ("E0", "X", Usage.IMK_AC), ("E1", "X", Usage.IMK_SMC), ("E2", "N", Usage.IMK_SMI), ("E4", "X", Usage.IMK_IDN),
     ("C0", "C", Usage.CVK), ("V1", "C", Usage.PVK), ("V2", "N", Usage.PVK)],
)  # fmt: skip
def test_key_block_is_imported_for_its_purpose_only(protected, usage, mode, purpose):
    text = block(usage, mode)
    wrong = Usage.FIELD_ENC
    with pytest.raises(KeyStoreError, match=f"usage field-enc, the key block says {purpose}"):
        protected.import_block(NewKey("order:x", "AES-128", wrong), text, "order:kbpk")
    entry = protected.import_block(NewKey("order:x", "AES-128", purpose), text, "order:kbpk")

    assert entry.usage is purpose
    assert Key(VALUE, "x", "AES-128", purpose) == protected._key("order:x")


def changed(text):
    return text[:-1] + ("0" if text[-1] != "0" else "1")


@pytest.mark.parametrize(
    ("new", "text", "message"),
    [
        ({}, block("I0"), "usage I0 is not one cardkit has a purpose for"),
        ({}, block("E7"), "usage E7 is not one"),
        ({}, block("K0", "X"), "usage K0 with mode X, expected one of B, N, D, E|BNDE"),
        ({"usage": Usage.DATA_MAC}, block("M6", "G"), "mode G"),
        ({"algorithm": "AES-256"}, block(), "AES-256, the key block says AES-128"),
        ({"algorithm": "AES-128"}, block(algorithm="T"), "AES-128, the key block says 3DES-128"),
        ({"algorithm": "HMAC-256"}, block(algorithm="H", value=VALUE), "algorithm H of 128 bits is not imported"),
        ({"exportable": True}, block(exportability="N"), "the key block says N: it stays in"),
        ({"exportable": True}, block(exportability="S"), "the key block says S: it stays in"),
        ({}, block(value=GP_KEY), "a known test key"),
        ({}, changed(block()), "the MAC is wrong"),
    ],
)
def test_key_block_that_does_not_fit_is_refused(protected, new, text, message):
    terms = {"algorithm": "AES-128", "usage": Usage.KEK, **new}
    with pytest.raises(KeyStoreError, match=message):
        protected.import_block(NewKey("order:x", **terms), text, "order:kbpk")
    assert protected.references() == ["order:kbpk"]


def test_key_block_is_protected_by_a_protection_key_only(protected):
    protected.import_key(NewKey("plant:kek", "AES-128", Usage.KEK, exportable=True), bytearray(VALUE))
    with pytest.raises(KeyStoreError, match="usage kek, protecting a key block needs block-protection"):
        protected.import_block(NewKey("order:x", "AES-128", Usage.KEK), block(), "plant:kek")
    with pytest.raises(KeyStoreError, match="usage kek, protecting a key block needs block-protection"):
        protected.export_block("plant:kek", "plant:kek")


@pytest.mark.parametrize("usage", [Usage.KEK, Usage.TRANSPORT_IN, Usage.TRANSPORT_OUT, Usage.MASTER_DERIVE,
                                   Usage.DATA_ENC, Usage.DATA_MAC, Usage.PIN_ENC, Usage.BLOCK_PROTECTION])  # fmt: skip
@pytest.mark.parametrize("algorithm", ["AES-128", "3DES-128"])
def test_exported_key_is_imported_again(protected, tmp_path, usage, algorithm):
    new = NewKey("plant:x", algorithm, usage, exportable=True)
    protected.import_key(new, bytearray(VALUE))
    text = protected.export_block("plant:x", "order:kbpk")
    with FileKeyStore.create(tmp_path / "b.keys", "LIVE", phrase()) as other:
        other.import_key(PROTECTION, bytearray(KBPK))
        other.import_block(new, text, "order:kbpk")
        assert protected._key("plant:x") == other._key("plant:x")


def test_block_under_a_3des_key_is_version_b(protected):
    protected.import_key(NewKey("order:zcmk", "3DES-192", Usage.BLOCK_PROTECTION), bytearray(KBPK[:24]))
    protected.import_key(NewKey("plant:x", "3DES-128", Usage.MASTER_DERIVE, exportable=True), bytearray(VALUE))
    text = protected.export_block("plant:x", "order:zcmk")

    assert text[0] + text[5:16] == "BE6TX00E0000"


@pytest.mark.requirement("K1")
@pytest.mark.parametrize(
    ("new", "message"),
    [
        ({}, "plant:x: not exportable"),
        ({"usage": Usage.CARD_KEY, "exportable": True}, "a key AES-128 for card-key has no TR-31 usage"),
        ({"algorithm": "EC-P256", "usage": Usage.SIGN, "exportable": True}, "no TR-31 usage|private key"),
    ],
)
def test_keys_that_stay_in(protected, new, message):
    terms = {"algorithm": "AES-128", "usage": Usage.KEK, **new}
    protected.generate(NewKey("plant:x", **terms))
    with pytest.raises(KeyStoreError, match=message):
        protected.export_block("plant:x", "order:kbpk")


def test_private_key_in_a_published_block_is_imported(tmp_path):
    vectors = json.loads((Path(__file__).parents[2] / "vectors" / "security-tr31.json").read_text(encoding="utf-8"))
    given = next(v for v in vectors if v["name"] == "tr31-ANSI-X9.143-8.6")["in"]
    with new_store(tmp_path) as store:
        store.import_key(PROTECTION, bytearray.fromhex(given["kbpk"]))
        entry = store.import_block(NewKey("order:sign", "EC-P256", Usage.SIGN), given["block"], "order:kbpk")
        assert (entry.algorithm, len(store.sign_content("order:sign", b"m"))) == ("EC-P256", 64)

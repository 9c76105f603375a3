"""What lies in files, cells and on chips, byte by byte, made here with the standard library and AES-GCM alone.

What one version of cardkit wrote, every later one must read: a round trip alone would not notice a change.
"""

from __future__ import annotations

import hashlib
import hmac
import json
from datetime import timedelta, timezone

import pytest
from cryptography.hazmat.primitives.ciphers import Cipher
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.ciphers.algorithms import AES
from cryptography.hazmat.primitives.ciphers.modes import ECB

from cardkit.crypto import Key, MemoryKeyStore, Secret, Usage, datakey, shamir, wrap
from cardkit.crypto.codes import code_digest
from cardkit.crypto.custodians import Custodian
from cardkit.crypto.envelope import Direction, Envelope
from cardkit.crypto.filestore import FileKeyStore
from cardkit.crypto.pack import pack, unpack
from cardkit.errors import KeyStoreError
from tests.unit.crypto.storefiles import NEW, NOW, VALUE, Clock, phrase


def hkdf(secret: bytes, salt: bytes, info: bytes) -> bytes:
    """32 bytes of HKDF-SHA-256 (RFC 5869): one block."""
    return hmac.digest(hmac.digest(salt, secret, "sha256"), info + b"\x01", "sha256")


def compact(value: object) -> bytes:
    return json.dumps(value, sort_keys=True, separators=(",", ":")).encode()


@pytest.mark.parametrize("direction", Direction)
def test_envelope(direction):
    key = bytes(range(32))
    envelope = Envelope(Key(key, "pipe", "AES-256", Usage.DATA_ENC), direction)
    for number in (1, 2):
        nonce = direction.to_bytes(4, "big") + number.to_bytes(8, "big")
        expected = AESGCM(key).encrypt(nonce, b"message", b"cardkit-envelope-1")
        assert expected == envelope.seal(b"message")


def test_code_digest():
    digest = code_digest(Secret(b"plant", "k"), "8949012", 0x81, Secret(b"1234\xff", "pin"))
    expected = hmac.digest(b"plant", b"cardkit-code-1\x008949012\x00\x811234\xff", "sha256")

    assert expected == digest


def test_nonce_of_a_value_in_its_place():
    """An output file that is made again has the same bytes: nonces come from plant key, place and value."""
    key, value = Key(bytes(range(32)), "plant", "HMAC-256", Usage.DATA_MAC), Secret(b"1234", "pin")
    expected = hmac.digest(bytes(range(32)), b"cardkit-nonce-1" + b"\0\0\0\x05" + b"place" + b"1234", "sha256")

    assert wrap.bound_nonce(key, b"place", value) == expected[:12]
    with pytest.raises(KeyStoreError, match=r"^key plant: usage data-enc, a nonce needs data-mac$"):
        wrap.bound_nonce(Key(bytes(range(32)), "plant", "HMAC-256", Usage.DATA_ENC), b"place", value)


def test_value_of_an_output_file_without_a_place():
    store = MemoryKeyStore({"test:out": Key(bytes(range(16)), "out", "AES-128", Usage.TRANSPORT_OUT)})
    nonce = bytes(range(12))
    wrapped = store.wrap("test:out", Secret(b"1234", "pin"), wrap.Wrapping.AES_GCM, nonce=nonce)

    assert wrapped == nonce + AESGCM(bytes(range(16))).encrypt(nonce, b"1234", b"")


def test_value_in_clear():
    value = Secret(b"12\x7fz", "pin")

    assert wrap.clear_text(Secret(b"1234", "pin"), of_text=True) == "1234"
    assert wrap.clear_text(value, of_text=False) == "31327F7A"


def test_derived_key():
    master = bytes(range(32))
    derived = datakey.derive(
        Key(master, "file:store.key", "HMAC-256", Usage.MASTER_DERIVE), "cells:B1", "AES-256", Usage.FIELD_ENC
    )
    expected = hkdf(master, bytes(32), b"cardkit-derive-1\0field-enc\0cells:B1")

    assert Secret(expected, "expected") == derived
    assert (derived.name, derived.algorithm, derived.usage) == ("cells:B1", "AES-256", Usage.FIELD_ENC)


def test_data_key_file(tmp_path):
    (tmp_path / "store.key").write_bytes(b"cardkit-datakey-1\n" + bytes(range(32)))
    key = datakey.load_or_create(tmp_path / "store.key")

    assert Secret(bytes(range(32)), "expected") == key
    assert (key.name, key.algorithm, key.usage) == ("file:store.key", "HMAC-256", Usage.MASTER_DERIVE)


def test_check_digits_of_a_share():
    check = hashlib.sha256(b"cardkit-share-1\0" + bytes((7,)) + b"\xab\xcd").hexdigest()[:8]
    share = shamir.Share.from_text(f"7-abcd-{check}")

    assert (share.index, share.value) == (7, Secret(b"\xab\xcd", "expected"))
    assert share.value.name == "share 7"


@pytest.mark.usefixtures("cheap")
def test_check_of_a_custodian():
    ann = Custodian.new("ann", Secret(b"a long phrase", "phrase"))
    with ann.kdf.stretch(Secret(b"a long phrase", "phrase")).reveal() as stretched:
        expected = hashlib.sha256(b"cardkit-custodian-1\0ann\0" + stretched).hexdigest()

    assert expected == ann.check


def test_packed_values():
    """MessagePack: fixmap, fixstr, ext 8; a key's facts are an array with its length in front."""
    key = Key(bytes(range(16)), "ki", "AES-128", Usage.CARD_KEY, kvn=5)
    facts = b"\x94\xa2ki\xa7AES-128\xa8card-key\x05"
    content = len(facts).to_bytes(2, "big") + facts + bytes(range(16))
    secret = b"\x00\x02p1" + b"1234"
    expected = b"\x82\xa1k\xc7" + bytes((len(content), 3)) + content + b"\xa1s\xd7\x02" + secret

    assert expected == pack({"s": Secret(b"1234", "p1"), "k": key})
    restored = unpack(expected)["k"]
    assert isinstance(restored, Key)
    assert (restored.name, restored.algorithm, restored.usage, restored.kvn) == ("ki", "AES-128", Usage.CARD_KEY, 5)


@pytest.mark.usefixtures("cheap")
def test_key_store_file(tmp_path):
    """An entry opens, and the MAC fits, by security.md 5 alone: HKDF of the root, salt the store's id."""
    path = tmp_path / "shared.keys"
    store, shares = FileKeyStore.create_shared(path, "TEST", 2, 3, clock=lambda: NOW)
    with store:
        store.import_key(NEW, bytearray(VALUE))
    document = json.loads(path.read_bytes())
    with shamir.combine(shares[:2]).reveal() as root:
        encryption = hkdf(bytes(root), bytes.fromhex(document["id"]), b"cardkit-ks-enc-1")
        authentication = hkdf(bytes(root), bytes.fromhex(document["id"]), b"cardkit-ks-mac-1")
    (entry,) = document["entries"]
    nonce, sealed = bytes.fromhex(entry.pop("nonce")), bytes.fromhex(entry.pop("ct"))
    bound = compact({**entry, "store": document["id"]})

    assert AESGCM(encryption).decrypt(nonce, sealed, bound) == VALUE
    whole = json.loads(path.read_bytes())
    mac = whole.pop("mac")
    assert hmac.new(authentication, compact(whole), "sha256").hexdigest() == mac
    assert len(bytes.fromhex(document["id"])) == 16


@pytest.mark.usefixtures("cheap")
def test_public_fields_of_a_key_store_file(tmp_path):
    """Times are UTC wherever the plant is; an AES key's check value is the ones block under it."""
    in_almaty = Clock(NOW.astimezone(timezone(timedelta(hours=5))))
    with FileKeyStore.create(tmp_path / "a.keys", "LIVE", phrase(), clock=in_almaty) as store:
        store.import_key(NEW, bytearray(VALUE))
    document = json.loads((tmp_path / "a.keys").read_bytes())
    (entry,) = document["entries"]
    del entry["nonce"], entry["ct"]
    ones = Cipher(AES(VALUE), ECB()).encryptor().update(b"\x01" * 16)[:3]

    assert (document["format"], document["version"], document["kind"]) == ("cardkit-keystore", 1, "live")
    assert entry == {
        "label": "plant:kmc", "algorithm": "AES-128", "bits": 128, "usage": "master-derive", "customer": "acme",
        "kvn": 0x30, "kcv": ones.hex().upper(), "kcv_method": "ones_block_ecb", "state": "active",
        "created": "2026-11-22T12:30:15Z", "not_after": "2027-12-31", "exportable": False, "custodian": "ann",
    }  # fmt: skip

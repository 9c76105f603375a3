"""What keys are called and what errors say, word by word: a wrong name misleads whoever reads it."""

from __future__ import annotations

from datetime import UTC
from pathlib import Path

import pytest
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from cardkit.crypto import Key, MemoryKeyStore, Secret, Usage, aka, passphrase, scp, shamir, wrap
from cardkit.crypto.cardkeys import CardKey
from cardkit.crypto.filestore import FileKeyStore
from cardkit.crypto.keymaking import stored_key
from cardkit.crypto.management import utc_now
from cardkit.crypto.operations import FOR_CARD, check_card_key
from cardkit.crypto.pack import pack, unpack
from cardkit.crypto.private import PrivateKey
from cardkit.crypto.statickey import ClearKey
from cardkit.errors import CardkitError, EncodingError, KeyStoreError

DES = ClearKey(Key(bytes(range(0x40, 0x50)), "static", "3DES-128", Usage.SECURE_CHANNEL))
CHALLENGE = bytes(range(8))


def said(call, *arguments, error: type[CardkitError] = KeyStoreError, **named) -> str:
    """The whole text of the error."""
    with pytest.raises(error) as caught:
        call(*arguments, **named)
    assert type(caught.value) is error
    return str(caught.value)


def facts(key: Key | None) -> tuple[str, str, Usage]:
    assert key is not None
    return key.name, key.algorithm, key.usage


def test_session_keys_of_scp01_are_named_and_for_one_purpose():
    keys = scp.scp01_session(DES, DES, CHALLENGE, CHALLENGE)
    assert facts(keys.enc) == ("SCP01 S-ENC", "3DES-128", Usage.DATA_ENC)
    assert facts(keys.mac) == ("SCP01 S-MAC", "3DES-128", Usage.DATA_MAC)
    assert (keys.rmac, keys.dek) == (None, None)


def test_session_keys_of_scp02_are_named_and_for_one_purpose():
    keys = scp.scp02_session(DES, DES, DES, b"\0\1")
    assert facts(keys.enc) == ("SCP02 S-ENC", "3DES-128", Usage.DATA_ENC)
    assert facts(keys.mac) == ("SCP02 S-MAC", "3DES-128", Usage.DATA_MAC)
    assert facts(keys.rmac) == ("SCP02 S-RMAC", "3DES-128", Usage.DATA_MAC)
    assert facts(keys.dek) == ("SCP02 S-DEK", "3DES-128", Usage.TRANSPORT_OUT)


def test_session_keys_of_scp03_are_named_and_for_one_purpose():
    static = ClearKey(Key(bytes(range(0x40, 0x58)), "static", "AES-192", Usage.SECURE_CHANNEL))
    keys = scp.scp03_session(static, static, bytes(16))
    assert facts(keys.enc) == ("SCP03 S-ENC", "AES-192", Usage.DATA_ENC)
    assert facts(keys.mac) == ("SCP03 S-MAC", "AES-192", Usage.DATA_MAC)
    assert facts(keys.rmac) == ("SCP03 S-RMAC", "AES-192", Usage.DATA_MAC)


@pytest.mark.parametrize(
    ("host", "card", "text"),
    [
        (7, 8, "SCP01 host challenge: 7 bytes, expected 8"),
        (9, 8, "SCP01 host challenge: 9 bytes, expected 8"),
        (8, 7, "SCP01 card challenge: 7 bytes, expected 8"),
    ],
)
def test_challenges_of_another_size(host, card, text):
    assert said(scp.scp01_derivation_data, bytes(host), bytes(card), error=EncodingError) == text


@pytest.mark.parametrize("conversion", [aka.c4, aka.c5])
def test_a_wrong_kc_is_named(conversion):
    assert said(conversion, Secret(bytes(7), "short"), error=EncodingError) == "Kc must be 8 bytes, got 7"


def test_unwrapping_names_what_it_needs():
    key = Key(bytes(range(16)), "one", "AES-128", Usage.DATA_ENC)
    text = "key one: usage data-enc, unwrapping needs kek or transport-in"
    assert said(wrap.unwrap, key, bytes(24), wrap.Wrapping.AES_KW) == text


def test_a_card_key_for_another_purpose_is_named():
    text = "key test:one: usage sign, PUT KEY needs card-key or secure-channel"
    assert said(check_card_key, CardKey("test:one"), Usage.SIGN, "PUT KEY", FOR_CARD) == text


def test_a_signing_key_for_another_purpose_is_named():
    key = Key(bytes(range(0x50, 0x60)), "one", "AES-128", Usage.DATA_ENC)
    store = MemoryKeyStore({"test:one": key})
    assert said(store.sign_content, "test:one", b"message") == "key test:one: usage data-enc, a signature needs sign"


# Shares and packed values keep their names.


def test_shares_are_named_by_their_index():
    secret = Secret(bytes(range(16)), "root")
    shares = shamir.split(secret, 2, 3, [Secret(bytes(16), "coefficient")])
    assert [share.value.name for share in shares] == ["share 1", "share 2", "share 3"]
    assert shamir.combine(shares[:2]).name == "shared secret"


@pytest.mark.parametrize("text", ["", "0-00-00000000", "256-00-00000000", "1-0-00000000", "1-00"])
def test_what_is_no_share(text):
    assert said(shamir.Share.from_text, text) == "share: expected INDEX-HEX-CHECK, as it was given out"


def test_packed_secrets_keep_their_names():
    (value,) = unpack(pack({"pin": Secret(b"1234", "PIN1")})).values()
    assert isinstance(value, Secret)
    assert value.name == "PIN1"


def test_packed_values_of_a_type_that_is_never_packed():
    nothing = bytes.fromhex("81a161c0")  # {"a": None} in MessagePack
    text = "packed values: a value of a type that is never packed"
    assert said(unpack, nothing, error=EncodingError) == text


# Where the platform refuses.


def test_openssl_without_argon2id(monkeypatch):
    def refuse(*_, **__):
        raise UnsupportedAlgorithm("no")

    monkeypatch.setattr(passphrase, "Argon2id", refuse)
    text = "argon2id: not in this build of OpenSSL, expected 3.2 or later"
    assert said(passphrase._argon2id, bytes(passphrase.SALT_BYTES), bytearray(b"word")) == text


def test_a_test_key_file_whose_error_has_no_text(monkeypatch, tmp_path):
    def refuse(*_, **__):
        raise OSError

    monkeypatch.setattr(Path, "read_text", refuse)
    path = tmp_path / "keys.toml"
    assert said(MemoryKeyStore.from_toml, path) == f"{path}: test key file cannot be read: OSError"


def test_the_time_of_a_key_is_utc():
    assert utc_now().tzinfo is UTC


def test_a_kept_private_key_keeps_its_version():
    made = ec.derive_private_key(7, ec.SECP256R1())
    der = made.private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption())
    key = stored_key("test:one", "EC-P256", Usage.AGREE, der, 0x11)
    assert isinstance(key, PrivateKey)
    assert (key.name, key.usage, key.kvn) == ("test:one", Usage.AGREE, 0x11)


def test_a_store_of_shares_says_how_many_open_it(tmp_path):
    path = tmp_path / "store"
    FileKeyStore.create_shared(path, "TEST", 2, 3)[0].close()
    text = f"{path}: opened by 2 of 3 shares, not a passphrase"
    assert said(FileKeyStore.open, path, Secret(b"a long passphrase", "passphrase")) == text

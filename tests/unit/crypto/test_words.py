"""What keys are called and what errors say, word by word: a wrong name misleads whoever reads it."""

from __future__ import annotations

import hashlib
import json
from dataclasses import replace
from datetime import UTC
from pathlib import Path

import msgspec
import pytest
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from cardkit.crypto import Key, MemoryKeyStore, Secret, Usage, aka, datakey, passphrase, scp, shamir, wrap
from cardkit.crypto.agreement import agree
from cardkit.crypto.cardkeys import CardKey, CardKeySet
from cardkit.crypto.cbc import CbcEncryptor
from cardkit.crypto.documentkeys import basic_access_session, mac, messaging_keys
from cardkit.crypto.emvrsa import RsaPublicKey
from cardkit.crypto.filestore import FileKeyStore
from cardkit.crypto.filestoreformat import Entry, Sealer
from cardkit.crypto.keyblock import Header, read_block, write_block
from cardkit.crypto.keymaking import stored_key
from cardkit.crypto.management import State, utc_now
from cardkit.crypto.marker import Binding, MarkerState
from cardkit.crypto.operations import FOR_CARD, check_card_key
from cardkit.crypto.pack import pack, unpack
from cardkit.crypto.private import PrivateKey
from cardkit.crypto.statickey import ClearKey
from cardkit.errors import AuthenticationError, CardkitError, EncodingError, KeyStoreError
from tests.unit.crypto.storefiles import NEW, VALUE, new_store, phrase, reopened

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


def test_sizes_of_what_sessions_are_made_of_are_named():
    aes = ClearKey(Key(bytes(range(16)), "static", "AES-128", Usage.SECURE_CHANNEL))
    for call, given, text in (
        (scp.scp02_session, (DES, DES, DES, b"\0"), "SCP02 sequence counter: 1 bytes, expected 2"),
        (scp.scp03_session, (aes, aes, bytes(15)), "SCP03 challenges: 15 bytes, expected 16 or 32"),
        (scp.scp03_card_challenge, (aes, b"\0", bytes(5), 8), "SCP03 sequence counter: 1 bytes, expected 3"),
    ):
        assert said(call, *given, error=EncodingError) == text


@pytest.mark.parametrize("place", [0, 1, 2])
def test_every_key_of_scp02_has_two_halves(place):
    keys = [DES, DES, DES]
    keys[place] = ClearKey(Key(bytes(range(24)), "long", "3DES-192", Usage.SECURE_CHANNEL))
    assert said(scp.scp02_session, *keys, b"\0\1").startswith("key long: 3DES-192, SCP02 works with ")


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


@pytest.mark.parametrize(
    ("call", "purpose"),
    [
        (
            lambda store, key, keys: store.card_key_kcv(key),
            "a check value needs card-key or secure-channel or master-derive",
        ),
        (
            lambda store, key, keys: store.scp02_session(keys, bytes(2)),
            "a session needs secure-channel or master-derive",
        ),
        (
            lambda store, key, keys: store.scp03_card_challenge(key, bytes(3), bytes(5), 8),
            "a session needs secure-channel or master-derive",
        ),
        (lambda store, key, keys: store.wrap_for_card(key, key), "a key for a card needs card-key or secure-channel"),
        (
            lambda store, key, keys: store.verify_content("test:one", b"", b""),
            "checking a signature needs sign or data-mac",
        ),
    ],
)
def test_what_a_key_is_not_for_is_named(call, purpose):
    store = MemoryKeyStore({"test:one": Key(bytes(range(0x50, 0x60)), "one", "AES-128", Usage.DATA_ENC)})
    key = CardKey("test:one")
    assert said(call, store, key, CardKeySet(1, key, key, key)) == f"key test:one: usage data-enc, {purpose}"


def test_a_signing_key_agrees_on_nothing():
    key = PrivateKey.of(ec.derive_private_key(7, ec.SECP256R1()), "one", Usage.SIGN)
    store = MemoryKeyStore({"test:one": key})
    assert said(store.agree, "test:one", b"\4") == "key test:one: usage sign, a key agreement needs agree"


def test_what_is_agreed_on_is_named():
    ours, theirs = (PrivateKey.of(ec.derive_private_key(one, ec.SECP256R1()), "one", Usage.AGREE) for one in (7, 9))
    agreed = agree(ours, theirs.public[-65:])
    assert facts(agreed) == ("one agreed", "ECDH-256", Usage.MASTER_DERIVE)


def test_a_private_key_is_shown_by_its_public_half():
    key = PrivateKey.of(ec.derive_private_key(7, ec.SECP256R1()), "one", Usage.SIGN)
    assert key.kcv == hashlib.sha256(key.public).hexdigest().upper()


def test_a_curve_nobody_uses_is_named_with_those_in_use():
    key = ec.derive_private_key(7, ec.SECP256K1())
    known = "secp256r1, secp384r1, secp521r1, brainpoolP256r1, brainpoolP384r1, brainpoolP512r1"
    assert said(PrivateKey.of, key, "one", Usage.SIGN) == f"key one: curve secp256k1, expected one of {known}"


@pytest.mark.parametrize(
    ("name", "usage", "text"),
    [
        ("rsa-1024", Usage.AGREE, "key one: RSA-1024, a key agreement needs an elliptic curve"),
        ("ec-p256", Usage.EMV_SIGN, "key one: EC-P256, EMV certificates are signed with RSA"),
    ],
)
def test_a_private_key_of_the_wrong_family_is_named(name, usage, text):
    value = (Path(__file__).parents[2] / "vectors" / "keys" / f"{name}.der").read_bytes()
    assert said(PrivateKey, value, "one", usage) == text


def test_session_keys_of_a_travel_document_are_named_and_for_one_purpose():
    keys = messaging_keys(Secret(bytes(range(16)), "key seed"), "AES-128")
    assert facts(keys.enc) == ("key seed 1", "AES-128", Usage.SECURE_CHANNEL)
    assert facts(keys.mac) == ("key seed 2", "AES-128", Usage.SECURE_CHANNEL)


def test_basic_access_answered_with_other_challenges():
    keys, own = messaging_keys(Secret(bytes(range(16)), "key seed"), "3DES-128"), Secret(bytes(16), "own half")
    with keys.enc.reveal() as clear:
        cryptogram = CbcEncryptor("3DES", clear).encrypt(bytes(range(32)))
    answer = cryptogram + mac(keys.mac, cryptogram)
    text = "BAC: the chip's answer is to other challenges: expected ours back"
    assert said(basic_access_session, keys, bytes(16), own, answer, error=AuthenticationError) == text
    short = "BAC: the chip's answer of 39 bytes has a wrong MAC, expected 40"
    assert said(basic_access_session, keys, bytes(16), own, answer[1:], error=AuthenticationError) == short


def test_a_key_that_wraps_nothing_is_named():
    key = Key(bytes(range(16)), "one", "AES-128", Usage.DATA_ENC)
    text = "key one: usage data-enc, wrapping needs transport-out"
    assert said(wrap.wrap, key, Secret(bytes(16), "ki"), wrap.Wrapping.AES_KW, b"", b"") == text


def test_an_exponent_nobody_uses_is_named():
    text = "RSA: public exponent 05, expected 03 or 010001"
    assert said(RsaPublicKey(bytes(16), b"\x05").recover, bytes(16), error=EncodingError) == text


def test_additions_of_milenage_are_five():
    text = "Milenage additions: expected 5 times 16 bytes"
    assert said(aka.MilenageConstants, additions=(bytes(16),) * 4, error=EncodingError) == text


@pytest.mark.usefixtures("cheap")
def test_a_stored_key_keeps_its_reference(tmp_path):
    binding, text = Binding("b", 1, 1), "key plant:kmc: usage master-derive, a marker needs data-mac"
    with new_store(tmp_path) as store:
        store.import_key(NEW, bytearray(VALUE))
        assert said(store.marker, "plant:kmc", binding, MarkerState.STARTED) == text
        text_of_block = "key plant:kmc: usage master-derive, protecting a key block needs block-protection"
        assert said(store.import_block, NEW, "", "plant:kmc") == text_of_block
    with reopened(tmp_path) as store:
        assert said(store.marker, "plant:kmc", binding, MarkerState.STARTED) == text


@pytest.mark.usefixtures("cheap")
def test_a_test_key_in_a_live_store_is_named(tmp_path):
    with new_store(tmp_path, "LIVE") as store:
        text = said(store.import_key, NEW, bytearray(bytes(range(16))))
    assert text == "key plant:kmc: a known test key (counting bytes), refused in a live store"


@pytest.mark.usefixtures("cheap")
def test_a_key_without_a_check_value_has_an_empty_one(tmp_path):
    with new_store(tmp_path) as store:
        entry = store.import_key(replace(NEW, algorithm="HMAC-256"), bytearray(range(1, 33)))
    assert (entry.kcv, entry.kcv_method) == ("", "none")


def test_a_changed_entry_is_named():
    entry = Entry("a:b", "AES-128", 128, Usage.KEK, "", None, "", "none", State.ACTIVE, "", "", False, "")
    sealer = Sealer(Secret(bytes(32), "root"), "00" * 16)
    changed = msgspec.structs.replace(sealer.seal(entry, b"key"), bits=192)
    assert said(sealer.open, changed) == "key a:b: its entry was changed"


@pytest.mark.usefixtures("cheap")
@pytest.mark.parametrize("unlock", [{"by": "shares", "m": 2, "n": 3}, {"by": "passphrase"}])
def test_a_forged_way_of_unlocking_is_refused(path, unlock):
    document = json.loads(path.read_text())
    changed = {"unlock": {"m": 0, "n": 0, **unlock}, **({"kdf": None} if unlock["by"] == "passphrase" else {})}
    path.write_text(json.dumps({**document, **changed}))
    text = f"{path}: opened by {unlock.get('m', 0)} of {unlock.get('n', 0)} shares, not a passphrase"
    assert said(FileKeyStore.open, path, phrase()) == text


@pytest.mark.usefixtures("cheap")
def test_a_key_store_file_is_indented_for_people(path):
    assert path.read_text() == json.dumps(json.loads(path.read_text()), indent=1) + "\n"


def test_a_data_key_file_of_another_length_is_named(tmp_path):
    path = tmp_path / "store.key"
    path.write_bytes(b"")
    assert said(datakey.load_or_create, path) == f"{path}: no data key file: 0 bytes, expected 50"
    nowhere = tmp_path / "nowhere" / "store.key"
    assert said(datakey.load_or_create, nowhere) == f"{nowhere}: data key file: No such file or directory"


def test_a_missing_test_key_file_is_named(tmp_path):
    text = said(MemoryKeyStore.from_toml, tmp_path / "none.toml")
    assert "test key file cannot be read: [Errno 2] No such file or directory" in text


def test_a_secret_is_formatted_like_any_text():
    assert f"{Secret(b'1234', 'pin'):>25}" == "    <Secret pin, 4 bytes>"


def test_what_is_not_pickled_is_named():
    with pytest.raises(TypeError, match=r"^<Secret pin, 4 bytes> refuses to be pickled or copied$"):
        Secret(b"1234", "pin").__getstate__()


@pytest.mark.parametrize(
    ("change", "text"),
    [
        (lambda block: block[:-1] + "g", "expected pairs of upper-case hex digits after the header"),
        (lambda block: block[:-1] + "\x7f", "expected printable ASCII characters"),
        (
            lambda block: block[:-1] + ("0" if block[-1] == "1" else "1"),
            "the MAC is wrong: another protection key, or a changed block",
        ),
    ],
)
def test_what_is_wrong_with_a_key_block(change, text):
    kbpk = ClearKey(Key(bytes(range(32)), "kbpk", "AES-256", Usage.BLOCK_PROTECTION))
    block = write_block(kbpk, Header("D", "K0", "A", "N"), Secret(bytes(range(16)), "key"), bytes)
    assert said(read_block, kbpk, change(block)) == f"key block: {text}"


# Shares and packed values keep their names.


def test_a_mistyped_share_is_named_by_its_index_alone():
    assert said(shamir.Share.from_text, "3-abcd-00000000") == "share 3: its check digits do not fit: mistyped"


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

"""What encrypts sensitive data: the session's DEK or the static one, and its mode (GPCS D.3.5, E.4.7; Amd D 6.2.8)."""

from __future__ import annotations

from dataclasses import replace

import pytest

from cardkit.crypto import Key, MemoryKeyStore, Usage
from cardkit.crypto.cardkeys import CardKey, CardKeySet, SessionKeys
from cardkit.errors import KeyStoreError, SecureMessagingError
from cardkit.secure import Dek, Quirks, SecurityLevel, Terms, decode_parameters, open_implicit_session
from cardkit.secure.scp01 import Scp01Session
from cardkit.secure.scp02 import Scp02Session
from cardkit.secure.scp03 import Scp03Session
from tests.unit.secure import naive
from tests.unit.secure.sessions import DEK, aes_keys, des_keys

STATIC = bytes(range(0x10, 0x20))
NEW = bytes(range(0x70, 0x80))
ONE = CardKey("test:static")
KEYS = CardKeySet(1, ONE, ONE, ONE)
AID = bytes.fromhex("A000000151000000")


def store(family: str) -> MemoryKeyStore:
    return MemoryKeyStore(
        {
            "test:static": Key(STATIC, "static", f"{family}-128", Usage.SECURE_CHANNEL),
            "test:new": Key(NEW, "new", f"{family}-128", Usage.SECURE_CHANNEL),
        }
    )


def terms(scp: int, i: int) -> Terms:
    return Terms(decode_parameters(scp, i), SecurityLevel.C_MAC, Quirks(), 255)


def without_dek(keys: SessionKeys) -> SessionKeys:
    return replace(keys, dek=None)


SESSIONS = {
    "scp01": (Scp01Session(terms(1, 5), without_dek(des_keys()), b"p" * 8), "3DES", naive.des3_ecb, STATIC),
    "scp02": (Scp02Session(terms(2, 0x15), des_keys(), b"p" * 8), "3DES", naive.des3_ecb, DEK[:16]),
    "scp03": (
        Scp03Session(terms(3, 0x70), without_dek(aes_keys()), b"p" * 8),
        "AES",
        lambda key, data: naive.aes_cbc(key, bytes(16), data),
        STATIC,
    ),
    "implicit": (
        open_implicit_session(decode_parameters(2, 0x1B), AID, des_keys()),
        "3DES",
        lambda key, data: naive.des3_cbc(key, bytes(8), data),
        DEK[:16],
    ),
}


@pytest.mark.parametrize("name", SESSIONS)
def test_sensitive_data_goes_under_the_right_key_in_the_right_mode(name):
    session, family, cipher, value = SESSIONS[name]
    dek = session.dek(store(family), KEYS)
    assert dek.block_size == (16 if family == "AES" else 8)
    for data in (b"\x11" * 16, bytes(range(48))):
        assert dek.encrypt(data) == cipher(value, data)
    wrapped = dek.wrap(CardKey("test:new"))
    assert wrapped.cryptogram == cipher(value, NEW)
    assert (wrapped.algorithm, wrapped.size_bytes) == (f"{family}-128", 16)


@pytest.mark.parametrize("name", SESSIONS)
def test_data_that_are_no_whole_blocks_are_refused(name):
    session, family, _, _ = SESSIONS[name]
    dek = session.dek(store(family), KEYS)
    for data in (b"", bytes(7)):
        with pytest.raises(KeyStoreError):
            dek.encrypt(data)


@pytest.mark.parametrize(("name", "needed"), [("scp01", True), ("scp03", True), ("scp02", False), ("implicit", False)])
def test_static_keys_are_needed_where_the_session_has_no_dek(name, needed):
    session, family, _, _ = SESSIONS[name]
    if not needed:
        assert session.dek(store(family), None).encrypt(bytes(16))
        return
    with pytest.raises(
        KeyStoreError, match=r"^sensitive data goes under the card's static DEK here: no key set was given$"
    ):
        session.dek(store(family), None)


def test_an_implicit_session_has_a_dek_of_its_own():
    keys = without_dek(des_keys())
    session = open_implicit_session(decode_parameters(2, 0x1B), AID, keys)
    assert session.dek(store("3DES"), KEYS).encrypt(bytes(8)) == naive.des3_ecb(STATIC, bytes(8))
    chained = Dek(store("3DES"), ONE, 8, chained=True)
    with pytest.raises(
        KeyStoreError, match=r"^implicit SCP02: sensitive data goes under the session's DEK, not a static one$"
    ):
        chained.encrypt(bytes(8))


def test_a_dek_ends_with_its_session():
    session = Scp02Session(terms(2, 0x15), des_keys(), b"p" * 8)
    session.close()
    with pytest.raises(SecureMessagingError, match="its keys are gone"):
        session.dek(store("3DES"), KEYS)


def test_a_dek_shows_no_key():
    session, family, _, _ = SESSIONS["scp02"]
    shown = repr(session.dek(store(family), KEYS))
    assert "A0A1A2" not in shown.upper()
    assert "<3DES-128 kcv=" in shown

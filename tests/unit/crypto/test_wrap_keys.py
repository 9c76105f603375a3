"""Several keys of a card as one value under its DEK: what DGI 8000 of EMV CPS carries."""

from __future__ import annotations

import pytest
from cryptography.hazmat.decrepit.ciphers.algorithms import TripleDES
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

from cardkit.crypto import Key, MemoryKeyStore, Usage
from cardkit.crypto.cardkeys import CardKey, Role, Scheme
from cardkit.errors import KeyStoreError

KMC = bytes(range(0x40, 0x50))
KEYS = {
    "test:a": Key(bytes(range(0x50, 0x60)), "a", "3DES-128", Usage.CARD_KEY),
    "test:b": Key(bytes(range(0x60, 0x70)), "b", "AES-128", Usage.CARD_KEY),
    "test:c": Key(bytes(range(0x70, 0x88)), "c", "3DES-192", Usage.CARD_KEY),
    "test:kmc": Key(KMC, "kmc", "3DES-128", Usage.MASTER_DERIVE),
    "test:seal": Key(bytes(range(16)), "seal", "3DES-128", Usage.DATA_ENC),
}
CLEAR = bytes(range(0x50, 0x70))


@pytest.fixture
def keystore():
    return MemoryKeyStore(KEYS)


def test_under_3des_each_block_stands_alone(keystore):
    dek = Key(KMC, "S-DEK", "3DES-128", Usage.TRANSPORT_OUT)
    wrapped = keystore.wrap_keys_for_card([CardKey("test:a"), CardKey("test:b")], dek)
    cipher = Cipher(TripleDES(KMC + KMC[:8]), modes.ECB()).decryptor()
    assert cipher.update(wrapped) == CLEAR


def test_under_aes_the_second_key_is_chained_to_the_first(keystore):
    dek = Key(KMC, "DEK", "AES-128", Usage.TRANSPORT_OUT)
    wrapped = keystore.wrap_keys_for_card([CardKey("test:a"), CardKey("test:b")], dek)
    cipher = Cipher(algorithms.AES(KMC), modes.CBC(bytes(16))).decryptor()
    assert cipher.update(wrapped) == CLEAR


def test_a_derived_key_is_wrapped_as_the_key_it_gives(keystore):
    """The published card keys of KMC 40..4F (cps_kdf.json): KDEK 6402..8761 for KEYDATA 00..09."""
    dek = Key(KMC, "S-DEK", "3DES-128", Usage.TRANSPORT_OUT)
    derived = CardKey("test:kmc", Scheme.EMV, bytes(range(10)), Role.DEK)
    cipher = Cipher(TripleDES(KMC + KMC[:8]), modes.ECB()).decryptor()
    assert (
        cipher.update(keystore.wrap_keys_for_card([derived], dek)).hex().upper() == "64021E43C0C7D264A1C7C6D01E1C8761"
    )


@pytest.mark.parametrize(("keys", "text"), [([], "0 bytes"), (["test:c"], "24 bytes")])
def test_what_is_no_whole_block_is_refused(keystore, keys, text):
    dek = Key(KMC, "DEK", "AES-128", Usage.TRANSPORT_OUT)
    with pytest.raises(KeyStoreError, match=f"{text}, expected a multiple of 16"):
        keystore.wrap_keys_for_card([CardKey(name) for name in keys], dek)


def test_a_key_for_another_purpose_never_leaves(keystore):
    dek = Key(KMC, "DEK", "AES-128", Usage.TRANSPORT_OUT)
    with pytest.raises(KeyStoreError, match="usage data-enc, a key for a card needs"):
        keystore.wrap_keys_for_card([CardKey("test:seal")], dek)

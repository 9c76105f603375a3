"""The public half of a stored private key, as certificates carry it."""

from __future__ import annotations

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from cardkit.crypto import Key, MemoryKeyStore, Usage
from cardkit.crypto.private import PrivateKey
from cardkit.errors import KeyStoreError


def test_it_is_the_subject_public_key_info_of_the_key() -> None:
    private = ec.derive_private_key(0x4041424344454647, ec.BrainpoolP256R1())
    store = MemoryKeyStore({"test:ds": PrivateKey.of(private, "ds", Usage.SIGN)})
    expected = private.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    assert store.public_key_info("test:ds") == expected


def test_a_symmetric_key_has_none() -> None:
    store = MemoryKeyStore({"test:mac": Key(bytes(range(0x40, 0x50)), "mac", "AES-128", Usage.SIGN)})
    with pytest.raises(KeyStoreError, match="test:mac: no private key"):
        store.public_key_info("test:mac")

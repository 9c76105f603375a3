"""Fixtures of the key store files."""

from __future__ import annotations

import pytest

from cardkit.crypto import passphrase
from tests.unit.crypto.storefiles import NEW, VALUE, new_store


@pytest.fixture
def cheap(monkeypatch):
    """Passphrases are stretched with the least cost, so that tests are fast."""
    monkeypatch.setitem(passphrase.COSTS, "argon2id", {"m_kib": 32, "t": 1, "p": 4})
    monkeypatch.setitem(passphrase.COSTS, "scrypt", {"n": 2, "r": 8, "p": 1})


@pytest.fixture
def path(tmp_path):
    with new_store(tmp_path) as store:
        store.import_key(NEW, bytearray(VALUE))
    return tmp_path / "a.keys"

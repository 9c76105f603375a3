"""The key set of a batch: the keys its cards ask for, by reference and check value. production.md 1, security.md P11"""

from __future__ import annotations

import hashlib

from cardkit.crypto import KeyStore
from cardkit.crypto.keysource import KeySource
from cardkit.errors import KeyStoreError
from cardkit.perso import check_keys
from cardkit.production.canonical import canonical
from cardkit.production.couplers.bench import open_keys
from cardkit.production.store.store import Batch
from cardkit.profile import Profile


def keyset_sha256(profile: Profile, keystore: KeyStore) -> bytes:
    """Return the digest of the key set a profile works with, 32 bytes.

    Of a LIVE profile it is that of every key a station needs, so that a batch is made with the keys it was approved
    with; of a TEST profile it is that of its file of test keys.

    :raises KeyStoreError: for LIVE, where one is missing or the store is not LIVE.
    """
    if profile.kind == "LIVE":
        found = check_keys(profile, keystore)
        content = canonical([[key.reference, key.algorithm, key.usage.value, key.kcv or ""] for key in found])
    else:
        content = profile.test_keys.read_bytes() if profile.test_keys is not None else b""
    return hashlib.sha256(content).digest()


def require_keys(profile: Profile, lot: Batch, keys: KeySource | None) -> None:
    """Open a run's key store once and find in it every key its cards ask for, before the first card.

    :raises KeyStoreError: where it does not open; where a key is missing, or is not the one the batch was approved
        with; where a LIVE batch has test keys, or a TEST batch live ones.
    """
    with open_keys(profile, keys) as keystore:
        check_keys(profile, keystore)
        if profile.kind == "LIVE" and keyset_sha256(profile, keystore) != lot.keyset_sha256:
            raise KeyStoreError(f"batch {lot.name}: its key store holds other keys than the batch was imported with")

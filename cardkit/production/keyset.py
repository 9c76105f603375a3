"""The key set of a batch: the keys its cards ask for, by reference and check value. production.md 1, security.md P11

A card secret has no check value, for a short code could be found by it. Its fingerprint stands for it: a digest under
a key of the store that holds it. So a batch with such cards is made with that store, not with another of the same keys.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from typing import Any, Protocol, runtime_checkable

from cardkit.crypto import KeyInfo, KeyStore
from cardkit.crypto.filestore import FileKeyStore
from cardkit.crypto.keysource import KeySource
from cardkit.errors import KeyStoreError
from cardkit.perso import check_keys
from cardkit.production.canonical import canonical
from cardkit.production.couplers.bench import open_keys
from cardkit.production.store.store import Batch
from cardkit.profile import Profile


@runtime_checkable
class Limited(Protocol):
    """A key store that cannot do everything inside: what it lacks is done in a wiped buffer (K9)."""

    @property
    def limits(self) -> list[str]:
        """What it cannot do."""
        ...


def keyset_sha256(profile: Profile, keystore: KeyStore) -> bytes:
    """Return the digest of the key set a profile works with, 32 bytes.

    Of a LIVE profile it is that of every key a station needs, so that a batch is made with the keys it was approved
    with; of a TEST profile it is that of its file of test keys.

    :raises KeyStoreError: for LIVE, where one is missing or the store is not LIVE.
    """
    if profile.kind == "LIVE":
        return _digest(check_keys(profile, keystore))
    return hashlib.sha256(profile.test_keys.read_bytes() if profile.test_keys is not None else b"").digest()


def require_keys(profile: Profile, lot: Batch, keys: KeySource | None) -> dict[str, Any]:
    """Open a run's key store once and find in it every key its cards ask for, before the first card.

    :returns: what the audit keeps of a key store that was named: its kind, the key set, and of a file its counter and
        digest, so that an old copy shows; of a token what it cannot do inside. Empty for test keys of a profile.
    :raises KeyStoreError: where it does not open; where a key is missing, or is not the one the batch was imported
        with; where a LIVE batch has test keys, or a TEST batch live ones.
    """
    with open_keys(profile, keys) as keystore:
        digest = _digest(check_keys(profile, keystore))
        if profile.kind == "LIVE" and digest != lot.keyset_sha256:
            raise KeyStoreError(f"batch {lot.name}: its key store holds other keys than the batch was imported with")
        if keys is None:
            return {}
        told: dict[str, Any] = {"kind": keystore.kind, "keyset_sha256": digest.hex()}
        if isinstance(keystore, FileKeyStore):
            told |= {"store": "file", "counter": keystore.counter, "sha256": keystore.sha256}
        if isinstance(keystore, Limited):
            told |= {"store": "token", "lacks": keystore.limits}
        return told


def _digest(found: Iterable[KeyInfo]) -> bytes:
    content = [[key.reference, key.algorithm, key.usage.value, key.kcv or key.fingerprint or ""] for key in found]
    return hashlib.sha256(canonical(content)).digest()

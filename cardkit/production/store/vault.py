"""What the store keeps in cipher: cells of records and prepared values, and keyed digests instead of identities.

The data key lies beside the database, never in it: a backup of the database alone opens nothing. security.md 9
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Callable
from functools import cached_property
from pathlib import Path

from cardkit.crypto import Key, Secret, Usage, auditsign, datakey
from cardkit.crypto.digest import DupDigests
from cardkit.crypto.marker import Binding, MarkerState, marker
from cardkit.crypto.private import PrivateKey
from cardkit.crypto.secret import joined
from cardkit.crypto.wrap import bound_nonce
from cardkit.errors import KeyStoreError
from cardkit.production.sealing import CellSealer, SealingKeys

CHIP_REF_BYTES = 8


class BatchVault(CellSealer):
    """The cells and the markers of one batch."""

    def __init__(self, batch_key: Key, installation: str, batch: str) -> None:
        super().__init__(installation, batch, _cells_key(batch_key, batch))
        self._batch = batch
        self._draws_key = datakey.derive(batch_key, f"draws:{batch}", "HMAC-256", Usage.MASTER_DERIVE)
        self._nonce_key = datakey.derive(batch_key, f"nonce:{batch}", "HMAC-256", Usage.DATA_MAC)
        self._marker_key = datakey.derive(batch_key, f"marker:{batch}", "HMAC-256", Usage.DATA_MAC)

    def draws(self, row_no: int) -> Callable[[int], bytes]:
        """Return what gives one row's challenges, size -> bytes: unknown outside, and the same at a second try."""
        return lambda size: datakey.expand(self._draws_key, f"{self._batch}\0{row_no}".encode(), size)

    def tag(self, row_no: int, token: int) -> bytes:
        """Return the 16 bytes that a chip's marker carries for this row and token. production.md 6"""
        binding = Binding(self._batch, row_no, token)
        return marker(self._marker_key, binding, MarkerState.STARTED)[2:]

    def nonce(self, context: bytes, value: Secret) -> bytes:
        """Return the nonce under which an output file has a value in its place, 12 bytes."""
        return bound_nonce(self._nonce_key, context, value)


class Vault:
    """The keys of a store's data: a key file of its own, and one for each batch, which a purge destroys.

    :param path: of the database.
    :param check: what :meth:`key_check` answered when the store was founded; None while founding it.
    """

    def __init__(self, path: Path, installation: str, check: bytes | None = None) -> None:
        self._path = path.with_name(f"{path.name}.key")
        self._folder = path.with_name(f"{path.name}.keys")
        self._installation = installation
        self._check = check

    def key_check(self) -> bytes:
        """Return 32 bytes that tell this key file from any other and give nothing away."""
        return self._digest_of(self._master)

    def batch(self, name: str) -> BatchVault:
        """Return the vault of one batch.

        :raises KeyStoreError: when its key is gone: the batch was purged, or the key file is missing.
        """
        return BatchVault(self._batch_key(name), self._installation, name)

    def sealing_keys(self, batch: str) -> SealingKeys:
        """Return the keys that put the rows of a batch in cipher; makes the key of a new batch."""
        key = self._batch_key(batch, create=True)
        return SealingKeys(self._installation, batch, _cells_key(key, batch), _digests_key(self._master))

    def destroy(self, batch: str) -> bool:
        """Destroy the key of a batch: its cells cannot be opened any more, nor those in backups of the database.

        :returns: whether there was one.
        """
        return datakey.destroy(self._batch_path(batch))

    def _batch_key(self, batch: str, *, create: bool = False) -> Key:
        """Return the random key of a batch; the store's own is asked for first, so that a wrong one is noticed."""
        path, _ = self._batch_path(batch), self._master
        if create:
            self._make_folder()
        elif not path.exists():
            raise KeyStoreError(f"{path}: the key of batch {batch} is missing: it was purged, or the file is lost")
        return datakey.load_or_create(path)

    def _make_folder(self) -> None:
        try:
            self._folder.mkdir(mode=0o700, exist_ok=True)
        except OSError as error:
            raise KeyStoreError(f"{self._folder}: folder of batch keys: {error.strerror or error}") from None

    def _batch_path(self, batch: str) -> Path:
        # Names differ by more than their case on every file system.
        digest = hashlib.sha256(batch.encode()).hexdigest()[:16]
        return self._folder / f"{batch}-{digest}.key"

    def audit_key(self) -> PrivateKey:
        """Return the key that signs the audit as long as no other one is named."""
        return auditsign.key_of_seed(datakey.derive(self._master, "audit", "HMAC-256", Usage.MASTER_DERIVE), "audit")

    def business_key(self, kind: str, value: str) -> bytes:
        """Return the digest under which a business key is remembered for ever, 32 bytes."""
        return self._digests.of(kind, value)

    def key_digests(self, product: str) -> bytes:
        """Return the key of the digests that tell whether a product's cards have keys of their own, 32 bytes. K15

        It goes to whoever works with those keys, and lies nowhere.
        """
        return joined((datakey.derive(self._master, f"plant:keys:{product}", "HMAC-256", Usage.DUP_DIGEST),))

    def chip_ref(self, chip_id: str) -> str:
        """Return what reports call a chip, 16 hex digits."""
        return self._digests.of("chip", chip_id)[:CHIP_REF_BYTES].hex()

    @cached_property
    def _master(self) -> Key:
        if self._check is not None and not self._path.exists():
            raise KeyStoreError(f"{self._path}: the store's key file is missing: its records cannot be opened")
        master = datakey.load_or_create(self._path)
        if self._check is not None and not hmac.compare_digest(self._check, self._digest_of(master)):
            raise KeyStoreError(f"{self._path}: not the key file of this store")
        return master

    @cached_property
    def _digests(self) -> DupDigests:
        return _digests(self._master)

    def _digest_of(self, master: Key) -> bytes:
        return _digests(master).of("store", self._installation)


def _digests(master: Key) -> DupDigests:
    return DupDigests(_digests_key(master))


def _digests_key(master: Key) -> Key:
    return datakey.derive(master, "plant:dup", "HMAC-256", Usage.DUP_DIGEST)


def _cells_key(batch_key: Key, batch: str) -> Key:
    return datakey.derive(batch_key, f"cells:{batch}", "AES-256", Usage.FIELD_ENC)

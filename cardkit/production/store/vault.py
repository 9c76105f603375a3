"""What the store keeps in cipher: cells of records and prepared values, and keyed digests instead of identities.

The data key lies beside the database, never in it: a backup of the database alone opens nothing. security.md 9
"""

from __future__ import annotations

import hmac
import os
from functools import cached_property
from pathlib import Path

from cardkit.crypto import Key, Secret, Usage, datakey
from cardkit.crypto.cell import NONCE_BYTES, CellAddress, CellCipher
from cardkit.crypto.digest import DupDigests
from cardkit.crypto.marker import Binding, MarkerState, marker
from cardkit.crypto.wrap import bound_nonce
from cardkit.errors import KeyStoreError

CELL_SCHEMA = 1
CHIP_REF_BYTES = 8


class BatchVault:
    """The cells and the markers of one batch."""

    def __init__(self, master: Key, installation: str, batch: str) -> None:
        self._installation = installation
        self._batch = batch
        self._cells = CellCipher(datakey.derive(master, f"cells:{batch}", "AES-256", Usage.FIELD_ENC))
        self._nonce_key = datakey.derive(master, f"nonce:{batch}", "HMAC-256", Usage.DATA_MAC)
        self._marker_key = datakey.derive(master, f"marker:{batch}", "HMAC-256", Usage.DATA_MAC)

    def seal(self, row_no: int, field: str, value: bytes) -> bytes:
        """Return the cell of a value of one row."""
        return self._cells.seal(self._address(row_no, field), value, os.urandom(NONCE_BYTES))

    def open(self, row_no: int, field: str, cell: bytes) -> bytes:
        """Return the value of a cell; KeyStoreError when it was changed or lay elsewhere."""
        return self._cells.open(self._address(row_no, field), cell)

    def tag(self, row_no: int, token: int) -> bytes:
        """Return the 16 bytes that a chip's marker carries for this row and token. production.md 6"""
        binding = Binding(self._batch, row_no, token)
        return marker(self._marker_key, binding, MarkerState.STARTED)[2:]

    def nonce(self, context: bytes, value: Secret) -> bytes:
        """Return the nonce under which an output file has a value in its place, 12 bytes."""
        return bound_nonce(self._nonce_key, context, value)

    def _address(self, row_no: int, field: str) -> CellAddress:
        return CellAddress(self._installation, self._batch, row_no, field, CELL_SCHEMA)


class Vault:
    """Keys derived from the data key file of a store.

    :param path: of the database.
    :param check: what :meth:`key_check` answered when the store was founded; None while founding it.
    """

    def __init__(self, path: Path, installation: str, check: bytes | None = None) -> None:
        self._path = path.with_name(f"{path.name}.key")
        self._installation = installation
        self._check = check

    def key_check(self) -> bytes:
        """Return 32 bytes that tell this key file from any other and give nothing away."""
        return self._digest_of(self._master)

    def batch(self, name: str) -> BatchVault:
        """Return the vault of one batch."""
        return BatchVault(self._master, self._installation, name)

    def business_key(self, kind: str, value: str) -> bytes:
        """Return the digest under which a business key is remembered for ever, 32 bytes."""
        return self._digests.of(kind, value)

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
    return DupDigests(datakey.derive(master, "plant:dup", "HMAC-256", Usage.DUP_DIGEST))

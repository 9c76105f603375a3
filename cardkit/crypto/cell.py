"""Encrypted cells of the store: one AES-256-GCM value bound to the place it lies in.

Cell = ``01 | nonce 12 | ciphertext | tag 16``; associated data =
``"cardkit-cell-1" 00 installation 00 batch 00 record 00 field 00 schema``.
"""

from __future__ import annotations

from typing import NamedTuple

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from cardkit.crypto.key import Key, Usage
from cardkit.errors import EncodingError, KeyStoreError

VERSION = 1
NONCE_BYTES = 12
TAG_BYTES = 16


class CellAddress(NamedTuple):
    """Where a cell lies; a cell moved elsewhere no longer opens.

    :param record_no: the record's number in its batch.
    :param field: the column.  :param schema: the store's schema version.
    """

    installation: str
    batch: str
    record_no: int
    field: str
    schema: int

    def associated_data(self) -> bytes:
        """Return the associated data; EncodingError where a name holds a NUL."""
        text = f"cardkit-cell-1\0{self.installation}\0{self.batch}\0{self.record_no}\0{self.field}\0{self.schema}"
        if text.count("\0") != 5:
            raise EncodingError(f"cell {self.field!r} of record {self.record_no}: a name holds a NUL")
        return text.encode()


class CellCipher:
    """Seals and opens the cells of one data key; drop it with the job, the key's schedule lives in it.

    :param key: AES-256 with usage field-enc.  :raises KeyStoreError: on another key.
    """

    __slots__ = ("_aead", "_name")

    def __init__(self, key: Key) -> None:
        if key.usage is not Usage.FIELD_ENC or key.algorithm != "AES-256":
            raise KeyStoreError(f"key {key.name}: {key.algorithm} for {key.usage}, a cell needs AES-256 for field-enc")
        with key.reveal() as clear:
            self._aead = AESGCM(clear)
        self._name = key.name

    def seal(self, address: CellAddress, value: bytes | bytearray, nonce: bytes) -> bytes:
        """Return the cell of a value.

        :param nonce: 12 fresh random bytes, never used twice with this key (limit 2**28 cells).
        :raises EncodingError: on a nonce of another length.
        """
        if len(nonce) != NONCE_BYTES:
            raise EncodingError(f"cell {address.field!r}: nonce of {len(nonce)} bytes, expected {NONCE_BYTES}")
        return bytes((VERSION,)) + nonce + self._aead.encrypt(nonce, value, address.associated_data())

    def open(self, address: CellAddress, cell: bytes) -> bytes:
        """Return the value of a cell.

        :raises EncodingError: on bytes that are no cell.
        :raises KeyStoreError: on another key, a changed cell, or a cell that was moved from another address.
        """
        if len(cell) < 1 + NONCE_BYTES + TAG_BYTES or cell[0] != VERSION:
            raise EncodingError(
                f"cell {address.field!r} of record {address.record_no}: {len(cell)} bytes are no cell, version 1"
            )
        nonce, sealed = cell[1 : 1 + NONCE_BYTES], cell[1 + NONCE_BYTES :]
        try:
            return self._aead.decrypt(nonce, sealed, address.associated_data())
        except InvalidTag:
            raise KeyStoreError(
                f"cell {address.field!r} of record {address.record_no} in batch {address.batch}: does not open under"
                f" {self._name}: another key, changed, or moved"
            ) from None

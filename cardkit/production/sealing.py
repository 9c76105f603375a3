"""The rows of a batch in cipher, as the store keeps them; without the store, so that other processes may do it.

Cell and digest: security.md 9, production.md 9.
"""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Mapping
from dataclasses import dataclass

import msgspec

from cardkit.crypto import Key
from cardkit.crypto.cell import NONCE_BYTES, CellAddress, CellCipher
from cardkit.crypto.digest import DupDigests
from cardkit.crypto.pack import pack, unpack
from cardkit.errors import EncodingError

CELL_SCHEMA = 1
DATA_FIELD = "record"
DETAIL_FIELD = "quarantine"


@dataclass(frozen=True, slots=True)
class NewRecord:
    """One good row.

    :param row_no: data row of the file, from 1.  :param data: canonical record.
    :param keys: kind and normal value of each business key.
    :param prepared: canonical random and slow values, where the profile has them.
    """

    row_no: int
    data: bytes | bytearray = dataclasses.field(repr=False)
    keys: Mapping[str, str] = dataclasses.field(default_factory=dict, repr=False)
    prepared: bytes | None = dataclasses.field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class BadRecord:
    """One row that was refused.

    :param detail: why, and the value unless it is secret; kept in cipher.
    """

    row_no: int
    line: int
    field: str
    code: str
    detail: str = dataclasses.field(repr=False)


class SealedRows(msgspec.Struct, array_like=True):
    """Some rows in cipher, nearly as their tables want them.

    :param kinds: of the business keys that each record has.
    :param records: row number, cell, and the digests of the business keys one after another, 32 bytes each.
    :param prepared: row number and cell.  :param refused: row number, line, field, code, and cell of the detail.
    """

    kinds: tuple[str, ...]
    records: list[tuple[int, bytes, bytes]]
    prepared: list[tuple[int, bytes]]
    refused: list[tuple[int, int, str, str, bytes]]


@dataclass(frozen=True, slots=True)
class SealingKeys:
    """The keys a batch's rows are sealed with.

    :param cells: AES-256, field-enc.  :param digests: HMAC-256, dup-digest.
    """

    installation: str
    batch: str
    cells: Key
    digests: Key

    def to_bytes(self) -> bytearray:
        """Return them in clear, for another process: seal them in an envelope, then wipe them."""
        return pack(
            {"installation": self.installation, "batch": self.batch, "cells": self.cells, "digests": self.digests}
        )

    @classmethod
    def from_bytes(cls, data: bytes) -> SealingKeys:
        """Read what :meth:`to_bytes` gave; EncodingError on anything else."""
        match unpack(data):
            case {
                "installation": str(installation),
                "batch": str(batch),
                "cells": Key() as cells,
                "digests": Key() as digests,
            }:
                return cls(installation, batch, cells, digests)
        raise EncodingError("sealing keys: other values than those of a batch")


class CellSealer:
    """Seals and opens the cells of one batch."""

    def __init__(self, installation: str, batch: str, key: Key) -> None:
        self._installation = installation
        self._batch = batch
        self._cells = CellCipher(key)

    def seal(self, row_no: int, name: str, value: bytes | bytearray) -> bytes:
        """Return the cell of a value of one row."""
        return self._cells.seal(self._address(row_no, name), value, os.urandom(NONCE_BYTES))

    def open(self, row_no: int, name: str, cell: bytes) -> bytes:
        """Return the value of a cell; KeyStoreError when it was changed or lay elsewhere."""
        return self._cells.open(self._address(row_no, name), cell)

    def _address(self, row_no: int, name: str) -> CellAddress:
        return CellAddress(self._installation, self._batch, row_no, name, CELL_SCHEMA)


class RowSealer:
    """Puts rows in cipher, one after another.

    :param step: what prepared values are sealed as; None where records have none.
    """

    def __init__(self, keys: SealingKeys, step: str | None = None) -> None:
        self._seal = CellSealer(keys.installation, keys.batch, keys.cells).seal
        self._digest = DupDigests(keys.digests).of
        self._step = step
        self._rows = SealedRows((), [], [], [])

    def add(self, row: NewRecord | BadRecord) -> None:
        """Seal one row; EncodingError where its business keys are of other kinds than those before."""
        rows, row_no = self._rows, row.row_no
        if isinstance(row, BadRecord):
            cell = self._seal(row_no, DETAIL_FIELD, row.detail.encode())
            rows.refused.append((row_no, row.line, row.field, row.code, cell))
            return
        self.add_packed(row_no, row.data, row.keys)
        if self._step is not None and row.prepared is not None:
            rows.prepared.append((row_no, self._seal(row_no, self._step, row.prepared)))

    def add_packed(self, row_no: int, data: bytes | bytearray, keys: Mapping[str, str]) -> None:
        """Seal a good row that has no prepared values, as :class:`NewRecord` names its parts."""
        rows, digest, kinds = self._rows, self._digest, tuple(keys)
        if kinds != rows.kinds:
            if rows.records:
                raise EncodingError(f"row {row_no}: keys {kinds}, expected {rows.kinds} as in the rows before")
            rows.kinds = kinds
        digests = b"".join([digest(kind, value) for kind, value in keys.items()])
        rows.records.append((row_no, self._seal(row_no, DATA_FIELD, data), digests))

    def taken(self) -> SealedRows:
        """Return the rows sealed since this was called before."""
        rows, self._rows = self._rows, SealedRows((), [], [], [])
        return rows

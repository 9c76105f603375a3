"""One piece of an order's rows: read, checked and put in cipher. It needs no store and no key store."""

from __future__ import annotations

import secrets
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING, Any

import msgspec

from cardkit.crypto import MemoryKeyStore
from cardkit.production.sealing import BadRecord, RowSealer, SealedRows, SealingKeys
from cardkit.profile.field import Field
from cardkit.profile.layout import Layout
from cardkit.profile.reading import FieldError
from cardkit.profile.record import RecordSchema
from cardkit.profile.rowreader import BadRow, RowReader
from cardkit.profile.rows import Rows

if TYPE_CHECKING:
    from cardkit.profile import OrderRows

DRAWN_BYTES = 4096
PIECE = 1000


class Draws:
    """Random bytes for many records: the system is asked for some thousand at a time."""

    def __init__(self) -> None:
        self._drawn = b""
        self._at = 0

    def __call__(self, size: int) -> bytes:
        """Return random bytes."""
        if self._at + size > len(self._drawn):
            self._drawn, self._at = secrets.token_bytes(max(size, DRAWN_BYTES)), 0
        self._at += size
        return self._drawn[self._at - size : self._at]


class CutRow(msgspec.Struct, array_like=True, gc=False):
    """A row as it travels to a process: its cells, or why it has none."""

    row_no: int
    line: int
    cells: list[Any]  # of Cell, a union that msgspec does not know
    code: str = ""
    reason: str = ""


def cut(order: OrderRows) -> Iterator[CutRow]:
    """Yield the rows of an order, what came under a transport key opened: keys stay here."""
    opened = order.reader.opened if order.reader.wrapped else None
    for row_no, line, cells in order.cut():
        found: Any = cells if opened is None else opened(cells)
        if isinstance(found, FieldError):
            yield CutRow(row_no, line, [], found.code, found.reason)
        else:
            yield CutRow(row_no, line, found)


def pieces_of(order: OrderRows) -> Iterator[list[CutRow]]:
    """Yield the rows of an order as :func:`cut` does, a thousand at a time."""
    rows = cut(order)
    while piece := list(islice(rows, PIECE)):
        yield piece


class ReadRows(msgspec.Struct, array_like=True):
    """Rows that were read.  :param bad: the refused ones, for the quarantine file."""

    rows: SealedRows
    bad: list[BadRow]


class _Setup(msgspec.Struct):
    layout: Layout
    fields: dict[str, Field]
    columns: tuple[str, ...]
    opened: tuple[str, ...]
    keys: bytes


@dataclass(frozen=True, slots=True)
class PieceReader:
    """Reads and seals rows of one order without a key store.

    :param reader: of the rows.  :param sealer: of the batch.
    """

    reader: RowReader
    sealer: RowSealer

    @staticmethod
    def setup(order: OrderRows, keys: SealingKeys) -> bytes:
        """Return what :meth:`of` makes a reader from, keys in clear: it travels in an envelope."""
        fields, clear = dict(order.schema.fields), bytes(keys.to_bytes())
        return msgspec.msgpack.encode(_Setup(order.layout, fields, order.columns, order.reader.wrapped, clear))

    @classmethod
    def of(cls, setup: bytes) -> PieceReader:
        """Return a reader of what :meth:`setup` gave."""
        given = msgspec.msgpack.decode(setup, type=_Setup)
        header = dict.fromkeys(given.layout.header_fields)
        rows = Rows(header, given.columns, iter(()), {})
        schema = RecordSchema(given.fields)
        reader = RowReader(given.layout, schema, rows, MemoryKeyStore(), Draws(), given.opened)
        return cls(reader, RowSealer(SealingKeys.from_bytes(given.keys)))

    def read(self, rows: Iterable[CutRow]) -> ReadRows:
        """Read and seal some rows."""
        bad: list[BadRow] = []
        packed, sealer = self.reader.packed, self.sealer
        for row in rows:
            found = packed(row.row_no, row.line, FieldError(row.code, row.reason) if row.code else row.cells)
            if isinstance(found, BadRow):
                bad.append(found)
                sealer.add(refused(found))
            else:
                sealer.add_packed(row.row_no, found.data, found.keys)
        return ReadRows(sealer.taken(), bad)


def read_here(order: OrderRows, keys: SealingKeys) -> Iterator[ReadRows]:
    """Return the rows of an order in the order of the file, read by this process, piece by piece."""
    reader = PieceReader.of(PieceReader.setup(order, keys))
    return map(reader.read, pieces_of(order))


def refused(row: BadRow) -> BadRecord:
    """Return what the store keeps of a refused row."""
    return BadRecord(row.row_no, row.line, row.field, row.code, row.message)

"""Taking an order into the store: one transaction, or nothing. production.md 8, 9"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import AbstractContextManager, nullcontext
from dataclasses import asdict, dataclass
from itertools import islice
from typing import Any

from sqlalchemy import Connection, insert, select, update

from cardkit.errors import RecordError, StoreError
from cardkit.production.store.audit import OFFICE, Event
from cardkit.production.store.schema import BatchState, RecordState, batch, prepared, quarantine, record, record_key
from cardkit.production.store.statement import Statement, driver_of
from cardkit.production.store.store import Batch, Store

CHUNK = 2000
DATA_FIELD = "record"
DETAIL_FIELD = "quarantine"

_ADD_RECORD = Statement(insert(record), ["batch_id", "row_no", "state", "token", "data_enc"])
_ADD_KEY = Statement(insert(record_key), ["kind", "digest", "record_id"])
_ADD_PREPARED = Statement(insert(prepared), ["record_id", "step", "profile_sha256", "data_enc"])
_ADD_REFUSED = Statement(insert(quarantine), ["batch_id", "row_no", "line", "field", "code", "detail_enc"])


@dataclass(frozen=True, slots=True)
class NewBatch:
    """What a batch is made of.

    :param profile_sha256: 32 bytes.  :param keyset_sha256: 32 bytes.
    :param source_sha256: of the order file, 32 bytes.
    :param remake: ``after-scrap`` or ``never``.
    :param prepare_step: name of the prepared value every record has, or None.
    :param header: what the order says of itself before its rows, for the audit and the output files.
    """

    name: str
    profile: str
    profile_version: int
    profile_path: str
    profile_sha256: bytes
    keyset_sha256: bytes
    source_name: str
    source_sha256: bytes
    remake: str = "never"
    prepare_step: str | None = None
    header: Mapping[str, str | int] = dataclasses.field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class NewRecord:
    """One good row.

    :param row_no: data row of the file, from 1.  :param data: canonical record.
    :param keys: kind and normal value of each business key.
    :param prepared: canonical random and slow values, where the profile has them.
    """

    row_no: int
    data: bytes = dataclasses.field(repr=False)
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


Row = NewRecord | BadRecord


def add_batch(store: Store, new: NewBatch, rows: Iterable[Row]) -> Batch:
    """Write a batch with all its rows as they come, some hundred at a time. In a TEST store it is OPEN at once, else
    DRAFT.

    :param rows: in the order of the file; what they raise undoes the batch.
    :raises RecordError: SEEN (this file was imported before), EMPTY, DUPLICATE (twice in the file), HISTORY (a
        business key of an earlier batch); nothing is written then.
    """
    with store.writing() as connection:
        _refuse_known(connection, new)
        state = BatchState.OPEN if store.terms.persons == 1 else BatchState.DRAFT
        row = {name: value for name, value in asdict(new).items() if name in batch.c}
        row |= {"state": state, "kind": store.terms.kind, "rows": 0, "imported": 0}
        row["created_at"] = store.clocks.wall()
        filing = _Filing(store, connection, new, _inserted_id(connection, row))
        with ThreadPoolExecutor(1) as writer:
            written: Future[None] | None = None
            for chunk in _chunks(rows):
                sealed = filing.sealed(chunk)
                if written is not None:
                    written.result()
                written = writer.submit(filing.write, sealed)
            if written is not None:
                written.result()
        filing.close()
    return store.batch(new.name)


def _chunks(rows: Iterable[Row]) -> Iterator[list[Row]]:
    remaining = iter(rows)
    while chunk := list(islice(remaining, CHUNK)):
        yield chunk


def _inserted_id(connection: Connection, row: dict[str, Any]) -> int:
    return int(connection.execute(insert(batch).returning(batch.c.id), row).scalar_one())


def _refuse_known(connection: Connection, new: NewBatch) -> None:
    seen = connection.scalar(select(batch.c.name).where(batch.c.source_sha256 == new.source_sha256))
    if seen is not None:
        raise RecordError(f"{new.source_name}: this file was imported before, as batch {seen}", code="SEEN")
    if connection.scalar(select(batch.c.id).where(batch.c.name == new.name)) is not None:
        raise RecordError(f"{new.source_name}: the store has a batch {new.name} already", code="SEEN")


@dataclass(frozen=True, slots=True)
class _Chunk:
    """Some rows in cipher, each list as its table wants them; prepared values and keys by row number."""

    records: list[tuple[Any, ...]]
    keys: list[tuple[str, bytes, int]]
    prepared: list[tuple[int, bytes]]
    refused: list[tuple[Any, ...]]


class _Filing:
    """The rows of one batch on their way into the store, in one transaction.

    Rows are put in cipher by one thread while another writes those before: the database works outside the interpreter.
    """

    def __init__(self, store: Store, connection: Connection, new: NewBatch, batch_id: int) -> None:
        self._store = store
        self._connection = connection
        self._driver = driver_of(connection)
        self._vault = store.vault.batch(new.name)
        self._new = new
        self._batch_id = batch_id
        self._imported = self._refused = 0

    def sealed(self, rows: Sequence[Row]) -> _Chunk:
        """Return rows in cipher."""
        seal, digest, step = self._vault.seal, self._store.vault.business_key, self._new.prepare_step
        mine, ready = self._batch_id, RecordState.READY.value
        good = [row for row in rows if isinstance(row, NewRecord)]
        return _Chunk(
            [(mine, row.row_no, ready, 0, seal(row.row_no, DATA_FIELD, row.data)) for row in good],
            [(kind, digest(kind, value), row.row_no) for row in good for kind, value in row.keys.items()],
            [
                (row.row_no, seal(row.row_no, step, row.prepared))
                for row in good
                if step is not None and row.prepared is not None
            ],
            [self._refusal(row) for row in rows if isinstance(row, BadRecord)],
        )

    def write(self, chunk: _Chunk) -> None:
        """Write rows; RecordError where one has a business key that the store knows."""
        if chunk.records:
            _ADD_RECORD.run_rows(self._driver, chunk.records)
            ids = self._ids(chunk.records[0][1], chunk.records[-1][1])
            self._add_keys(chunk.keys, ids)
            made = (self._new.prepare_step, self._new.profile_sha256)
            _ADD_PREPARED.run_rows(self._driver, [(ids[row_no], *made, cell) for row_no, cell in chunk.prepared])
        _ADD_REFUSED.run_rows(self._driver, chunk.refused)
        self._imported += len(chunk.records)
        self._refused += len(chunk.refused)

    def _refusal(self, bad: BadRecord) -> tuple[Any, ...]:
        sealed = self._vault.seal(bad.row_no, DETAIL_FIELD, bad.detail.encode())
        return self._batch_id, bad.row_no, bad.line, bad.field, bad.code, sealed

    def close(self) -> None:
        """Write what the rows add up to; RecordError where there was no good one."""
        rows = self._imported + self._refused
        if not self._imported:
            raise RecordError(f"{self._new.source_name}: no good row among {rows}", code="EMPTY")
        totals = {"rows": rows, "imported": self._imported}
        self._connection.execute(update(batch).where(batch.c.id == self._batch_id).values(totals))
        _audit_import(self._store, self._connection, self._new, self._imported, self._refused)

    def _ids(self, first: int, last: int) -> dict[int, int]:
        mine = (record.c.batch_id == self._batch_id) & record.c.row_no.between(first, last)
        found = self._connection.execute(select(record.c.row_no, record.c.id).where(mine))
        return {row.row_no: row.id for row in found}

    def _add_keys(self, keys: Sequence[tuple[str, bytes, int]], ids: Mapping[int, int]) -> None:
        try:
            with self._guarded():
                _ADD_KEY.run_rows(self._driver, [(kind, digest, ids[row_no]) for kind, digest, row_no in keys])
        except self._connection.dialect.loaded_dbapi.IntegrityError:
            raise self._known(keys) from None

    def _guarded(self) -> AbstractContextManager[object]:
        """Keep the transaction alive if a statement fails; SQLite does so by itself, and would pay for a savepoint."""
        return nullcontext() if self._connection.dialect.name == "sqlite" else self._connection.begin_nested()

    def _known(self, keys: Sequence[tuple[str, bytes, int]]) -> RecordError:
        """Return why the store refused some business keys: a row of this file has one of them, or an earlier batch."""
        firsts: dict[tuple[str, bytes], int] = {}
        for kind, digest, row_no in keys:
            first = firsts.setdefault((kind, digest), row_no)
            known = self._row_of(kind, digest)
            if first != row_no or (known is not None and known.batch_id == self._batch_id):
                first = first if known is None else known.row_no
                text = f"row {row_no}: {kind} is that of row {first}"
                return RecordError(f"{self._new.source_name}: {text}", code="DUPLICATE")
            if known is not None:
                text = f"row {row_no}: {kind} was imported before (batch {known.name}, row {known.row_no})"
                return RecordError(f"{self._new.source_name}: {text}", code="HISTORY")
        raise StoreError(f"{self._store.path}: refused business keys that it does not hold")

    def _row_of(self, kind: str, digest: bytes) -> Any:
        same = (record_key.c.kind == kind) & (record_key.c.digest == digest)
        statement = (
            select(record.c.batch_id, record.c.row_no, batch.c.name)
            .select_from(record_key)
            .outerjoin(record, record.c.id == record_key.c.record_id)
            .outerjoin(batch, batch.c.id == record.c.batch_id)
            .where(same)
        )
        return self._connection.execute(statement).one_or_none()


def _audit_import(store: Store, connection: Connection, new: NewBatch, imported: int, refused: int) -> None:
    data: dict[str, Any] = {
        "batch": new.name,
        "profile": new.profile,
        "profile_sha256": new.profile_sha256.hex(),
        "keyset_sha256": new.keyset_sha256.hex(),
        "source_sha256": new.source_sha256.hex(),
        "rows": imported + refused,
        "imported": imported,
        "quarantined": refused,
    }
    if new.header:
        data["header"] = dict(new.header)
    store.audit(connection, OFFICE, Event("IMPORT", store.operator, data))

"""Taking an order into the store: one transaction, or nothing. production.md 8, 9"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from itertools import islice
from typing import Any

from sqlalchemy import Connection, insert, select, update

from cardkit.errors import RecordError, StoreError
from cardkit.production.store.audit import OFFICE, Event
from cardkit.production.store.schema import BatchState, RecordState, batch, prepared, quarantine, record, record_key
from cardkit.production.store.statement import Statement, driver_of
from cardkit.production.store.store import Batch, Store
from cardkit.production.store.vault import BatchVault

CHUNK = 500
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
    vault = store.vault.batch(new.name)
    with store.writing() as connection:
        _refuse_known(connection, new)
        state = BatchState.OPEN if store.terms.persons == 1 else BatchState.DRAFT
        row = asdict(new) | {"state": state, "kind": store.terms.kind, "rows": 0, "imported": 0}
        row["created_at"] = store.clocks.wall()
        filing = _Filing(store, connection, vault, new, _inserted_id(connection, row))
        for chunk in _chunks(rows):
            filing.add(chunk)
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


class _Filing:
    """The rows of one batch on their way into the store, in one transaction."""

    def __init__(self, store: Store, connection: Connection, vault: BatchVault, new: NewBatch, batch_id: int) -> None:
        self._store = store
        self._connection = connection
        self._driver = driver_of(connection)
        self._vault = vault
        self._new = new
        self._batch_id = batch_id
        self._imported = self._refused = 0

    def add(self, rows: Sequence[Row]) -> None:
        """Write some rows."""
        records = [row for row in rows if isinstance(row, NewRecord)]
        refused = [_quarantine_row(self._vault, self._batch_id, row) for row in rows if isinstance(row, BadRecord)]
        if records:
            self._add_records(records)
        if refused:
            _ADD_REFUSED.run_each(self._driver, refused)
        self._imported += len(records)
        self._refused += len(refused)

    def close(self) -> None:
        """Write what the rows add up to; RecordError where there was no good one."""
        rows = self._imported + self._refused
        if not self._imported:
            raise RecordError(f"{self._new.source_name}: no good row among {rows}", code="EMPTY")
        totals = {"rows": rows, "imported": self._imported}
        self._connection.execute(update(batch).where(batch.c.id == self._batch_id).values(totals))
        _audit_import(self._store, self._connection, self._new, self._imported, self._refused)

    def _add_records(self, rows: Sequence[NewRecord]) -> None:
        seal = self._vault.seal
        fixed = {"batch_id": self._batch_id, "state": RecordState.READY.value, "token": 0}
        _ADD_RECORD.run_each(
            self._driver,
            [fixed | {"row_no": row.row_no, "data_enc": seal(row.row_no, DATA_FIELD, row.data)} for row in rows],
        )
        ids = self._ids(rows)
        self._add_keys(rows, ids)
        step = self._new.prepare_step
        if step is not None:
            made = {"step": step, "profile_sha256": self._new.profile_sha256}
            _ADD_PREPARED.run_each(
                self._driver,
                [
                    made | {"record_id": record_id, "data_enc": seal(row.row_no, step, row.prepared)}
                    for row, record_id in zip(rows, ids, strict=True)
                    if row.prepared is not None
                ],
            )

    def _ids(self, rows: Sequence[NewRecord]) -> Sequence[int]:
        mine = (record.c.batch_id == self._batch_id) & record.c.row_no.between(rows[0].row_no, rows[-1].row_no)
        return self._connection.scalars(select(record.c.id).where(mine).order_by(record.c.row_no)).all()

    def _add_keys(self, rows: Sequence[NewRecord], ids: Sequence[int]) -> None:
        digest = self._store.vault.business_key
        keys = [
            {"kind": kind, "digest": digest(kind, value), "record_id": record_id}
            for row, record_id in zip(rows, ids, strict=True)
            for kind, value in row.keys.items()
        ]
        try:
            with self._connection.begin_nested():
                _ADD_KEY.run_each(self._driver, keys)
        except self._connection.dialect.loaded_dbapi.IntegrityError:
            numbers = {record_id: row.row_no for row, record_id in zip(rows, ids, strict=True)}
            raise self._known(keys, numbers) from None

    def _known(self, keys: Sequence[Mapping[str, Any]], numbers: Mapping[int, int]) -> RecordError:
        """Return why the store refused some business keys: a row of this file has one of them, or an earlier batch."""
        firsts: dict[tuple[str, bytes], int] = {}
        for key in keys:
            row_no = numbers[key["record_id"]]
            first = firsts.setdefault((key["kind"], key["digest"]), row_no)
            known = self._row_of(key)
            if first != row_no or (known is not None and known.batch_id == self._batch_id):
                first = first if known is None else known.row_no
                text = f"row {row_no}: {key['kind']} is that of row {first}"
                return RecordError(f"{self._new.source_name}: {text}", code="DUPLICATE")
            if known is not None:
                text = f"row {row_no}: {key['kind']} was imported before (batch {known.name}, row {known.row_no})"
                return RecordError(f"{self._new.source_name}: {text}", code="HISTORY")
        raise StoreError(f"{self._store.path}: refused business keys that it does not hold")

    def _row_of(self, key: Mapping[str, Any]) -> Any:
        same = (record_key.c.kind == key["kind"]) & (record_key.c.digest == key["digest"])
        statement = (
            select(record.c.batch_id, record.c.row_no, batch.c.name)
            .select_from(record_key)
            .outerjoin(record, record.c.id == record_key.c.record_id)
            .outerjoin(batch, batch.c.id == record.c.batch_id)
            .where(same)
        )
        return self._connection.execute(statement).one_or_none()


def _quarantine_row(vault: BatchVault, batch_id: int, bad: BadRecord) -> dict[str, Any]:
    return {
        "batch_id": batch_id,
        "row_no": bad.row_no,
        "line": bad.line,
        "field": bad.field,
        "code": bad.code,
        "detail_enc": vault.seal(bad.row_no, DETAIL_FIELD, bad.detail.encode()),
    }


def _audit_import(store: Store, connection: Connection, new: NewBatch, imported: int, refused: int) -> None:
    data = {
        "batch": new.name,
        "profile": new.profile,
        "profile_sha256": new.profile_sha256.hex(),
        "keyset_sha256": new.keyset_sha256.hex(),
        "source_sha256": new.source_sha256.hex(),
        "rows": imported + refused,
        "imported": imported,
        "quarantined": refused,
    }
    store.audit(connection, OFFICE, Event("IMPORT", store.operator, data))

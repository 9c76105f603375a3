"""Taking an order into the store: one transaction, or nothing. production.md 8, 9"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from sqlalchemy import Connection, insert, select

from cardkit.errors import RecordError
from cardkit.production.store.audit import OFFICE, Event
from cardkit.production.store.schema import BatchState, RecordState, batch, prepared, quarantine, record, record_key
from cardkit.production.store.store import Batch, Store
from cardkit.production.store.vault import BatchVault

CHUNK = 500
DATA_FIELD = "record"
DETAIL_FIELD = "quarantine"


@dataclass(frozen=True, slots=True)
class NewBatch:
    """What a batch is made of.

    :param profile_sha256: 32 bytes.  :param keyset_sha256: 32 bytes.
    :param source_sha256: of the order file, 32 bytes.
    :param remake: ``after-scrap`` or ``never``.
    :param prepare_step: name of the prepared value every record has, or None.
    :param rows: data rows of the file, bad ones included.
    """

    name: str
    profile: str
    profile_version: int
    profile_path: str
    profile_sha256: bytes
    keyset_sha256: bytes
    source_name: str
    source_sha256: bytes
    rows: int
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


def add_batch(store: Store, new: NewBatch, records: Sequence[NewRecord], refused: Sequence[BadRecord] = ()) -> Batch:
    """Write a batch with all its records. In a TEST store it is OPEN at once, else DRAFT.

    :raises RecordError: SEEN (this file was imported before), EMPTY, DUPLICATE (twice in the file), HISTORY (a
        business key of an earlier batch); nothing is written then.
    """
    if not records:
        raise RecordError(f"{new.source_name}: no good row among {new.rows}", code="EMPTY")
    vault = store.vault.batch(new.name)
    with store.writing() as connection:
        _refuse_known(connection, new)
        _refuse_duplicates(store, connection, new, records)
        state = BatchState.OPEN if store.terms.persons == 1 else BatchState.DRAFT
        row = asdict(new) | {"state": state, "kind": store.terms.kind, "imported": len(records)}
        row["created_at"] = store.clocks.wall()
        batch_id = _inserted_id(connection, row)
        for start in range(0, len(records), CHUNK):
            _insert_records(store, connection, vault, new, batch_id, records[start : start + CHUNK])
        if refused:
            connection.execute(insert(quarantine), [_quarantine_row(vault, batch_id, bad) for bad in refused])
        _audit_import(store, connection, new, len(records), len(refused))
    return store.batch(new.name)


def _inserted_id(connection: Connection, row: dict[str, Any]) -> int:
    return int(connection.execute(insert(batch).returning(batch.c.id), row).scalar_one())


def _refuse_known(connection: Connection, new: NewBatch) -> None:
    seen = connection.scalar(select(batch.c.name).where(batch.c.source_sha256 == new.source_sha256))
    if seen is not None:
        raise RecordError(f"{new.source_name}: this file was imported before, as batch {seen}", code="SEEN")
    if connection.scalar(select(batch.c.id).where(batch.c.name == new.name)) is not None:
        raise RecordError(f"{new.source_name}: the store has a batch {new.name} already", code="SEEN")


def _refuse_duplicates(store: Store, connection: Connection, new: NewBatch, records: Sequence[NewRecord]) -> None:
    rows_by_key: dict[tuple[str, bytes], int] = {}
    for row in records:
        for kind, value in row.keys.items():
            key = (kind, store.vault.business_key(kind, value))
            first = rows_by_key.setdefault(key, row.row_no)
            if first != row.row_no:
                raise RecordError(
                    f"{new.source_name}: row {row.row_no}: {kind} is that of row {first}", code="DUPLICATE"
                )
    keys = list(rows_by_key)
    for start in range(0, len(keys), CHUNK):
        _refuse_history(connection, new, rows_by_key, keys[start : start + CHUNK])


def _refuse_history(
    connection: Connection,
    new: NewBatch,
    rows_by_key: Mapping[tuple[str, bytes], int],
    keys: Sequence[tuple[str, bytes]],
) -> None:
    statement = (
        select(record_key.c.kind, record_key.c.digest, batch.c.name, record.c.row_no)
        .outerjoin(record, record.c.id == record_key.c.record_id)
        .outerjoin(batch, batch.c.id == record.c.batch_id)
        .where(record_key.c.digest.in_([digest for _, digest in keys]))
    )
    for known in connection.execute(statement):
        row_no = rows_by_key.get((known.kind, known.digest))
        if row_no is not None:
            where = f"batch {known.name}, row {known.row_no}"
            raise RecordError(
                f"{new.source_name}: row {row_no}: {known.kind} was imported before ({where})", code="HISTORY"
            )


def _insert_records(
    store: Store,
    connection: Connection,
    vault: BatchVault,
    new: NewBatch,
    batch_id: int,
    rows: Sequence[NewRecord],
) -> None:
    values = [
        {
            "batch_id": batch_id,
            "row_no": row.row_no,
            "state": RecordState.READY,
            "token": 0,
            "data_enc": vault.seal(row.row_no, DATA_FIELD, row.data),
        }
        for row in rows
    ]
    adding = insert(record).returning(record.c.id, sort_by_parameter_order=True)
    ids = connection.scalars(adding, values).all()
    keys = [
        {"kind": kind, "digest": store.vault.business_key(kind, value), "record_id": record_id}
        for record_id, row in zip(ids, rows, strict=True)
        for kind, value in row.keys.items()
    ]
    if keys:
        connection.execute(insert(record_key), keys)
    if new.prepare_step is not None:
        step = {"step": new.prepare_step, "profile_sha256": new.profile_sha256}
        made = [
            step | {"record_id": record_id, "data_enc": vault.seal(row.row_no, new.prepare_step, row.prepared)}
            for record_id, row in zip(ids, rows, strict=True)
            if row.prepared is not None
        ]
        connection.execute(insert(prepared), made)


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
        "rows": new.rows,
        "imported": imported,
        "quarantined": refused,
    }
    store.audit(connection, OFFICE, Event("IMPORT", store.operator, data))

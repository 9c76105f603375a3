"""Prepared values filed after the import, record by record, and found again by whose card they are. production.md 11"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from sqlalchemy import ColumnElement, Exists, and_, exists, func, insert, select

from cardkit.production.store.audit import OFFICE, Event
from cardkit.production.store.schema import OPEN, prepared, record, record_key
from cardkit.production.store.schema import batch as batch_table
from cardkit.production.store.store import Batch, Store

STREAM_ROWS = 500


@dataclass(frozen=True, slots=True)
class Waiting:
    """A record without prepared values.  :param data: its cell."""

    record_id: int
    row_no: int
    data: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class Kept:
    """Prepared values of one record, in cipher.  :param step: what they were sealed as."""

    batch: str
    row_no: int
    step: str
    cell: bytes = field(repr=False)


def is_of_file(store: Store, batch: str, sha256: bytes) -> bool:
    """Whether the store has a batch of this name, imported from the file with this digest (32 bytes)."""
    known = select(batch_table.c.source_sha256).where(batch_table.c.name == batch)
    with store.reading() as connection:
        return bool(connection.scalar(known) == sha256)


def waiting(store: Store, lot: Batch, count: int, rows: range | None = None) -> list[Waiting]:
    """Return the first records of a batch, or of some rows of it, that wait for their values, in row order."""
    statement = (
        select(record.c.id, record.c.row_no, record.c.data_enc)
        .where(_among(lot, rows), OPEN, ~_made(lot))
        .order_by(record.c.id)
        .limit(count)
    )
    with store.reading() as connection:
        return [Waiting(row.id, row.row_no, row.data_enc) for row in connection.execute(statement)]


def waiting_count(store: Store, lot: Batch, rows: range | None = None) -> int:
    """Return how many records of a batch, or of some rows of it, wait for their values."""
    statement = select(func.count()).where(_among(lot, rows), OPEN, ~_made(lot))
    with store.reading() as connection:
        return connection.scalar(statement) or 0


def record_count(store: Store, lot: Batch, rows: range | None = None) -> int:
    """Return how many records a batch has, or some rows of it."""
    if rows is None:
        return lot.imported
    with store.reading() as connection:
        return connection.scalar(select(func.count(record.c.id)).where(_among(lot, rows))) or 0


def file_values(store: Store, lot: Batch, rows: Sequence[tuple[Waiting, bytes]]) -> int:
    """File prepared values with their records, in one transaction; what another filed meanwhile stands.

    :param rows: records and their sealed values.  :returns: how many were filed.
    """
    step, profile = lot.prepare_step or "", lot.profile_sha256
    with store.writing() as connection:
        ids = [item.record_id for item, _ in rows]
        filed = select(prepared.c.record_id).where(prepared.c.record_id.in_(ids), prepared.c.step == step)
        there = set(connection.scalars(filed))
        new = [
            {"record_id": item.record_id, "step": step, "profile_sha256": profile, "data_enc": cell}
            for item, cell in rows
            if item.record_id not in there
        ]
        if new:
            connection.execute(insert(prepared), new)
            data = {"batch": lot.name, "records": len(new)}
            store.audit(connection, OFFICE, Event("PREPARE", store.operator, data))
    return len(new)


def kept_records(store: Store, lot: Batch) -> Iterator[tuple[int, bytes, bytes]]:
    """Yield row number, cell of the record and cell of its values, in row order; not those that have no values."""
    step = (prepared.c.record_id == record.c.id) & (prepared.c.step == (lot.prepare_step or ""))
    statement = (
        select(record.c.row_no, record.c.data_enc, prepared.c.data_enc.label("values_enc"))
        .join(prepared, step)
        .where(record.c.batch_id == lot.id)
        .order_by(record.c.row_no)
    )
    with store.reading() as connection:
        for row in connection.execution_options(yield_per=STREAM_ROWS).execute(statement):
            yield row.row_no, row.data_enc, row.values_enc


def values_of(store: Store, profile_sha256: bytes, keys: Mapping[str, str]) -> Kept | None:
    """Return the prepared values of the record with these business keys; None where the store has none.

    :param profile_sha256: of the profile they were made for, 32 bytes.
    """
    digests = [store.vault.business_key(kind, value) for kind, value in keys.items()]
    statement = (
        select(batch_table.c.name, record.c.row_no, prepared.c.step, prepared.c.data_enc)
        .join(record, record.c.batch_id == batch_table.c.id)
        .join(prepared, prepared.c.record_id == record.c.id)
        .join(record_key, record_key.c.record_id == record.c.id)
        .where(record_key.c.digest.in_(digests), prepared.c.profile_sha256 == profile_sha256)
    )
    with store.reading() as connection:
        row = connection.execute(statement).first()
    return None if row is None else Kept(row.name, row.row_no, row.step, row.data_enc)


def _among(lot: Batch, rows: range | None) -> ColumnElement[bool]:
    of_batch = record.c.batch_id == lot.id
    return of_batch if rows is None else and_(of_batch, record.c.row_no.between(rows.start, rows.stop - 1))


def _made(lot: Batch) -> Exists:
    return exists().where(prepared.c.record_id == record.c.id, prepared.c.step == (lot.prepare_step or ""))

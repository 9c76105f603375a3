"""What an output file says of a batch, out of the store: its records in row order, and the header of its order."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass

from sqlalchemy import func, select

from cardkit.errors import StoreError
from cardkit.production.canonical import parse_canonical
from cardkit.production.store import Batch, Store
from cardkit.production.store.audit import OFFICE
from cardkit.production.store.orders import DATA_FIELD
from cardkit.production.store.reading import STREAM_ROWS, plain_chip
from cardkit.production.store.schema import attempt, audit, record
from cardkit.profile import Record, RecordSchema


@dataclass(frozen=True, slots=True)
class Ended:
    """A record whose way has ended, and the last chip tried for it; empty where there was none."""

    record: Record
    state: str
    chip_id: str
    reason: str


def ended(store: Store, lot: Batch, schema: RecordSchema, states: Collection[str]) -> Iterator[Ended]:
    """Yield the records of a batch in some states, in row order; rows are fetched as they are used.

    :raises StoreError: where a record's data has been purged.
    """
    last = select(func.max(attempt.c.id)).where(attempt.c.record_id == record.c.id).correlate(record).scalar_subquery()
    statement = (
        select(record.c.row_no, record.c.state, record.c.data_enc, attempt.c.chip_id, attempt.c.reject_code)
        .outerjoin(attempt, attempt.c.id == last)
        .where(record.c.batch_id == lot.id, record.c.state.in_(sorted(states)))
        .order_by(record.c.row_no)
    )
    vault = store.vault.batch(lot.name)
    with store.reading() as connection:
        for row in connection.execution_options(yield_per=STREAM_ROWS).execute(statement):
            if row.data_enc is None:
                raise StoreError(f"batch {lot.name}: row {row.row_no}: its data has been purged")
            data = Record.from_canonical(schema, vault.open(row.row_no, DATA_FIELD, row.data_enc))
            chip = plain_chip(store, lot, row.chip_id) if row.chip_id is not None else ""
            yield Ended(data, row.state, chip, row.reject_code or "")


def order_header(store: Store, lot: Batch) -> dict[str, str]:
    """Return what the batch's order said of itself before its rows, as text by name."""
    statement = select(audit.c.event).where(audit.c.chain == OFFICE, audit.c.kind == "IMPORT").order_by(audit.c.seq)
    with store.reading() as connection:
        for text in connection.scalars(statement):
            data = parse_canonical(text.encode())["data"]
            if data["batch"] == lot.name:
                return {name: str(value) for name, value in data.get("header", {}).items()}
    return {}

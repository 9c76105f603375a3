"""Which records of a batch a station may lease, and the one statement that leases them. production.md 3, 4"""

from __future__ import annotations

from typing import Any

from sqlalchemy import ColumnElement, Connection, bindparam, exists, or_, select, update

from cardkit.errors import BatchHeldError
from cardkit.production.store.schema import OPEN, BatchState, RecordState, batch, prepared, record, station

_LOT = select(batch.c.id, batch.c.state, batch.c.why, batch.c.prepare_step).where(batch.c.name == bindparam("of_batch"))
# Who holds the batch waits for claims that have begun, and those after it see that it is held.
_LOT_TO_CLAIM = _LOT.with_for_update(read=True)


def claimable(connection: Connection, batch_name: str, epoch: str, *, claiming: bool) -> Any:
    """Return the row of a batch that stations may claim from.

    :param epoch: the store's.  :param claiming: whether records are leased in this transaction.
    :raises BatchHeldError: when the batch is not OPEN, or the store is restored and a journal is missing.
    """
    lot = connection.execute(_LOT_TO_CLAIM if claiming else _LOT, {"of_batch": batch_name}).one_or_none()
    if lot is None:
        raise BatchHeldError(f"batch {batch_name}: the store has none of that name")
    if lot.state != BatchState.OPEN:
        why = f" ({lot.why})" if lot.why else ""
        raise BatchHeldError(f"batch {batch_name}: is {lot.state}{why}, expected OPEN")
    late = connection.scalars(select(station.c.name).where(station.c.epoch != epoch)).all()
    if late:
        names = ", ".join(sorted(late))
        raise BatchHeldError(
            f"store restored from a copy: the journal of {names} was not replayed; bring it back or write it off"
        )
    return lot


def claim_statement(
    batch_id: int, prepare_step: str | None, count: int, now: ColumnElement[float], ttl_s: float
) -> Any:
    """Return the update that leases up to ``count`` records in row order and returns them, in any order.

    :param now: the time of leases.  Its parameter ``new_session`` is the session that gets them.
    """
    free = or_(
        record.c.state == RecordState.READY,
        (record.c.state == RecordState.LEASED) & (record.c.lease_until < now),
    )
    ids = select(record.c.id).where(record.c.batch_id == batch_id, OPEN, free).order_by(record.c.id).limit(count)
    if prepare_step is not None:
        ids = ids.where(exists().where(prepared.c.record_id == record.c.id, prepared.c.step == prepare_step))
    # Taken once, and not what another station takes at this moment; on SQLite there is no other.
    taken = (
        ids.with_for_update(of=record, skip_locked=True).cte("taken").prefix_with("MATERIALIZED", dialect="postgresql")
    )
    return (
        update(record)
        .where(record.c.id.in_(select(taken.c.id)))
        .values(
            state=RecordState.LEASED,
            token=record.c.token + 1,
            session=bindparam("new_session"),
            lease_until=now + ttl_s,
        )
        .returning(record.c.id, record.c.row_no, record.c.token)
    )

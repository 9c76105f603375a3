"""Which records of a batch a station may lease, and the one statement that leases them. production.md 3, 4"""

from __future__ import annotations

from functools import cache
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Double,
    Integer,
    and_,
    bindparam,
    exists,
    func,
    literal_column,
    or_,
    select,
    update,
)

from cardkit.errors import BatchHeldError, FencedError
from cardkit.production.store.schema import OPEN, BatchState, RecordState, batch, prepared, record, station
from cardkit.production.store.statement import Driver, Statement

_LOT = select(
    batch.c.id,
    batch.c.state,
    batch.c.why,
    batch.c.prepare_step,
    batch.c.remade,
    exists().where(station.c.epoch != bindparam("of_epoch")).label("late"),
    exists().where(station.c.session == bindparam("of_session")).label("current"),
).where(batch.c.name == bindparam("of_batch"))
_LOOK = Statement(_LOT)
# Who holds the batch waits for claims that have begun, and those after it see that it is held.
_LOCKED_LOT = _LOT.with_for_update(of=batch, read=True)
# PostgreSQL takes its plan from statistics, and of a batch that was imported just now it has none: it would read and
# sort all of it. For the rest of the transaction it may not.
_LOOK_AND_CLAIM = {
    "sqlite": Statement(_LOCKED_LOT),
    "postgresql": Statement(_LOCKED_LOT.add_columns(func.set_config("enable_sort", "off", literal_column("true")))),
}
# The order of the index record_open. In PostgreSQL no other index has it, or the planner would take that of all
# records and pass over every finished one.
_ORDER: dict[str, ColumnElement[int]] = {"sqlite": record.c.id, "postgresql": record.c.id + literal_column("0")}
_LATE = Statement(select(station.c.name).where(station.c.epoch != bindparam("of_epoch")).order_by(station.c.name))


def claimable(driver: Driver, batch_name: str, epoch: str, session: str, *, claiming: bool) -> Any:
    """Return the row of a batch that a station's session may claim from.

    :param epoch: the store's.  :param claiming: whether records are leased in this transaction.
    :raises BatchHeldError: when the batch is not OPEN, or the store is restored and a journal is missing.
    :raises FencedError: when the station has a later session, or was declared dead.
    """
    look = _LOOK_AND_CLAIM[driver.dialect.name] if claiming else _LOOK
    lot = look.one(driver, {"of_batch": batch_name, "of_epoch": epoch, "of_session": session})
    if lot is None:
        raise BatchHeldError(f"batch {batch_name}: the store has none of that name")
    if lot.state != BatchState.OPEN:
        why = f" ({lot.why})" if lot.why else ""
        raise BatchHeldError(f"batch {batch_name}: is {lot.state}{why}, expected OPEN")
    if lot.late:
        names = ", ".join(name for (name,) in _LATE.all(driver, {"of_epoch": epoch}))
        raise BatchHeldError(
            f"store restored from a copy: the journal of {names} was not replayed; bring it back or write it off"
        )
    if not lot.current:
        raise FencedError("this station was started again elsewhere, or declared dead: its session ended")
    return lot


@cache
def claim_statement(dialect: str, clock: ColumnElement[float] | None, *, prepared_only: bool) -> Statement:
    """Return the statement that leases records in row order and returns them, in any order.

    :param clock: of the database, None where ``now`` is given.
    :param prepared_only: whether only records are leased whose prepared value ``of_step`` is there.
    Its other parameters: ``of_batch`` (id), ``of_count``, ``new_session``, ``ttl`` in seconds, and ``of_first``: no
    record before this one can be leased. Each row's last column is the first that could be, or will be when its lease
    ends: a good ``of_first`` for the next time, as long as none is re-made. Without it a claim would pass over the
    index entries of all records that were finished since the server last cleared them away.
    """
    now = bindparam("now", type_=Double) if clock is None else clock
    free = or_(
        record.c.state == RecordState.READY,
        (record.c.state == RecordState.LEASED) & (record.c.lease_until < now),
    )
    order = _ORDER[dialect]
    ahead = and_(record.c.batch_id == bindparam("of_batch"), OPEN, order >= bindparam("of_first"))
    ids = select(record.c.id).where(ahead, free).order_by(order)
    if prepared_only:
        made = (prepared.c.record_id == record.c.id) & (prepared.c.step == bindparam("of_step"))
        ids = ids.where(exists().where(made))
    # Taken once, and not what another station takes at this moment; on SQLite there is no other.
    locked = ids.limit(bindparam("of_count", type_=Integer)).with_for_update(of=record, skip_locked=True)
    taken = locked.cte("taken").prefix_with("MATERIALIZED", dialect="postgresql")
    waiting = record.c.state.in_([literal_column("'READY'"), literal_column("'LEASED'")])
    first = select(order).where(ahead, waiting).order_by(order).limit(1).correlate(None).scalar_subquery()
    return Statement(
        update(record)
        .where(record.c.id.in_(select(taken.c.id)))
        .values(
            state=RecordState.LEASED,
            token=record.c.token + 1,
            session=bindparam("new_session"),
            lease_until=now + bindparam("ttl", type_=Double),
        )
        .returning(record.c.id, record.c.row_no, record.c.token, first)
    )

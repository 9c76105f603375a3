"""What a card's steps write, and only where the record is held as they say: what was not written is looked at after.

PostgreSQL takes two effects in one statement, for there each statement is a way to the server and back; SQLite, which
has no way to go, takes one after the other.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    LargeBinary,
    Text,
    and_,
    bindparam,
    exists,
    func,
    insert,
    literal_column,
    null,
    select,
    update,
)
from sqlalchemy.dialects import postgresql
from sqlalchemy.dialects.postgresql import ARRAY

from cardkit.production.store.schema import RecordState, attempt, audit, audit_head, record
from cardkit.production.store.statement import Driver, Statement

_BEGUN = (
    "chip_id",
    "session",
    "station",
    "coupler",
    "profile_sha256",
    "keyset_sha256",
    "software",
    "bound_at",
)
_ENDED = (
    "state",
    "evidence_sha256",
    "reject_code",
    "reject_class",
    "findings_enc",
    "facts",
    "apply_ms",
    "verify_ms",
    "done_at",
)
_EVENT = {"seq": BigInteger, "kind": Text, "record_id": BigInteger, "event": Text, "hash": LargeBinary}


def _new(table: Any, names: Sequence[str]) -> dict[str, Any]:
    return {name: bindparam(f"new_{name}", type_=table.c[name].type) for name in names}


def _written_out(state: RecordState) -> ColumnElement[str]:
    """A state that is always the same is part of the statement, and no value to be handed over each time."""
    return literal_column(f"'{state}'", Text)


def _held(state: RecordState) -> Any:
    """Whether the record is in a state, with the token and by the session that are given."""
    return and_(
        record.c.id == bindparam("of_record"),
        record.c.token == bindparam("of_token"),
        record.c.session == bindparam("of_session"),
        record.c.state == _written_out(state),
    )


_BOUND = _written_out(RecordState.BOUND)
_BIND_RECORD = update(record).values(state=_BOUND, lease_until=null()).where(record.c.id == bindparam("of_record"))
_BIND = Statement(_BIND_RECORD)
# Two stations may bind one chip at the same moment; SQLite knows the same words. The record stays as it was found.
_EARLIER = attempt.alias()
_PREDECESSOR = select(func.max(_EARLIER.c.id)).where(_EARLIER.c.record_id == record.c.id).scalar_subquery()
_BEGINNING = select(record.c.id, record.c.token, _PREDECESSOR, _BOUND, *_new(attempt, _BEGUN).values())
_NEW_ATTEMPT = (
    postgresql.insert(attempt)
    .from_select(
        ["record_id", "token", "predecessor_id", "state", *_BEGUN],
        _BEGINNING.where(_held(RecordState.LEASED)).with_for_update(of=record),
    )
    .on_conflict_do_nothing(index_elements=["chip_id"])
    .returning(attempt.c.id)
)
_BEGIN = Statement(_NEW_ATTEMPT)
_ADDED = _NEW_ATTEMPT.cte("added")
_BEGIN_AT_ONCE = Statement(select(_ADDED.c.id).add_cte(_BIND_RECORD.where(exists(select(_ADDED.c.id))).cte("moved")))

_THIS_ATTEMPT = (attempt.c.record_id == bindparam("of_record")) & (attempt.c.token == bindparam("of_token"))
_END_RECORD = (
    update(record)
    .values(state=bindparam("new_state"))
    .where(_held(RecordState.BOUND), exists().where(_THIS_ATTEMPT, attempt.c.chip_id == bindparam("of_chip")))
)
_MOVE_BOUND = Statement(_END_RECORD)
_LAST_OF_ATTEMPT = update(attempt).where(_THIS_ATTEMPT).values(_new(attempt, _ENDED)).returning(attempt.c.id)
_END = Statement(_LAST_OF_ATTEMPT)
_ENDED_RECORD = _END_RECORD.returning(record.c.id).cte("moved")
_END_AT_ONCE = Statement(_LAST_OF_ATTEMPT.where(exists(select(_ENDED_RECORD.c.id))))

_HEAD_STEP = (
    update(audit_head)
    .where(
        audit_head.c.chain == bindparam("of_chain"),
        audit_head.c.seq == bindparam("old_seq"),
        audit_head.c.hash == bindparam("old_hash"),
    )
    .values(seq=bindparam("new_seq"), hash=bindparam("new_hash"), at=bindparam("new_at"))
)
_MOVE_HEAD = Statement(_HEAD_STEP)
_ADD_EVENT = Statement(insert(audit))
_MOVED = _HEAD_STEP.returning(audit_head.c.chain).cte("moved")
_EVENTS = (
    func.unnest(*(bindparam(f"each_{name}", type_=ARRAY(kind)) for name, kind in _EVENT.items()))
    .table_valued(*_EVENT, name="events")
    .render_derived()
)
_APPEND_AT_ONCE = Statement(
    insert(audit).from_select(["chain", *_EVENT], select(_MOVED.c.chain, *(_EVENTS.c[name] for name in _EVENT)))
)


def begin_attempt(driver: Driver, values: Mapping[str, Any]) -> int | None:
    """Add an attempt for a record that is leased; both are BOUND then.

    :param values: ``of_record``, the ``of_token`` and ``of_session`` that hold its lease, and the attempt's own: what
        of a column's value is ``new_`` and its name.
    :returns: the attempt's id; None where they do not, or the chip carries another attempt: then nothing was written.
    """
    if driver.dialect.name == "postgresql":
        row = _BEGIN_AT_ONCE.one(driver, values)
    elif (row := _BEGIN.one(driver, values)) is not None:
        _BIND.run(driver, values)
    return None if row is None else int(row.id)


def end_attempt(driver: Driver, values: Mapping[str, Any]) -> int | None:
    """Write the end of an attempt that is bound and move its record to the same state.

    :param values: as for its beginning, and its chip, ``of_chip``.
    :returns: the attempt's id; None where it is not bound so: then nothing was written.
    """
    if driver.dialect.name == "postgresql":
        row = _END_AT_ONCE.one(driver, values)
    elif _MOVE_BOUND.run(driver, values) > 0:
        row = _END.one(driver, values)
    else:
        return None
    return None if row is None else int(row.id)


def append_events(driver: Driver, move: Mapping[str, Any], rows: Sequence[Mapping[str, Any]]) -> bool:
    """Move the head of a chain and add its events; False where the head is not the old one, then nothing was written.

    :param move: ``of_chain``, and ``seq`` and ``hash`` of the head, ``old_`` and ``new_``; ``new_at``.
    """
    if driver.dialect.name == "postgresql":
        each = {f"each_{name}": [row[name] for row in rows] for name in _EVENT}
        return _APPEND_AT_ONCE.run(driver, {**move, **each}) > 0
    if _MOVE_HEAD.run(driver, move) == 0:
        return False
    for row in rows:
        _ADD_EVENT.run(driver, row)
    return True

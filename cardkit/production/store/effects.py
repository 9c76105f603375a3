"""What a card's steps write. PostgreSQL takes two effects in one statement, for there each statement is a way to the
server and back; SQLite, which has no way to go, takes one after the other.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import BigInteger, LargeBinary, Text, bindparam, exists, func, insert, null, select, update
from sqlalchemy.dialects import postgresql
from sqlalchemy.dialects.postgresql import ARRAY

from cardkit.production.store.schema import attempt, audit, audit_head, record
from cardkit.production.store.statement import Driver, Statement

_BEGUN = (
    "record_id",
    "token",
    "chip_id",
    "session",
    "station",
    "coupler",
    "state",
    "profile_sha256",
    "keyset_sha256",
    "software",
    "predecessor_id",
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


_RECORD_STEP = (
    update(record)
    .where(record.c.id == bindparam("new_record_id"))
    .values(state=bindparam("new_state"), lease_until=null())
)
_MOVE_RECORD = Statement(_RECORD_STEP)
# Two stations may bind one chip at the same moment; SQLite knows the same words.
_NEW_ATTEMPT = (
    postgresql.insert(attempt)
    .values(_new(attempt, _BEGUN))
    .on_conflict_do_nothing(index_elements=["chip_id"])
    .returning(attempt.c.id)
)
_BEGIN = Statement(_NEW_ATTEMPT)
_ADDED = _NEW_ATTEMPT.cte("added")
_BEGIN_AT_ONCE = Statement(select(_ADDED.c.id).add_cte(_RECORD_STEP.where(exists(select(_ADDED.c.id))).cte("moved")))
_LAST_OF_ATTEMPT = update(attempt).where(attempt.c.id == bindparam("of_attempt")).values(_new(attempt, _ENDED))
_END = Statement(_LAST_OF_ATTEMPT)
_END_AT_ONCE = Statement(_LAST_OF_ATTEMPT.add_cte(_RECORD_STEP.cte("moved")))

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
    """Add an attempt and move its record to the same state.

    :returns: the attempt's id; None where its chip carries another one, then nothing was written.
    """
    given = {f"new_{name}": values[name] for name in _BEGUN}
    if driver.dialect.name == "postgresql":
        row = _BEGIN_AT_ONCE.one(driver, given)
    elif (row := _BEGIN.one(driver, given)) is not None:
        _MOVE_RECORD.run(driver, {name: given[name] for name in ("new_state", "new_record_id")})
    return None if row is None else int(row.id)


def end_attempt(driver: Driver, record_id: int, attempt_id: int, values: Mapping[str, Any]) -> None:
    """Write the end of an attempt and move its record to the same state."""
    ended = {f"new_{name}": values[name] for name in _ENDED} | {"of_attempt": attempt_id}
    moved = {"new_state": values["state"], "new_record_id": record_id}
    if driver.dialect.name == "postgresql":
        _END_AT_ONCE.run(driver, ended | moved)
    else:
        _END.run(driver, ended)
        _MOVE_RECORD.run(driver, moved)


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

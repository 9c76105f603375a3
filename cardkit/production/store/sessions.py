"""Starting a station, and what becomes of the work of its earlier sessions. production.md 3, 5"""

from __future__ import annotations

import secrets
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, insert, select, update

from cardkit.errors import IllegalStepError
from cardkit.production.people.roles import Step
from cardkit.production.store.audit import Event
from cardkit.production.store.schema import OPEN, RecordState, attempt, audit_head, record, session, station
from cardkit.production.store.station import SOFTWARE, StationSession
from cardkit.production.store.store import Store

# How long a claim holds; a station that is silent for longer may be declared dead.
LEASE_TTL_S = 600.0
NOBODY = ""


@dataclass(frozen=True, slots=True)
class Restarted:
    """What a restart did: record ids now IN_DOUBT, and those given back."""

    in_doubt: tuple[int, ...]
    released: tuple[int, ...]


def start_session(store: Store, name: str) -> tuple[StationSession, Restarted]:
    """Start a station: a new session; what its earlier ones left BOUND is IN_DOUBT, what they leased is READY."""
    opened = StationSession(store, name, secrets.token_hex(8))
    with store.writing() as connection:
        in_doubt, released = _fence(store, connection, name)
        known = connection.execute(update(station).where(station.c.name == name).values(session=opened.id))
        if known.rowcount == 0:
            connection.execute(insert(station).values(name=name, session=opened.id, epoch=store.terms.epoch))
        row = {"id": opened.id, "station": name, "started_at": store.clocks.wall(), "replayed": False}
        connection.execute(insert(session), row)
        data = {"session": opened.id, "software": SOFTWARE, "in_doubt": in_doubt, "released": len(released)}
        store.audit(connection, name, Event("SESSION", store.operator, data))
    return opened, Restarted(tuple(in_doubt), tuple(released))


def fence_station(store: Store, name: str) -> None:
    """Do for a station what its restart would: it is known to run no more (its process cannot hold the store)."""
    with store.writing() as connection:
        in_doubt, released = _fence(store, connection, name)
        if in_doubt or released:
            data = {"in_doubt": in_doubt, "released": len(released)}
            store.audit(connection, name, Event("DECLARED_DEAD", store.operator, data))


def declare_dead(store: Store, name: str, by: Iterable[str]) -> Restarted:
    """Do for a station what its restart would: people say that it runs no more. If it does, it is fenced.

    :param by: who says so; as for a step of an Office.
    :raises IllegalStepError: when the store does not know it, or its last event is younger than a lease.
    """
    people = store.presence.require(Step.DECLARE_DEAD, by)
    with store.writing() as connection:
        last = connection.scalar(select(audit_head.c.at).where(audit_head.c.chain == name).with_for_update())
        known = connection.execute(update(station).where(station.c.name == name).values(session=NOBODY)).rowcount
        if not known or not last:
            raise IllegalStepError(f"station {name}: the store does not know it")
        silence_s = (store.clocks.wall() - datetime.fromisoformat(last)).total_seconds()
        if silence_s < LEASE_TTL_S:
            raise IllegalStepError(
                f"station {name}: spoke {silence_s:.0f} s ago, expected {LEASE_TTL_S:.0f} s of silence"
            )
        in_doubt, released = _fence(store, connection, name)
        data = {"in_doubt": in_doubt, "released": len(released), "by": people}
        store.audit(connection, name, Event("DECLARED_DEAD", store.operator, data))
    return Restarted(tuple(in_doubt), tuple(released))


def _fence(store: Store, connection: Connection, name: str) -> tuple[list[int], list[int]]:
    # By session, not by the station that bound the card: a card resumed elsewhere is at that station now.
    sessions = select(session.c.id).where(session.c.station == name)
    # Leases first: this waits for a bind that has begun, and after it there is none to be overlooked.
    freed = connection.scalars(
        update(record)
        .where(OPEN, record.c.state == RecordState.LEASED, record.c.session.in_(sessions))
        .values(state=RecordState.READY, session=None, lease_until=None)
        .returning(record.c.id)
    ).all()
    running = (
        select(attempt.c.id, attempt.c.record_id, attempt.c.token)
        .join(record, (attempt.c.record_id == record.c.id) & (attempt.c.token == record.c.token))
        .where(OPEN, record.c.state == RecordState.BOUND, record.c.session.in_(sessions))
    )
    doubtful = connection.execute(running.order_by(attempt.c.record_id).with_for_update(of=record)).all()
    for row in doubtful:
        _into_doubt(connection, row.record_id, row.id)
        data = {"record": row.record_id, "token": row.token, "attempt": row.id, "code": "RESTART"}
        store.audit(connection, name, Event("DOUBT", store.operator, data, row.record_id))
    return [row.record_id for row in doubtful], sorted(freed)


def _into_doubt(connection: Connection, record_id: int, attempt_id: int) -> None:
    in_doubt = {"state": RecordState.IN_DOUBT}
    connection.execute(update(attempt).where(attempt.c.id == attempt_id).values(in_doubt))
    connection.execute(update(record).where(record.c.id == record_id).values(in_doubt))


def other_stations(store: Store, name: str) -> Sequence[str]:
    """Return the other stations that ever worked on this store."""
    with store.reading() as connection:
        return connection.scalars(select(station.c.name).where(station.c.name != name)).all()

"""Bringing earlier sessions' journals to the store, before a card is claimed. production.md 5

A bind the store does not know is put back as IN_DOUBT: the store was restored from a copy, or power went between
journal and store. A verdict the store did not take stays late evidence: the record waits for its card.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, insert, select, update

from cardkit.errors import StoreError
from cardkit.production.journal import Replay, journal_files, read_journal
from cardkit.production.store.audit import Event
from cardkit.production.store.cardkeys import put_back
from cardkit.production.store.schema import RecordState, attempt, record, session, station
from cardkit.production.store.station import StationSession, made_with
from cardkit.production.store.store import Batch, Store

FINAL = frozenset({RecordState.GOOD.value, RecordState.REJECTED.value})


@dataclass(frozen=True, slots=True)
class Replayed:
    """What the journals brought: sessions read, binds put back, bytes of unfinished entries."""

    sessions: int = 0
    binds: int = 0
    torn_bytes: int = 0


def replay_journals(store: Store, current: StationSession) -> Replayed:
    """Replay the journals that were not yet: those of the station's earlier sessions, and those of stations that are
    known to run no more, for we own the whole store.

    :raises StoreError: on a damaged journal, or one of another store: nothing may be claimed then.
    """
    done = _replayed_sessions(store) | {current.id}
    sessions = binds = torn = 0
    for path in journal_files(store.journals):
        if path.stem in done:
            continue
        replay = read_journal(path)
        if not store.database.single and _station_of(replay) not in (current.station, None):
            continue  # it may be at work
        torn += replay.torn_bytes
        sessions += 1
        binds += _replay_file(store, path, replay.entries)
    return Replayed(sessions, binds, torn)


def _station_of(replay: Replay) -> str | None:
    """Return whose journal it is; None where its first entry was torn."""
    return replay.entries[0].get("station") if replay.entries else None


def _replayed_sessions(store: Store) -> set[str]:
    with store.reading() as connection:
        return set(connection.scalars(select(session.c.id).where(session.c.replayed.is_(True))))


def _replay_file(store: Store, path: Path, entries: tuple[dict[str, Any], ...]) -> int:
    if not entries:  # power went before the first entry was whole: nothing was bound
        path.unlink()
        return 0
    head, *events = entries
    if head.get("installation") != store.terms.installation:
        raise StoreError(f"{path}: journal of another store ({head.get('installation')})")
    lot = store.batch(head["batch"])
    refused = {(entry["record"], entry["token"]) for entry in events if entry["event"] == "refused"}
    replayer = _Replayer(store, lot, head)
    with store.writing() as connection:
        binds = 0
        for entry in events:
            if entry["event"] == "bind" and (entry["record"], entry["token"]) not in refused:
                binds += replayer.bind(connection, entry)
                replayer.keys(connection, entry)
            elif entry["event"] == "keys":
                replayer.keys(connection, entry)
            elif entry["event"] == "done" and entry["verdict"] in FINAL:
                replayer.done(connection, entry)
        replayer.finish(connection)
    return binds


class _Replayer:
    """Puts one session's binds and verdicts into the store."""

    def __init__(self, store: Store, lot: Batch, head: dict[str, Any]) -> None:
        self._store = store
        self._lot = lot
        self._session: str = head["session"]
        self._station: str = head["station"]

    def bind(self, connection: Connection, entry: dict[str, Any]) -> int:
        """Put a bind the store does not know back as IN_DOUBT; 1 if it did."""
        key = self._store.chip_key(self._lot, entry["chip"])
        known = connection.scalar(select(attempt.c.id).where(attempt.c.chip_id == key))
        row = connection.execute(select(record.c.state, record.c.token).where(record.c.id == entry["record"])).one()
        claimable = row.state in (RecordState.READY, RecordState.LEASED) and row.token <= entry["token"]
        if known is not None or not claimable:
            return 0
        of_record = update(record).where(record.c.id == entry["record"])
        connection.execute(of_record.values(state="LEASED", token=entry["token"], session=self._session, lease_until=0))
        connection.execute(of_record.values(state=RecordState.BOUND, lease_until=None))
        added = connection.execute(insert(attempt).returning(attempt.c.id), self._attempt(key, entry)).scalar_one()
        connection.execute(update(attempt).where(attempt.c.id == added).values(state=RecordState.IN_DOUBT))
        connection.execute(of_record.values(state=RecordState.IN_DOUBT))
        data = {"record": entry["record"], "token": entry["token"], "attempt": added, "chip": entry["chip"]}
        self._audit(connection, Event("BIND_REPLAYED", self._store.operator, data, entry["record"]))
        return 1

    def _attempt(self, key: str, entry: dict[str, Any]) -> dict[str, Any]:
        return {
            "record_id": entry["record"],
            "token": entry["token"],
            "chip_id": key,
            "session": self._session,
            "station": self._station,
            "coupler": entry["coupler"],
            "state": RecordState.BOUND,
            "profile_sha256": self._lot.profile_sha256,
            "keyset_sha256": self._lot.keyset_sha256,
            "software": made_with(),
            "bound_at": self._store.clocks.wall(),
        }

    def keys(self, connection: Connection, entry: dict[str, Any]) -> None:
        """Put back the digests of a card's own keys."""
        put_back(connection, entry["record"], map(bytes.fromhex, entry.get("keys", {}).values()))

    def done(self, connection: Connection, entry: dict[str, Any]) -> None:
        """Attach a verdict the store did not take to the attempt that waits for its card."""
        evidence = entry.get("evidence_sha256")
        waiting = update(attempt).where(
            attempt.c.record_id == entry["record"],
            attempt.c.token == entry["token"],
            attempt.c.state == RecordState.IN_DOUBT,
        )
        late = {"late_verdict": entry["verdict"], "late_evidence_sha256": bytes.fromhex(evidence) if evidence else None}
        if connection.execute(waiting.values(late)).rowcount:
            data = {"record": entry["record"], "token": entry["token"], "verdict": entry["verdict"]}
            self._audit(connection, Event("LATE_VERDICT", self._store.operator, data, entry["record"]))

    def finish(self, connection: Connection) -> None:
        """Note that this journal is in the store, whole: its station may claim again after a restore."""
        epoch = self._store.terms.epoch
        known = connection.execute(update(station).where(station.c.name == self._station).values(epoch=epoch))
        if known.rowcount == 0:
            values = {"name": self._station, "session": self._session, "epoch": epoch}
            connection.execute(insert(station), values)
        known = connection.execute(update(session).where(session.c.id == self._session).values(replayed=True))
        if known.rowcount == 0:  # the store is older than this session: it was restored from a copy
            started = {"id": self._session, "station": self._station, "started_at": self._store.clocks.wall()}
            connection.execute(insert(session), started | {"replayed": True})

    def _audit(self, connection: Connection, event: Event) -> None:
        self._store.audit(connection, self._station, event)


def mark_replayed(store: Store, session_id: str) -> None:
    """Note that everything in a session's journal is in the store, at its orderly end."""
    with store.writing() as connection:
        connection.execute(update(session).where(session.c.id == session_id).values(replayed=True))

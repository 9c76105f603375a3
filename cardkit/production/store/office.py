"""What people do: resolve doubts, scrap, re-make, cancel, recall, hold. production.md 3

A LIVE store asks two different persons for each step, a TEST store one named operator.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Any

from sqlalchemy import Connection, bindparam, select, update

from cardkit.errors import FencedError, IllegalStepError
from cardkit.production.people import approval
from cardkit.production.people.roles import Step
from cardkit.production.store.audit import OFFICE, Event
from cardkit.production.store.schema import BatchState, RecordState, attempt, batch, quarantine, record, station
from cardkit.production.store.station import NO_WORK, Work
from cardkit.production.store.store import BATCH_ROW, Batch, Store, batch_of

RESUMABLE_MARKERS = frozenset({"match", "absent"})

_LIVE_ATTEMPT = (
    select(record.c.state, record.c.token, attempt.c.id.label("attempt_id"), attempt.c.chip_id)
    .outerjoin(attempt, (attempt.c.record_id == record.c.id) & (attempt.c.state != RecordState.SCRAPPED))
    .where(record.c.id == bindparam("of_record"))
    .with_for_update(of=record)
)


@dataclass(frozen=True, slots=True)
class Office:
    """Steps of people on one batch.

    :param by: who does the step. In a LIVE store they are logged in and have the roles the step needs, in a TEST store
        they are names; TwoPersonsError where they are too few or lack a role, LoginError where one is not there.
    """

    store: Store
    lot: Batch
    by: tuple[str, ...]

    def approve(self) -> None:
        """DRAFT to APPROVED: profile hash, key set and quantity are right.

        :raises IllegalStepError: in another state, or in a LIVE store where its profile is not approved as it is.
        """
        self._move(BatchState.DRAFT, BatchState.APPROVED, Step.APPROVE, within=self._agree)

    def open(self) -> None:
        """APPROVED to OPEN: stations may claim.

        :raises IllegalStepError: in another state, or where the batch is not what was approved.
        """
        self._move(BatchState.APPROVED, BatchState.OPEN, Step.OPEN, within=self._as_approved)

    def hold(self, why: str) -> None:
        """OPEN to HELD: no station claims; what is bound is finished."""
        self._move(BatchState.OPEN, BatchState.HELD, Step.HOLD, why)

    def halt(self, why: str) -> None:
        """OPEN to HELD by a stop rule: whoever logged in for the run may be away from the screen by then."""
        with self.store.writing() as connection:
            self._turn(connection, BatchState.OPEN, BatchState.HELD, Step.HOLD, [], why)

    def unhold(self, why: str) -> None:
        """HELD to OPEN, with the reason."""
        self._move(BatchState.HELD, BatchState.OPEN, Step.UNHOLD, why)

    def resume(self, record_id: int, chip: str, marker: str, session_id: str) -> None:
        """IN_DOUBT to BOUND: the same chip is in the reader and its marker matches or is absent.

        :raises FencedError: on another chip or marker.  :raises IllegalStepError: when the record is not IN_DOUBT.
        """
        people = self.store.presence.require(Step.RESUME, self.by)
        with self.store.writing() as connection:
            row = self._in(connection, record_id, RecordState.IN_DOUBT)
            self._same_chip(row, record_id, chip)
            if marker not in RESUMABLE_MARKERS:
                raise FencedError(f"record {record_id}: the chip's marker is {marker}, expected match or absent")
            bound = {"state": RecordState.BOUND, "session": session_id}
            connection.execute(update(attempt).where(attempt.c.id == row.attempt_id).values(bound))
            connection.execute(update(record).where(record.c.id == record_id).values(bound))
            self._audit(connection, "RESUME", record_id, people, row, {"chip": chip, "marker": marker})

    def resolve(self, record_id: int, chip: str, verdict: str, detail: bytes | str, work: Work = NO_WORK) -> None:
        """IN_DOUBT to GOOD or REJECTED: the card was in hand and was examined.

        :param detail: for GOOD the evidence digest (32 bytes), for REJECTED the code.
        :raises FencedError: on another chip.
        :raises IllegalStepError: when the record is not IN_DOUBT, or GOOD lacks evidence.
        """
        people = self.store.presence.require(Step.RESOLVE, self.by)
        good = verdict == RecordState.GOOD
        if good != isinstance(detail, bytes) or not detail:
            raise IllegalStepError(f"record {record_id}: GOOD needs an evidence digest, REJECTED a code")
        with self.store.writing() as connection:
            row = self._in(connection, record_id, RecordState.IN_DOUBT)
            self._same_chip(row, record_id, chip)
            values: dict[str, Any] = {"evidence_sha256" if good else "reject_code": detail}
            if good:
                values["reject_code"] = None
            values |= asdict(work) | {"done_at": self.store.clocks.wall()}
            self._both(connection, record_id, row, RecordState(verdict), values)
            said = {"evidence_sha256": detail.hex()} if isinstance(detail, bytes) else {"code": detail}
            self._audit(connection, "RESOLVE", record_id, people, row, {"chip": chip, "verdict": str(verdict), **said})

    def recall(self, record_id: int, code: str) -> None:
        """GOOD to REJECTED: quality assurance found it bad."""
        self._step(record_id, (RecordState.GOOD,), RecordState.REJECTED, Step.RECALL, {"code": code}, reject_code=code)

    def scrap(self, record_id: int, witness: str) -> None:
        """REJECTED to SCRAPPED: the card was destroyed.

        :param witness: reference of the destruction.  :raises IllegalStepError: without it, or in another state.
        """
        if not witness:
            raise IllegalStepError(f"record {record_id}: scrap needs the reference of the destruction")
        self._step(record_id, (RecordState.REJECTED,), RecordState.SCRAPPED, Step.SCRAP, {"witness": witness})

    def lost(self, record_id: int, incident: str) -> None:
        """IN_DOUBT or REJECTED to LOST, for ever: the credentials are reported compromised.

        :param incident: its number.  :raises IllegalStepError: without it, or in another state.
        """
        if not incident:
            raise IllegalStepError(f"record {record_id}: a lost card needs an incident number")
        people = self.store.presence.require(Step.LOST, self.by)
        with self.store.writing() as connection:
            row = self._in(connection, record_id, RecordState.IN_DOUBT, RecordState.REJECTED)
            connection.execute(update(record).where(record.c.id == record_id).values(incident=incident))
            self._both(connection, record_id, row, RecordState.LOST, {})
            self._audit(connection, "LOST", record_id, people, row, {"incident": incident})

    def remake(self, record_id: int) -> None:
        """SCRAPPED to READY: a second chip for the same record; the token stays and the next claim raises it.

        :raises IllegalStepError: when the record is not SCRAPPED or its profile allows no re-make.
        """
        if self.lot.remake != "after-scrap":
            raise IllegalStepError(f"record {record_id}: the profile of batch {self.lot.name} allows no re-make")
        people = self.store.presence.require(Step.REMAKE, self.by)
        with self.store.writing() as connection:
            row = self._in(connection, record_id, RecordState.SCRAPPED)
            self._both(connection, record_id, row, RecordState.READY, {})
            # Claims look no further back than they found something, until this changes.
            connection.execute(update(batch).where(batch.c.id == self.lot.id).values(remade=batch.c.remade + 1))
            self._audit(connection, Step.REMAKE.name, record_id, people, row, {})

    def cancel(self, record_id: int) -> None:
        """READY to CANCELLED: this record is not made."""
        self._step(record_id, (RecordState.READY,), RecordState.CANCELLED, Step.CANCEL, {})

    def dispose_quarantine(self, disposition: str) -> int:
        """Decide about the rows in quarantine that nobody has decided about; returns how many they were.

        :param disposition: what becomes of them, in words: ``returned to the customer``.
        """
        people = self.store.presence.require(Step.DISPOSE, self.by)
        with self.store.writing() as connection:
            open_rows = update(quarantine).where(
                quarantine.c.batch_id == self.lot.id, quarantine.c.disposition.is_(None)
            )
            rows = connection.execute(open_rows.values(disposition=disposition)).rowcount
            data = {"batch": self.lot.name, "by": people, "rows": rows, "disposition": disposition}
            self.store.audit(connection, OFFICE, Event("DISPOSE", self.store.operator, data))
        return rows

    def write_off(self, station_name: str) -> None:
        """Give up the journal of a station after a restore: its last binds are unknown for ever."""
        people = self.store.presence.require(Step.WRITE_OFF, self.by)
        with self.store.writing() as connection:
            current = update(station).where(station.c.name == station_name).values(epoch=self.store.terms.epoch)
            if connection.execute(current).rowcount == 0:
                raise IllegalStepError(f"station {station_name}: the store does not know it")
            event = Event("WRITE_OFF", self.store.operator, {"station": station_name, "by": people})
            self.store.audit(connection, OFFICE, event)

    def _agree(self, connection: Connection, people: list[str]) -> None:
        """Bind the approval to what the batch is now; its import is the proposal."""
        if self.store.terms.kind == "LIVE":
            subject = approval.Subject(approval.Kind.PROFILE, self.lot.profile, self.lot.profile_sha256)
            approval.require_approved(connection, subject)
        content = self._content(connection)
        approval.file(self.store, connection, content, "")
        approval.agree(self.store, connection, content, people)

    def _as_approved(self, connection: Connection, people: list[str]) -> None:  # noqa: ARG002 - as _agree
        approval.require_approved(connection, self._content(connection))

    def _content(self, connection: Connection) -> approval.Subject:
        stored = connection.execute(BATCH_ROW.where(batch.c.id == self.lot.id)).one()
        source = connection.scalar(select(batch.c.source_sha256).where(batch.c.id == self.lot.id))
        digest = approval.batch_content(batch_of(stored), source or b"")
        return approval.Subject(approval.Kind.BATCH, self.lot.name, digest)

    def _move(
        self,
        before: BatchState,
        after: BatchState,
        step: Step,
        why: str | None = None,
        within: Callable[[Connection, list[str]], None] | None = None,
    ) -> None:
        people = self.store.presence.require(step, self.by)
        with self.store.writing() as connection:
            if within is not None:
                within(connection, people)
            self._turn(connection, before, after, step, people, why)

    def _turn(
        self,
        connection: Connection,
        before: BatchState,
        after: BatchState,
        step: Step,
        people: list[str],
        why: str | None,
    ) -> None:
        moving = update(batch).where(batch.c.id == self.lot.id, batch.c.state == before)
        if connection.execute(moving.values(state=after, why=why)).rowcount == 0:
            raise IllegalStepError(f"batch {self.lot.name}: {step} needs it {before}")
        data = {"batch": self.lot.name, "by": people, "why": why}
        self.store.audit(connection, OFFICE, Event(step.name, self.store.operator, data))

    def _step(
        self,
        record_id: int,
        before: tuple[RecordState, ...],
        after: RecordState,
        step: Step,
        data: dict[str, Any],
        **attempt_values: Any,
    ) -> None:
        people = self.store.presence.require(step, self.by)
        with self.store.writing() as connection:
            row = self._in(connection, record_id, *before)
            self._both(connection, record_id, row, after, attempt_values)
            self._audit(connection, step.name, record_id, people, row, data)

    def _in(self, connection: Connection, record_id: int, *states: RecordState) -> Any:
        row = connection.execute(_LIVE_ATTEMPT, {"of_record": record_id}).one_or_none()
        if row is None or row.state not in states:
            got = "unknown" if row is None else row.state
            raise IllegalStepError(f"record {record_id}: is {got}, expected {' or '.join(states)}")
        return row

    def _same_chip(self, row: Any, record_id: int, chip: str) -> None:
        if row.chip_id != self.store.chip_key(self.lot, chip):
            raise FencedError(f"record {record_id}: bound to another chip than {chip}")

    def _both(
        self, connection: Connection, record_id: int, row: Any, after: RecordState, values: dict[str, Any]
    ) -> None:
        if row.attempt_id is not None:
            ending = update(attempt).where(attempt.c.id == row.attempt_id)
            connection.execute(ending.values(state=after, **values))
        connection.execute(update(record).where(record.c.id == record_id).values(state=after))

    def _audit(
        self, connection: Connection, kind: str, record_id: int, people: list[str], row: Any, data: dict[str, Any]
    ) -> None:
        said = {"record": record_id, "attempt": row.attempt_id, "by": people, **data}
        self.store.audit(connection, OFFICE, Event(kind, self.store.operator, said, record_id))

"""What a station does: claim, bind before write, commit or reject. production.md 3

Every operation is one transaction together with its audit event. Guards are checked here; the database's constraints
and triggers refuse what would slip through.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass
from enum import Enum
from importlib.metadata import PackageNotFoundError, version
from typing import Any

from sqlalchemy import bindparam, insert, select, update

from cardkit.errors import ChipUsedError, FencedError, IllegalStepError
from cardkit.production.software import software_sha256
from cardkit.production.store.audit import Event
from cardkit.production.store.cardkeys import add_own, require_own
from cardkit.production.store.claims import claim_statement, claimable
from cardkit.production.store.effects import begin_attempt, end_attempt
from cardkit.production.store.schema import RecordState, attempt, blank_reject, record
from cardkit.production.store.statement import Driver, Statement, driver_of
from cardkit.production.store.steps import Steps
from cardkit.production.store.store import Batch, Store


class Answer(Enum):
    """What an idempotent step answers."""

    DONE = "ok"
    ALREADY = "ALREADY"


@dataclass(frozen=True, slots=True)
class Claim:
    """Permission to prepare one record."""

    record_id: int
    row_no: int
    token: int


@dataclass(frozen=True, slots=True)
class Card:
    """The chip at a coupler, for one claim.

    :param chip: its identity.  :param coupler: 1 for the first.
    """

    record_id: int
    token: int
    chip: str
    coupler: int = 1


@dataclass(frozen=True, slots=True)
class Work:
    """What is kept of the work on one card besides the verdict.

    :param findings_enc: cell with the findings' JSON, they may name personal values; None where there are none.
    :param facts: canonical JSON, what only the card knew.
    """

    findings_enc: bytes | None = None
    facts: str = "{}"
    apply_ms: int | None = None
    verify_ms: int | None = None


NO_WORK = Work()
NO_KEYS: Mapping[str, bytes] = {}


def software() -> str:
    """Return name and version of this software."""
    try:
        return f"cardkit {version('cardkit')}"
    except PackageNotFoundError:
        return "cardkit (not installed)"


SOFTWARE = software()


def made_with() -> str:
    """Return this software with the digest of its files, as each attempt keeps it. security.md P11"""
    return f"{SOFTWARE} sha256:{software_sha256()}"


_STANDING = Statement(
    select(
        record.c.state,
        record.c.token,
        record.c.session,
        attempt.c.chip_id,
        attempt.c.evidence_sha256,
        attempt.c.reject_code,
    )
    .outerjoin(attempt, (attempt.c.record_id == record.c.id) & (attempt.c.token == record.c.token))
    .where(record.c.id == bindparam("of_record"))
    .with_for_update(of=record)
)
_GIVE_BACK = Statement(
    update(record)
    .where(record.c.id == bindparam("of_record"))
    .values(state=bindparam("new_state"), session=None, lease_until=None)
)
_BLANK_COLUMNS = ("batch_id", "station", "coupler", "chip_id", "reject_class", "reject_code", "at")
_ADD_BLANK = Statement(insert(blank_reject), _BLANK_COLUMNS)


class StationSession:
    """One run of one station on a store: every operation carries the session's name, a later session fences it."""

    def __init__(self, store: Store, name: str, session_id: str) -> None:
        self.store = store
        self.station = name
        self.id = session_id
        self._own = threading.local()

    def claim(self, batch_name: str, count: int, ttl_s: float) -> list[Claim]:
        """Lease up to ``count`` records of a batch in row order.

        :raises BatchHeldError: when the batch is not OPEN, or the store is restored and a journal is missing.
        :raises FencedError: when the station has a later session, or was declared dead.
        """
        database = self.store.database
        clock = self.store.clocks.lease or (time.monotonic if database.clock is None else None)
        with self.store.stepping() as steps:
            lot = claimable(steps.driver, batch_name, self.store.terms.epoch, self.id, claiming=True)
            values = {"of_batch": lot.id, "of_count": count, "new_session": self.id, "ttl": ttl_s}
            values |= {"of_first": steps.first_open(lot.id, lot.remade)}
            values |= {} if lot.prepare_step is None else {"of_step": lot.prepare_step}
            values |= {} if clock is None else {"now": clock()}
            own = database.clock if clock is None else None
            lease = claim_statement(steps.driver.dialect.name, own, prepared_only=lot.prepare_step is not None)
            rows = lease.all(steps.driver, values)
            claims = sorted((Claim(*row[:3]) for row in rows), key=lambda claim: claim.record_id)
            if claims:
                steps.note_first_open(lot.id, lot.remade, rows[0][3])
                data = {"batch": batch_name, "records": [[each.record_id, each.token] for each in claims]}
                steps.audit(self.station, Event("CLAIM", self.station, data))
        return claims

    def require_claimable(self, batch_name: str) -> None:
        """Raise what :meth:`claim` would raise."""
        with self.store.reading() as connection:
            claimable(driver_of(connection), batch_name, self.store.terms.epoch, self.id, claiming=False)

    def release(self, record_id: int, token: int) -> None:
        """Give a leased record back: nothing was written.

        :raises FencedError: when this session does not hold that lease.
        """
        with self._steps() as steps:
            row = _row(steps.driver, record_id)
            if row.state != RecordState.LEASED or not self._holds(row, token):
                raise FencedError(f"record {record_id}: not leased to this session with token {token}")
            _GIVE_BACK.run(steps.driver, {"of_record": record_id, "new_state": RecordState.READY})
            steps.audit(self.station, Event("RELEASE", self.station, {"record": record_id, "token": token}, record_id))

    def bind(self, lot: Batch, card: Card, keys: Mapping[str, bytes] = NO_KEYS) -> Answer:
        """Join record, token and chip durably: the point of no return.

        :param keys: digests of the card's own keys, by role.
        :raises FencedError: when another session owns the record.
        :raises ChipUsedError: when the chip was bound before.
        :raises KeyRepeatedError: when another record has one of its keys.
        """
        key = self.store.chip_key(lot, card.chip)
        with self._steps() as steps:
            require_own(steps.driver, card.record_id, keys)
            added = begin_attempt(steps.driver, self._beginning(lot, card, key))
            answer = Answer.DONE if added is not None else self._not_bound(steps.driver, card, key)
            add_own(steps.driver, card.record_id, keys)
            if added is None:
                return answer
            data: dict[str, Any] = {"record": card.record_id, "token": card.token, "attempt": added}
            data |= {"chip": card.chip, "coupler": card.coupler}
            steps.audit(self.station, Event("BIND", self.station, data, card.record_id))
        return answer

    def add_keys(self, lot: Batch, card: Card, keys: Mapping[str, bytes]) -> None:
        """Remember more of a bound card's own keys, before they are on it.

        :param keys: their digests, by role.
        :raises FencedError: when this session does not hold the attempt.
        :raises KeyRepeatedError: when another record has one of them.
        """
        key = self.store.chip_key(lot, card.chip)
        with self._steps() as steps:
            row = _row(steps.driver, card.record_id)
            if row.state != RecordState.BOUND or not self._holds(row, card.token) or row.chip_id != key:
                raise FencedError(f"record {card.record_id}: not bound to chip {card.chip} by this session")
            require_own(steps.driver, card.record_id, keys)
            add_own(steps.driver, card.record_id, keys)

    def _beginning(self, lot: Batch, card: Card, key: str) -> dict[str, Any]:
        return {
            "of_record": card.record_id,
            "of_token": card.token,
            "of_session": self.id,
            "new_chip_id": key,
            "new_session": self.id,
            "new_station": self.station,
            "new_coupler": card.coupler,
            "new_profile_sha256": lot.profile_sha256,
            "new_keyset_sha256": lot.keyset_sha256,
            "new_software": made_with(),
            "new_bound_at": self.store.clocks.wall(),
        }

    def _not_bound(self, driver: Driver, card: Card, key: str) -> Answer:
        """Say why a bind wrote nothing: it was there already, or it may not be."""
        row = _row(driver, card.record_id)
        holds = self._holds(row, card.token)
        if row.state == RecordState.BOUND and holds and row.chip_id == key:
            return Answer.ALREADY
        if row.state != RecordState.LEASED or not holds:
            raise FencedError(f"record {card.record_id}: not leased to this session with token {card.token}")
        raise ChipUsedError(f"record {card.record_id}: chip {card.chip} carries another attempt")

    def commit(self, lot: Batch, card: Card, evidence_sha256: bytes | None, work: Work = NO_WORK) -> Answer:
        """End an attempt GOOD.

        :param evidence_sha256: digest of the card's report, 32 bytes.
        :raises IllegalStepError: without evidence.  :raises FencedError: when this session does not hold the attempt.
        """
        if evidence_sha256 is None:
            raise IllegalStepError(f"record {card.record_id}: GOOD needs an evidence digest")
        end = {"state": RecordState.GOOD, "evidence_sha256": evidence_sha256}
        return self._end(lot, card, "GOOD", end, work)

    def reject(
        self, lot: Batch, card: Card, code: str, reject_class: str | None = None, work: Work = NO_WORK
    ) -> Answer:
        """End an attempt REJECTED with its reason.

        :raises FencedError: when this session does not hold the attempt.
        """
        end = {"state": RecordState.REJECTED, "reject_code": code, "reject_class": reject_class}
        return self._end(lot, card, "REJECT", end, work)

    def doubt(self, lot: Batch, card: Card, why: str) -> Answer:
        """Leave an attempt IN_DOUBT: the chip may carry the record, and nobody has proved which.

        :raises FencedError: when this session does not hold the attempt.
        """
        return self._end(lot, card, "DOUBT", {"state": RecordState.IN_DOUBT, "reject_code": why}, NO_WORK)

    def _end(self, lot: Batch, card: Card, kind: str, end: dict[str, Any], work: Work) -> Answer:
        key = self.store.chip_key(lot, card.chip)
        with self._steps() as steps:
            ended = end_attempt(steps.driver, self._ending(card, key, end, work))
            if ended is None:
                return self._not_ended(steps.driver, card, key, end)
            data = {"record": card.record_id, "token": card.token, "attempt": ended, "chip": card.chip}
            if end.get("evidence_sha256"):
                data["evidence_sha256"] = end["evidence_sha256"].hex()
            if end.get("reject_code"):
                data["code"] = end["reject_code"]
            steps.audit(self.station, Event(kind, self.station, data, card.record_id))
        return Answer.DONE

    def _not_ended(self, driver: Driver, card: Card, key: str, end: dict[str, Any]) -> Answer:
        """Say why an end wrote nothing: it was there already, or it may not be."""
        row = _row(driver, card.record_id)
        if not self._holds(row, card.token) or row.chip_id != key:
            raise FencedError(f"record {card.record_id}: not bound to chip {card.chip} by this session")
        if _same_end(row, end):
            return Answer.ALREADY
        raise FencedError(f"record {card.record_id}: is {row.state}, expected BOUND")

    def _ending(self, card: Card, key: str, end: dict[str, Any], work: Work) -> dict[str, Any]:
        return {
            "of_record": card.record_id,
            "of_token": card.token,
            "of_session": self.id,
            "of_chip": key,
            "new_state": end["state"].value,
            "new_evidence_sha256": end.get("evidence_sha256"),
            "new_reject_code": end.get("reject_code"),
            "new_reject_class": end.get("reject_class"),
            "new_findings_enc": work.findings_enc,
            "new_facts": work.facts,
            "new_apply_ms": work.apply_ms,
            "new_verify_ms": work.verify_ms,
            "new_done_at": None if end["state"] is RecordState.IN_DOUBT else self.store.clocks.wall(),
        }

    def blank_reject(self, lot: Batch, coupler: int, chip: str | None, reject_class: str, code: str) -> None:
        """Count a card that went out before it was bound to anything."""
        values = {"batch_id": lot.id, "station": self.station, "coupler": coupler, "chip_id": chip}
        values |= {"reject_class": reject_class, "reject_code": code, "at": self.store.clocks.wall()}
        with self._steps() as steps:
            _ADD_BLANK.run(steps.driver, values)
            data = {"batch": lot.name, "coupler": coupler, "chip": chip, "code": code}
            steps.audit(self.station, Event("BLANK_REJECT", self.station, data))

    def key_uses(self, lot: Batch, uses: Mapping[str, int]) -> None:
        """Note what each key was used for since this was noted before.

        :param uses: operations by reference.
        """
        with self._steps() as steps:
            data = {"batch": lot.name, "session": self.id, "uses": dict(uses)}
            steps.audit(self.station, Event("KEY_USE", self.station, data))

    @contextmanager
    def together(self) -> Iterator[None]:
        """Group commit: this thread's operations inside, but claims, are one transaction, each judged alone.

        An operation that raises FencedError, ChipUsedError or IllegalStepError has written nothing and spoils nothing.
        """
        with self.store.stepping() as steps:
            self._own.group = steps
            try:
                yield
            finally:
                self._own.group = None

    def _steps(self) -> AbstractContextManager[Steps]:
        group: Steps | None = getattr(self._own, "group", None)
        return self.store.stepping() if group is None else nullcontext(group)

    def _holds(self, row: Any, token: int) -> bool:
        return bool(row.session == self.id and row.token == token)


def _row(driver: Driver, record_id: int) -> Any:
    row = _STANDING.one(driver, {"of_record": record_id})
    if row is None:
        raise IllegalStepError(f"record {record_id}: the store has no such record")
    return row


def _same_end(row: Any, end: dict[str, Any]) -> bool:
    return bool(
        row.state == end["state"]
        and row.evidence_sha256 == end.get("evidence_sha256")
        and row.reject_code == end.get("reject_code")
    )

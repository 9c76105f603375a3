"""Reading what the store knows: counts, doubts, results."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import msgspec
from sqlalchemy import Row, func, select

from cardkit.errors import StoreError
from cardkit.production.store.schema import (
    RecordState,
    attempt,
    batch,
    blank_reject,
    own_prepared,
    own_record,
    quarantine,
    record,
)
from cardkit.production.store.store import Batch, Store
from cardkit.production.store.vault import BatchVault

STREAM_ROWS = 500
FINDINGS_FIELD = "findings"


@dataclass(frozen=True, slots=True)
class Doubt:
    """A card that may carry a record, and nobody has proved it: it must be presented.

    :param late_verdict: what the station's journal says of its end, if it had one.
    """

    record_id: int
    record_no: int
    token: int
    chip_id: str
    coupler: int
    station: str
    bound_at: datetime
    late_verdict: str | None


@dataclass(frozen=True, slots=True)
class CardResult:
    """One card of a batch, for reports: no personal data.

    :param attempt_id: the store's number of this card.
    :param chip_ref: keyed digest of the chip's identity, 16 hex digits.
    :param findings: what verification found, as plain values.
    """

    record_no: int
    attempt_id: int
    chip_ref: str
    verdict: str
    code: str | None
    reject_class: str | None
    findings: tuple[dict[str, Any], ...]
    evidence_sha256: str | None
    apply_ms: int | None
    verify_ms: int | None
    coupler: int
    station: str
    bound_at: datetime
    done_at: datetime | None


@dataclass(frozen=True, slots=True)
class Sealed:
    """What a leased record needs to be planned, still in cipher."""

    data: bytes
    prepared: bytes | None


def counts(store: Store, lot: Batch) -> dict[str, int]:
    """Return how many records are in each state, all states named."""
    statement = select(record.c.state, func.count()).where(record.c.batch_id == lot.id).group_by(record.c.state)
    with store.reading() as connection:
        found = {row[0]: row[1] for row in connection.execute(statement)}
    return {state.value: found.get(state.value, 0) for state in RecordState}


def created_at(store: Store, lot: Batch) -> datetime:
    """Return when a batch was imported."""
    with store.reading() as connection:
        at: datetime = connection.execute(select(batch.c.created_at).where(batch.c.id == lot.id)).scalar_one()
    return at


def reject_counts(store: Store, lot: Batch) -> Mapping[str, int]:
    """Return how many cards ended with each reject code, bound or not, most frequent first."""
    bound = (
        select(attempt.c.reject_code, func.count())
        .join(record, record.c.id == attempt.c.record_id)
        .where(record.c.batch_id == lot.id, attempt.c.state.in_(("REJECTED", "SCRAPPED", "LOST")))
        .where(attempt.c.reject_code.is_not(None))
        .group_by(attempt.c.reject_code)
    )
    blank = (
        select(blank_reject.c.reject_code, func.count())
        .where(blank_reject.c.batch_id == lot.id)
        .group_by(blank_reject.c.reject_code)
    )
    total: dict[str, int] = {}
    with store.reading() as connection:
        for code, count in [*connection.execute(bound), *connection.execute(blank)]:
            total[code] = total.get(code, 0) + count
    return dict(sorted(total.items(), key=lambda item: (-item[1], item[0])))


def blank_reject_count(store: Store, lot: Batch) -> int:
    """Return how many cards went out before they were bound."""
    with store.reading() as connection:
        statement = select(func.count()).where(blank_reject.c.batch_id == lot.id)
        return int(connection.scalar(statement) or 0)


def unproved_count(store: Store, lot: Batch, proof: str) -> int:
    """Return how many good cards of a batch there are whose facts do not hold a proof.

    :param proof: part of the facts' JSON.
    """
    cards = attempt.join(record, record.c.id == attempt.c.record_id)
    lacking = func.coalesce(attempt.c.facts, "").not_like(f"%{proof}%")
    good = (record.c.batch_id == lot.id) & (attempt.c.state == RecordState.GOOD)
    with store.reading() as connection:
        return int(connection.scalar(select(func.count()).select_from(cards).where(good, lacking)) or 0)


def quarantine_count(store: Store, lot: Batch) -> int:
    """Return how many rows of the order were refused."""
    with store.reading() as connection:
        return int(connection.scalar(select(func.count()).where(quarantine.c.batch_id == lot.id)) or 0)


def doubts(store: Store, lot: Batch) -> list[Doubt]:
    """Return the records IN_DOUBT in row order."""
    columns = [attempt.c[name] for name in ("token", "chip_id", "coupler", "station", "bound_at", "late_verdict")]
    statement = (
        select(record.c.id, record.c.row_no, *columns)
        .join(attempt, attempt.c.record_id == record.c.id)
        .where(record.c.batch_id == lot.id, attempt.c.state == RecordState.IN_DOUBT)
        .order_by(record.c.row_no)
    )
    with store.reading() as connection:
        rows = connection.execute(statement).all()
    return [
        Doubt(
            record_id=row.id,
            record_no=row.row_no,
            token=row.token,
            chip_id=plain_chip(store, lot, row.chip_id),
            coupler=row.coupler,
            station=row.station,
            bound_at=row.bound_at,
            late_verdict=row.late_verdict,
        )
        for row in rows
    ]


def record_id_of(store: Store, lot: Batch, record_no: int) -> int:
    """Return the store's number of a row of a batch; StoreError when the batch has no such row."""
    return int(_row_of(store, lot, record_no).id)


def record_state(store: Store, lot: Batch, record_no: int) -> str:
    """Return the state of a row of a batch; StoreError when the batch has no such row."""
    return str(_row_of(store, lot, record_no).state)


def _row_of(store: Store, lot: Batch, record_no: int) -> Any:
    statement = select(record.c.id, record.c.state).where(record.c.batch_id == lot.id, record.c.row_no == record_no)
    with store.reading() as connection:
        row = connection.execute(statement).one_or_none()
    if row is None:
        raise StoreError(f"batch {lot.name}: has no record {record_no}, it has {lot.imported}")
    return row


def plain_chip(store: Store, lot: Batch, key: str) -> str:
    """Return the chip's own identity from what the store files it under."""
    return key.removeprefix(store.chip_key(lot, ""))


def chip_known(store: Store, lot: Batch, chip_id: str) -> bool:
    """Whether this chip carries an attempt."""
    statement = select(func.count()).where(attempt.c.chip_id == store.chip_key(lot, chip_id))
    with store.reading() as connection:
        return bool(connection.scalar(statement))


def sealed_records(store: Store, lot: Batch, record_ids: Sequence[int]) -> dict[int, Sealed]:
    """Return the cells of some records, those that this station may read."""
    step = (own_prepared.c.record_id == own_record.c.record_id) & (own_prepared.c.step == (lot.prepare_step or ""))
    statement = (
        select(own_record.c.record_id, own_record.c.data_enc, own_prepared.c.data_enc.label("prepared_enc"))
        .outerjoin(own_prepared, step)
        .where(own_record.c.record_id.in_(record_ids))
    )
    with store.reading() as connection:
        return {row.record_id: Sealed(row.data_enc, row.prepared_enc) for row in connection.execute(statement)}


def results(store: Store, lot: Batch) -> Iterator[CardResult]:
    """Yield the live attempt of each record, and scrapped ones, in row order; rows are fetched as they are used."""
    statement = (
        select(record.c.row_no, attempt)
        .join(record, record.c.id == attempt.c.record_id)
        .where(record.c.batch_id == lot.id)
        .order_by(record.c.row_no, attempt.c.id)
    )
    vault = store.vault.batch(lot.name)
    with store.reading() as connection:
        for row in connection.execution_options(yield_per=STREAM_ROWS).execute(statement):
            yield _result(store, lot, vault, row)


def _findings(vault: BatchVault, row: Row[Any]) -> tuple[dict[str, Any], ...]:
    if row.findings_enc is None:
        return ()
    text = vault.open(row.row_no, FINDINGS_FIELD, row.findings_enc)
    return tuple(msgspec.json.decode(text, type=list[dict[str, Any]]))


def _result(store: Store, lot: Batch, vault: BatchVault, row: Row[Any]) -> CardResult:
    return CardResult(
        record_no=row.row_no,
        attempt_id=row.id,
        chip_ref=store.vault.chip_ref(plain_chip(store, lot, row.chip_id)),
        verdict=row.state,
        code=row.reject_code,
        reject_class=row.reject_class,
        findings=_findings(vault, row),
        evidence_sha256=row.evidence_sha256.hex() if row.evidence_sha256 else None,
        apply_ms=row.apply_ms,
        verify_ms=row.verify_ms,
        coupler=row.coupler,
        station=row.station,
        bound_at=row.bound_at,
        done_at=row.done_at,
    )

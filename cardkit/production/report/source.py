"""The report of a batch, read from its store: verdicts committed, never commands sent."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from itertools import islice

import msgspec
from sqlalchemy import func, select

from cardkit.desired import Finding
from cardkit.production.action import UNFINISHED
from cardkit.production.canonical import parse_canonical
from cardkit.production.reconcile import CardCounts, records_equation
from cardkit.production.report.exceptions import key_exceptions
from cardkit.production.report.identity import Identities
from cardkit.production.report.masking import masked
from cardkit.production.report.model import BatchReport, CardResult, Kind, Verdict
from cardkit.production.sampling.verdict import lot_verdicts, sample_marks
from cardkit.production.store import Batch, Store, reading
from cardkit.production.store.schema import RecordState, attempt, batch, record


@dataclass(frozen=True, slots=True)
class _Span:
    """When, where and with what the attempts of a batch were made."""

    started: datetime | None
    ended: datetime | None
    stations: tuple[str, ...]
    software: tuple[str, ...]


def batch_report(store: Store, batch_name: str) -> BatchReport:
    """Return the report of one batch; its cards are read from the store while the report is written.

    :raises StoreError: when the store has no batch of that name.
    """
    lot = store.batch(batch_name)
    span = _span(store, lot)
    now = store.clocks.wall()
    return BatchReport(
        batch=lot.name,
        profile=lot.profile,
        profile_version=str(lot.profile_version),
        profile_sha256=lot.profile_sha256.hex(),
        kind=Kind(lot.kind),
        station=", ".join(span.stations) or "none",
        operator=store.operator,
        software=", ".join(span.software) or "none",
        started=span.started or now,
        ended=span.ended or span.started or now,
        cards=_cards(store, lot),
        totals=_totals(store, lot),
        equations=_equations(store, lot),
        samples=tuple(found.says for found in lot_verdicts(store, lot)),
        keys=key_exceptions(store, lot),
    )


def counted_cards(store: Store, lot: Batch) -> CardCounts | None:
    """Return the cards as they were counted when the batch was closed; None while it is not."""
    with store.reading() as connection:
        sheet = connection.scalar(select(batch.c.sheet).where(batch.c.id == lot.id))
    return None if sheet is None else CardCounts(**parse_canonical(sheet.encode()))


def _equations(store: Store, lot: Batch) -> tuple[str, ...]:
    states = {state.lower(): count for state, count in reading.counts(store, lot).items()}
    records = records_equation({"imported": lot.imported, **states})
    cards = counted_cards(store, lot)
    return (f"records: {records}",) if cards is None else (f"cards: {cards.equation}", f"records: {records}")


def _totals(store: Store, lot: Batch) -> dict[str, int]:
    """File and record counts of production.md 8; states that no record is in are left out."""
    states = {state.lower(): count for state, count in reading.counts(store, lot).items() if count}
    quarantined = reading.quarantine_count(store, lot)
    blank = reading.blank_reject_count(store, lot)
    return {
        "rows_in_file": lot.rows,
        "quarantined": quarantined,
        "imported": lot.imported,
        **states,
        "cards_rejected_before_bind": blank,
    }


def _span(store: Store, lot: Batch) -> _Span:
    of_batch = (attempt.c.record_id == record.c.id) & (record.c.batch_id == lot.id)
    with store.reading() as connection:
        started = connection.scalar(select(func.min(attempt.c.bound_at)).where(of_batch))
        ended = connection.scalar(select(func.max(attempt.c.done_at)).where(of_batch))
        stations = connection.scalars(select(attempt.c.station).where(of_batch).distinct()).all()
        software = connection.scalars(select(attempt.c.software).where(of_batch).distinct()).all()
    return _Span(started, ended, tuple(sorted(stations)), tuple(sorted(software)))


def _cards(store: Store, lot: Batch) -> Iterator[CardResult]:
    identities = Identities(store, lot)
    results = reading.results(store, lot)
    samples = sample_marks(store, lot)
    while chunk := list(islice(results, reading.STREAM_ROWS)):
        names = identities.of_rows([result.record_no for result in chunk])
        for result in chunk:
            yield _card(result, names.get(result.record_no, ""), samples.get(result.attempt_id, ""))


def _card(result: reading.CardResult, identity: str, sample: str) -> CardResult:
    bound = result.verdict == RecordState.BOUND
    return CardResult(
        row=result.record_no,
        chip=result.chip_ref,
        identity=identity,
        verdict=Verdict.IN_DOUBT if bound else Verdict(result.verdict),
        code=UNFINISHED if bound else result.code or "",
        reject_class=result.reject_class or "",
        findings=tuple(masked(msgspec.convert(item, Finding)) for item in result.findings),
        apply_ms=result.apply_ms,
        verify_ms=result.verify_ms,
        coupler=f"{result.station}/{result.coupler}",
        sample=sample,
    )

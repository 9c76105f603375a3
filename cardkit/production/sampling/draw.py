"""Which cards of a finished lot are looked at: drawn by chance from a seed that is recorded. production.md 13"""

from __future__ import annotations

import hashlib
import heapq
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from sqlalchemy import Connection, func, insert, select

from cardkit.errors import IllegalStepError
from cardkit.production.people.roles import Step
from cardkit.production.sampling.plan import Plan, Severity, plan_of, whole_lot
from cardkit.production.store import reading
from cardkit.production.store.audit import OFFICE, Event
from cardkit.production.store.schema import RecordState, attempt, record, sample, sample_card
from cardkit.production.store.store import Batch, Store

SEED_BYTES = 16
_OPEN = (RecordState.READY, RecordState.LEASED, RecordState.BOUND, RecordState.IN_DOUBT)


@dataclass(frozen=True, slots=True)
class Inspection:
    """How a lot is to be judged."""

    level: str
    aql: str
    severity: Severity


@dataclass(frozen=True, slots=True)
class Sample:
    """A sample that was drawn.

    :param rows: of the order, ascending.  :param drawn_before: samples of this batch that the store has besides.
    """

    batch: str
    plan: Plan
    seed: bytes
    rows: tuple[int, ...]
    drawn_before: int


def draw_sample(store: Store, batch: str, inspection: Inspection | None, seed: bytes) -> Sample:
    """Draw a sample from the good cards of a batch; the audit keeps seed, plan and rows.

    :param inspection: None for every good card that no sample found good yet, as a refused lot needs it.
    :param seed: random, or that of an earlier draw to draw the same rows again: that is no new sample.
    :raises IllegalStepError: while the batch has cards to make, or in doubt.
    :raises EncodingError: when it has no good card, or inspection has stopped.
    """
    by = store.presence.require(Step.SAMPLE, (store.operator,))
    lot = store.batch(batch)
    counts = reading.counts(store, lot)
    if left := sum(counts[state] for state in _OPEN):
        raise IllegalStepError(f"batch {batch}: {Step.SAMPLE} needs it finished, {left} records are open or in doubt")
    with store.writing() as connection:
        cards = _good_cards(connection, lot, unseen=inspection is None)
        plan = _plan(len(cards), inspection)
        rows = chosen(cards, plan.n, seed)
        others = _keep(store, connection, lot, plan, seed, {row: cards[row] for row in rows})
        data = {
            "batch": batch,
            "by": by,
            "lot": plan.lot,
            "level": plan.level,
            "aql": plan.aql,
            "severity": plan.severity.value,
            "letter": plan.letter,
            "n": len(rows),
            "ac": plan.ac,
            "seed": seed.hex(),
            "rows": None if plan.whole else list(rows),
        }
        store.audit(connection, OFFICE, Event("SAMPLE", store.operator, data))
    return Sample(batch, plan, seed, rows, others)


def _plan(lot: int, inspection: Inspection | None) -> Plan:
    if inspection is None:
        return whole_lot(lot)
    return plan_of(lot, inspection.level, inspection.aql, inspection.severity)


def chosen(rows: Iterable[int], n: int, seed: bytes) -> tuple[int, ...]:
    """Return the rows whose SHA-256 of seed, colon and row in decimal digits is smallest; `n` of them, ascending.

    Anybody draws the same ones again, in any language.
    """
    smallest = heapq.nsmallest(n, rows, key=lambda row: hashlib.sha256(b"%s:%d" % (seed, row)).digest())
    return tuple(sorted(smallest))


def _good_cards(connection: Connection, lot: Batch, *, unseen: bool) -> dict[int, int]:
    """Return the good cards of a lot: row of the order, and number of the attempt.

    :param unseen: without those that a sample found good already.
    """
    good = (
        select(record.c.row_no, attempt.c.id)
        .join(attempt, attempt.c.record_id == record.c.id)
        .where(record.c.batch_id == lot.id, attempt.c.state == RecordState.GOOD)
    )
    if unseen:
        seen = select(sample_card.c.attempt_id).where(sample_card.c.verdict == "GOOD")
        good = good.where(attempt.c.id.not_in(seen))
    return {row.row_no: row.id for row in connection.execute(good)}


def _keep(store: Store, connection: Connection, lot: Batch, plan: Plan, seed: bytes, cards: Mapping[int, int]) -> int:
    """File a sample with its cards, where it is not there yet; how many others its batch has."""
    mine = sample.c.batch_id == lot.id
    same = (sample.c.seed == seed) & (sample.c.n == len(cards)) & (sample.c.ac == plan.ac)
    before = connection.scalar(select(func.count()).select_from(sample).where(mine)) or 0
    if connection.scalar(select(sample.c.id).where(mine, same)) is not None:
        return before
    row = {
        "batch_id": lot.id,
        "state": "OPEN",
        "lot": plan.lot,
        "level": plan.level,
        "aql": plan.aql,
        "severity": plan.severity.value,
        "n": len(cards),
        "ac": plan.ac,
        "whole": plan.whole,
        "seed": seed,
        "drawn_at": store.clocks.wall(),
    }
    made = connection.execute(insert(sample).values(row).returning(sample.c.id)).scalar_one()
    drawn = [{"sample_id": made, "attempt_id": number, "row_no": at, "spent": False} for at, number in cards.items()]
    connection.execute(insert(sample_card), drawn)
    return before

"""Which cards of a finished lot are looked at: drawn by chance from a seed that is recorded. production.md 13"""

from __future__ import annotations

import hashlib
import heapq
import json
from collections.abc import Iterable
from dataclasses import dataclass

from sqlalchemy import select

from cardkit.errors import IllegalStepError
from cardkit.production.people.roles import Step
from cardkit.production.sampling.plan import Plan, Severity, plan_of
from cardkit.production.store import reading
from cardkit.production.store.audit import OFFICE, Event
from cardkit.production.store.schema import RecordState, audit, record
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

    :param rows: of the order, ascending.  :param drawn_before: samples of this batch that the audit knows of.
    """

    batch: str
    plan: Plan
    seed: bytes
    rows: tuple[int, ...]
    drawn_before: int


def draw_sample(store: Store, batch: str, inspection: Inspection, seed: bytes) -> Sample:
    """Draw a sample from the good cards of a batch; the audit keeps seed, plan and rows.

    :param seed: random, or that of an earlier draw to draw the same rows again.
    :raises IllegalStepError: while the batch has cards to make, or in doubt.
    :raises EncodingError: when it has no good card, or inspection has stopped.
    """
    by = store.presence.require(Step.SAMPLE, (store.operator,))
    lot = store.batch(batch)
    counts = reading.counts(store, lot)
    if left := sum(counts[state] for state in _OPEN):
        raise IllegalStepError(f"batch {batch}: {Step.SAMPLE} needs it finished, {left} records are open or in doubt")
    plan = plan_of(counts[RecordState.GOOD], inspection.level, inspection.aql, inspection.severity)
    rows = chosen(_good_rows(store, lot), plan.n, seed)
    before = _draws(store, batch)
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
    with store.writing() as connection:
        store.audit(connection, OFFICE, Event("SAMPLE", store.operator, data))
    return Sample(batch, plan, seed, rows, before)


def chosen(rows: Iterable[int], n: int, seed: bytes) -> tuple[int, ...]:
    """Return the rows whose SHA-256 of seed, colon and row in decimal digits is smallest; `n` of them, ascending.

    Anybody draws the same ones again, in any language.
    """
    smallest = heapq.nsmallest(n, rows, key=lambda row: hashlib.sha256(b"%s:%d" % (seed, row)).digest())
    return tuple(sorted(smallest))


def _good_rows(store: Store, lot: Batch) -> list[int]:
    good = select(record.c.row_no).where(record.c.batch_id == lot.id, record.c.state == RecordState.GOOD)
    with store.reading() as connection:
        return list(connection.scalars(good))


def _draws(store: Store, batch: str) -> int:
    events = select(audit.c.event).where(audit.c.chain == OFFICE, audit.c.kind == "SAMPLE")
    with store.reading() as connection:
        return sum(json.loads(text)["data"]["batch"] == batch for text in connection.scalars(events))

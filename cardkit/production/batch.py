"""What the command line does with batches: status, check, close. production.md 8"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, dataclass

from sqlalchemy import func, select, update

from cardkit.perso.outcome import DELIVERED_KEYS, REPLACED
from cardkit.production.audit.checkpoints import sign_all
from cardkit.production.canonical import canonical
from cardkit.production.people.roles import Step
from cardkit.production.reconcile import CardCounts, Closing, Ledger, reconcile
from cardkit.production.sampling.verdict import LotVerdict, against_closing, lot_verdicts, spent_cards
from cardkit.production.store import reading, schema
from cardkit.production.store.audit import OFFICE, Event
from cardkit.production.store.invariants import Violation, check_audit, check_records
from cardkit.production.store.reading import CardResult, Doubt
from cardkit.production.store.store import Batch, Store


@dataclass(frozen=True, slots=True)
class BatchStatus:
    """Where a batch stands.

    :param why: it is held.  :param counts: records by state, all named.  :param rejects: cards by reject code.
    :param samples: drawn from it, oldest first.
    """

    batch: str
    state: str
    kind: str
    profile: str
    profile_version: int
    why: str | None
    counts: Mapping[str, int]
    rows: int
    imported: int
    quarantined: int
    rejects: Mapping[str, int]
    samples: tuple[LotVerdict, ...] = ()


def batches(store: Store) -> list[str]:
    """Return the names of all batches, oldest first."""
    return store.batch_names()


def batch_status(store: Store, batch: str) -> BatchStatus:
    """Return where a batch stands; StoreError when there is none of that name."""
    lot = store.batch(batch)
    return BatchStatus(
        batch=lot.name,
        state=lot.state.value,
        kind=lot.kind,
        profile=lot.profile,
        profile_version=lot.profile_version,
        why=lot.why,
        counts=reading.counts(store, lot),
        rows=lot.rows,
        imported=lot.imported,
        quarantined=reading.quarantine_count(store, lot),
        rejects=reading.reject_counts(store, lot),
        samples=tuple(lot_verdicts(store, lot)),
    )


def doubts(store: Store, batch: str) -> list[Doubt]:
    """Return the records of a batch that wait for their card, in row order."""
    return reading.doubts(store, store.batch(batch))


def results(store: Store, batch: str) -> Iterator[CardResult]:
    """Yield the cards of a batch in row order, fetched as they are used."""
    return reading.results(store, store.batch(batch))


def check_batch(store: Store, batch: str | None = None) -> list[Violation]:
    """Run every invariant over a batch, or all of them, and recompute the audit chains; empty when sound."""
    names = [batch] if batch is not None else store.batch_names()
    found = [violation for name in names for violation in check_records(store, store.batch(name))]
    return found + check_audit(store)


def close_batch(
    store: Store, batch: str, cards: CardCounts | None = None, ready: Callable[[], object] | None = None
) -> Closing:
    """Compare cards with records and close the batch if everything comes out at zero.

    :param cards: as counted by hand; None takes the store's own counts, which proves nothing about the cards.
    :param ready: is called before a batch that may be closed is: what it raises keeps the batch open.
    """
    store.presence.require(Step.CLOSE, (store.operator,))
    lot = store.batch(batch)
    counted = cards or _counted(store, batch)
    closing = reconcile(counted, _ledger(store, batch))
    if closing.closable:
        if ready is not None:
            ready()
        sheet = asdict(counted)
        with store.writing() as connection:
            closed = {
                "state": schema.BatchState.CLOSED,
                "sheet": canonical(sheet).decode(),
                "closed_at": store.clocks.wall(),
            }
            connection.execute(update(schema.batch).where(schema.batch.c.id == lot.id).values(closed))
            data = {"batch": batch, "by_hand": cards is not None, "cards": sheet}
            store.audit(connection, OFFICE, Event("CLOSE", store.operator, data))
        sign_all(store)
    return closing


def _counted(store: Store, batch: str) -> CardCounts:
    lot = store.batch(batch)
    counts = reading.counts(store, lot)
    spent = spent_cards(store, lot)
    personalized = max(0, counts["REJECTED"] + counts["SCRAPPED"] - spent)
    blank = reading.blank_reject_count(store, lot)
    return CardCounts(
        issued=counts["GOOD"] + personalized + spent + blank + counts["LOST"] + counts["IN_DOUBT"],
        good=counts["GOOD"],
        rejected_personalized=personalized,
        rejected_blank=blank,
        samples=spent,
        lost=counts["LOST"],
        in_doubt=counts["IN_DOUBT"],
    )


def _unproved(store: Store, lot: Batch) -> int:
    """How many good cards may open to a key they were delivered with; of a TEST store nobody asks it."""
    return reading.unproved_count(store, lot, f'"{DELIVERED_KEYS}":"{REPLACED}') if store.terms.kind == "LIVE" else 0


def _ledger(store: Store, batch: str) -> Ledger:
    lot = store.batch(batch)
    records = {state.lower(): count for state, count in reading.counts(store, lot).items()}
    undisposed = select(func.count()).where(
        schema.quarantine.c.batch_id == lot.id, schema.quarantine.c.disposition.is_(None)
    )
    incidents = select(func.count()).where(
        schema.record.c.batch_id == lot.id, schema.record.c.incident.is_not(None), schema.record.c.state == "LOST"
    )
    with store.reading() as connection:
        return Ledger(
            records | {"imported": lot.imported},
            incidents=connection.scalar(incidents) or 0,
            undisposed=connection.scalar(undisposed) or 0,
            unsound=len(check_batch(store, batch)),
            delivered=_unproved(store, lot),
            sampling=against_closing(store, lot),
            spent=spent_cards(store, lot),
        )

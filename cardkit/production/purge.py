"""Purging a batch: its key is destroyed, its cells are emptied, and what remains is signed. security.md D3, 9

Records and attempts stay as counts and digests, business keys as keyed digests, the audit as it is.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, dataclass
from pathlib import Path

from sqlalchemy import Connection, Update, func, select, update

from cardkit.errors import IllegalStepError, KeyStoreError, StoreError
from cardkit.production.audit.checkpoints import sign_all, signer_of
from cardkit.production.audit.report import write_report
from cardkit.production.people.roles import Step
from cardkit.production.store import schema
from cardkit.production.store.audit import OFFICE, Event, timestamp
from cardkit.production.store.schema import BatchState, OrderState
from cardkit.production.store.station import SOFTWARE
from cardkit.production.store.store import Batch, Store


@dataclass(frozen=True, slots=True)
class Emptied:
    """How many cells were emptied."""

    records: int
    prepared: int
    findings: int
    quarantined: int


@dataclass(frozen=True, slots=True)
class Purged:
    """What a purge did.

    :param key_destroyed: now; False where an earlier purge of this batch, that was interrupted, had done it.
    :param scrubbed: whether free pages and the log of the database were overwritten, too.
    """

    batch: str
    by: list[str]
    emptied: Emptied
    key_destroyed: bool
    scrubbed: bool
    report: Path


def purge_batch(store: Store, batch: str, by: Iterable[str], report: Path) -> Purged:
    """Destroy what a closed batch was made of, and write a signed report.

    A purge that was interrupted is finished by another one.

    :param by: who does it: a security officer and QA where people have roles.
    :raises IllegalStepError: when the batch is not closed.
    :raises KeyStoreError: when the report could not be signed, or the key cannot be destroyed.
    :raises StoreError: when the key is still there afterwards, or the report cannot be written.
    """
    people = store.presence.require(Step.PURGE, by)
    signer = signer_of(store)
    lot = store.batch(batch)
    if lot.state not in (BatchState.CLOSED, BatchState.PURGED):
        raise IllegalStepError(f"batch {batch}: {Step.PURGE} needs it {BatchState.CLOSED}, it is {lot.state}")
    emptied = _empty(store, lot, people)
    destroyed = store.vault.destroy(batch)
    scrubbed = store.database.scrub()
    _require_gone(store, batch)
    done = Purged(batch, people, emptied, destroyed, scrubbed, report)
    with store.writing() as connection:
        data = {"batch": batch, "key_destroyed": destroyed, "scrubbed": scrubbed}
        store.audit(connection, OFFICE, Event("PURGE_DONE", store.operator, data))
        content = _content(store, connection, lot, done)
    sign_all(store)
    write_report(report, content, signer)
    return done


def _empty(store: Store, lot: Batch, people: list[str]) -> Emptied:
    """Empty every cell and note it, in one transaction."""
    record, prepared, attempt, quarantine = schema.record, schema.prepared, schema.attempt, schema.quarantine
    mine = select(record.c.id).where(record.c.batch_id == lot.id)
    steps = (
        update(record).where(record.c.batch_id == lot.id, record.c.data_enc.is_not(None)).values(data_enc=None),
        update(prepared).where(prepared.c.record_id.in_(mine), prepared.c.data_enc.is_not(None)).values(data_enc=None),
        update(attempt)
        .where(attempt.c.record_id.in_(mine), attempt.c.findings_enc.is_not(None))
        .values(findings_enc=None),
        update(quarantine)
        .where(quarantine.c.batch_id == lot.id, func.length(quarantine.c.detail_enc) > 0)
        .values(detail_enc=b""),
    )
    with store.writing() as connection:
        emptied = Emptied(*(connection.execute(step).rowcount for step in steps))
        connection.execute(update(attempt).where(attempt.c.record_id.in_(mine)).values(facts="{}"))
        purged = update(schema.batch).where(schema.batch.c.id == lot.id).values(state=BatchState.PURGED)
        connection.execute(purged)
        connection.execute(_order_of(lot))
        data = {"batch": lot.name, "by": people, **asdict(emptied)}
        store.audit(connection, OFFICE, Event("PURGE", store.operator, data))
    return emptied


def _order_of(lot: Batch) -> Update:
    """Return what makes the batch's order PURGED, if it is closed and no other batch of it is left."""
    order, batch = schema.customer_order, schema.batch
    mine = select(batch.c.order_id).where(batch.c.id == lot.id).scalar_subquery()
    left = select(batch.c.id).where(batch.c.order_id == order.c.id, batch.c.state != BatchState.PURGED)
    closed = (order.c.id == mine) & (order.c.state == OrderState.CLOSED) & ~left.exists()
    return update(order).where(closed).values(state=OrderState.PURGED)


def _require_gone(store: Store, batch: str) -> None:
    try:
        store.vault.batch(batch)
    except KeyStoreError:
        return
    raise StoreError(f"batch {batch}: its key is still there after the purge")


def _content(store: Store, connection: Connection, lot: Batch, done: Purged) -> dict[str, object]:
    mine = select(schema.record.c.id).where(schema.record.c.batch_id == lot.id)
    kept = select(func.count()).where(schema.record_key.c.record_id.in_(mine))
    attempts = select(func.count()).where(schema.attempt.c.record_id.in_(mine))
    head = connection.execute(select(schema.audit_head).where(schema.audit_head.c.chain == OFFICE)).one()
    return {
        "v": 1,
        "type": "purge",
        "installation": store.terms.installation,
        "kind": store.terms.kind,
        "batch": lot.name,
        "at": timestamp(store.clocks.wall()),
        "by": done.by,
        "software": SOFTWARE,
        "emptied": asdict(done.emptied),
        "key_destroyed": done.key_destroyed,
        "database_scrubbed": done.scrubbed,
        "kept": {
            "records": lot.imported,
            "attempts": connection.scalar(attempts),
            "business_key_digests": connection.scalar(kept),
        },
        "audit": {"chain": OFFICE, "seq": head.seq, "hash": head.hash.hex()},
        "note": "Copies of the batch's key file elsewhere are not reached; they follow the retention of the data.",
    }

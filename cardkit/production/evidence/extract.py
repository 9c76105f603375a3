"""The part of the audit that proves one batch: whole stretches between signed checkpoints, and every checkpoint.

A hash covers the event before it, so what is around a batch's events stays in: from the checkpoint before the first of
a stretch to the one after its last. What other batches did elsewhere is left out. security.md 11, production.md 21
"""

from __future__ import annotations

import hashlib
import json
from bisect import bisect_left
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from sqlalchemy import ColumnElement, Connection, or_, select

from cardkit.production.audit.checkpoints import chains, sign_all, signer_of
from cardkit.production.audit.export import AT_A_TIME
from cardkit.production.audit.offline import FORMAT, VERSION
from cardkit.production.audit.statement import EXPORT, Signer
from cardkit.production.canonical import canonical
from cardkit.production.people.roles import Step
from cardkit.production.report.atomic import replacing_bytes
from cardkit.production.store import Batch, Store
from cardkit.production.store.audit import timestamp
from cardkit.production.store.schema import attempt, audit, batch, checkpoint, customer_order, record

# What concerns every batch: who signs, and what the store may have forgotten.
ALWAYS = ("AUDIT_KEY", "RECOVERED", "WRITE_OFF")
# What names a batch by its profile, its order or a session of its stations: the member that does.
BY_NAME = {
    "PROPOSE": "name",
    "APPROVAL": "name",
    "ORDER_CREATE": "order",
    "ORDER_CLOSE": "order",
    "SESSION": "session",
    "SESSION_END": "session",
}

Stretch = tuple[int, int]


def export_extract(store: Store, lot: Batch, path: Path) -> None:
    """Write the part of the audit that proves a batch; a fresh checkpoint signs the end of each chain.

    :raises StoreError: when the file cannot be written.  :raises KeyStoreError: when the key that signs is not there.
    """
    store.presence.require(Step.AUDIT, (store.operator,))
    sign_all(store)
    with store.reading() as connection, replacing_bytes(path) as stream:
        stream.writelines(_extract(store, connection, lot, signer_of(store)))


def _extract(store: Store, connection: Connection, lot: Batch, signer: Signer) -> Iterator[bytes]:
    digest = hashlib.sha256()
    heads: dict[str, dict[str, Any]] = {}
    for content in _contents(store, connection, lot):
        if "event" in content:
            heads[content["chain"]] = {"seq": content["seq"], "hash": content["hash"]}
        line = canonical(content) + b"\n"
        digest.update(line)
        yield line
    manifest = {
        "v": 1,
        "type": "extract",
        "installation": store.terms.installation,
        "batch": lot.name,
        "at": timestamp(store.clocks.wall()),
        "sha256": digest.hexdigest(),
        "heads": heads,
    }
    signed = signer.sign(EXPORT, manifest)
    yield canonical({"manifest": signed.body.decode(), "signature": signed.signature.hex()}) + b"\n"


def _contents(store: Store, connection: Connection, lot: Batch) -> Iterator[dict[str, Any]]:
    yield {"format": FORMAT, "version": VERSION, "installation": store.terms.installation, "batch": lot.name}
    names = _names(connection, lot)
    for chain in chains(store):
        points = connection.execute(
            select(checkpoint).where(checkpoint.c.chain == chain).order_by(checkpoint.c.seq)
        ).all()
        found = stretches(_of_batch(connection, lot, chain, names), [point.seq for point in points])
        if not found:
            continue
        for point in points:
            yield {"chain": chain, "checkpoint": point.body, "signature": point.signature.hex()}
        for stretch in found:
            yield from _events(connection, chain, stretch)


def stretches(events: Iterable[int], points: list[int]) -> list[Stretch]:
    """Return the stretches between checkpoints that hold some events: first and last number of each, joined.

    :param events: numbers, ascending.  :param points: those of the checkpoints, ascending, the last beyond all events.

    >>> stretches([2, 9, 11], [4, 8, 10, 12])
    [(1, 4), (9, 12)]
    """
    found: list[Stretch] = []
    for seq in events:
        if found and seq <= found[-1][1]:
            continue
        at = bisect_left(points, seq)
        first, last = (points[at - 1] if at else 0) + 1, points[at]
        if found and found[-1][1] + 1 == first:
            first = found.pop()[0]
        found.append((first, last))
    return found


def _names(connection: Connection, lot: Batch) -> set[str]:
    """Return what events name a batch by, besides its own name: profile, order, sessions."""
    mine = record.c.batch_id == lot.id
    sessions = select(attempt.c.session).join(record, record.c.id == attempt.c.record_id).where(mine).distinct()
    order = select(customer_order.c.name).join(batch, batch.c.order_id == customer_order.c.id)
    return {
        lot.name,
        lot.profile,
        *connection.scalars(sessions),
        *connection.scalars(order.where(batch.c.id == lot.id)),
    }


def _of_batch(connection: Connection, lot: Batch, chain: str, names: set[str]) -> Iterator[int]:
    """Yield the numbers of the events of a chain that are about a batch, ascending."""
    records = select(record.c.id).where(record.c.batch_id == lot.id)
    own: list[ColumnElement[bool]] = [
        audit.c.record_id.in_(records),
        audit.c.event.contains(f'"batch":{json.dumps(lot.name, ensure_ascii=False)}', autoescape=True),
        audit.c.kind.in_((*ALWAYS, *BY_NAME)),
    ]
    rows = select(audit.c.seq, audit.c.kind, audit.c.event).where(audit.c.chain == chain, or_(*own))
    for row in connection.execution_options(yield_per=AT_A_TIME).execute(rows.order_by(audit.c.seq)):
        member = BY_NAME.get(row.kind)
        if member is None or json.loads(row.event)["data"].get(member) in names:
            yield row.seq


def _events(connection: Connection, chain: str, stretch: Stretch) -> Iterator[dict[str, Any]]:
    columns = select(audit.c.seq, audit.c.event, audit.c.hash)
    events = columns.where(audit.c.chain == chain, audit.c.seq.between(*stretch)).order_by(audit.c.seq)
    for row in connection.execution_options(yield_per=AT_A_TIME).execute(events):
        yield {"chain": chain, "seq": row.seq, "event": row.event, "hash": row.hash.hex()}

"""The audit of a store as one file that needs no store to be verified: JSON Lines, every line canonical, signed."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, select

from cardkit.production.audit.checkpoints import sign_all, signer_of
from cardkit.production.audit.offline import FORMAT, VERSION, Verified, verify_export
from cardkit.production.audit.statement import EXPORT, Signer
from cardkit.production.canonical import canonical
from cardkit.production.people.roles import Step
from cardkit.production.report.atomic import replacing_bytes
from cardkit.production.store import schema
from cardkit.production.store.audit import OFFICE, Event, timestamp
from cardkit.production.store.store import Store

AT_A_TIME = 1000


@dataclass(frozen=True, slots=True)
class Exported:
    """An export.

    :param heads: number and hash (32 bytes) of the last event of each chain.
    """

    path: Path
    events: int
    heads: dict[str, tuple[int, bytes]]


def export_audit(store: Store, path: Path) -> Exported:
    """Write all chains with their checkpoints into one file; a fresh checkpoint signs the end of each.

    :raises StoreError: when the file cannot be written.  :raises KeyStoreError: when the key that signs is not there.
    """
    by = store.presence.require(Step.AUDIT, (store.operator,))
    with store.writing() as connection:
        store.audit(connection, OFFICE, Event("AUDIT_EXPORT", store.operator, {"by": by}))
    sign_all(store)
    with store.reading() as connection, replacing_bytes(path) as stream:
        stream.writelines(_export(store, connection, signer_of(store)))
        heads = _heads(connection)
    return Exported(path, sum(seq for seq, _ in heads.values()), heads)


def verify_store(store: Store) -> Verified:
    """Check all chains of a store as their export would be checked.

    :raises KeyStoreError: when the key that signs is not there.
    """
    store.presence.require(Step.AUDIT, (store.operator,))
    signer = signer_of(store)
    with store.reading() as connection:
        return verify_export(_export(store, connection, signer), signer.public)


def _export(store: Store, connection: Connection, signer: Signer) -> Iterator[bytes]:
    digest = hashlib.sha256()
    heads = _heads(connection)
    for content in _contents(store, connection, heads):
        line = canonical(content) + b"\n"
        digest.update(line)
        yield line
    manifest = {
        "v": 1,
        "type": "export",
        "installation": store.terms.installation,
        "at": timestamp(store.clocks.wall()),
        "sha256": digest.hexdigest(),
        "heads": {chain: {"seq": seq, "hash": hashed.hex()} for chain, (seq, hashed) in heads.items()},
    }
    signed = signer.sign(EXPORT, manifest)
    yield canonical({"manifest": signed.body.decode(), "signature": signed.signature.hex()}) + b"\n"


def _contents(store: Store, connection: Connection, heads: Mapping[str, tuple[int, bytes]]) -> Iterator[dict[str, Any]]:
    yield {"format": FORMAT, "version": VERSION, "installation": store.terms.installation}
    for chain in heads:
        yield from _lines(connection, chain)


def _heads(connection: Connection) -> dict[str, tuple[int, bytes]]:
    rows = connection.execute(select(schema.audit_head)).all()
    ordered = sorted(rows, key=lambda row: (row.chain != OFFICE, row.chain))
    return {row.chain: (row.seq, row.hash) for row in ordered}


def _lines(connection: Connection, chain: str) -> Iterator[dict[str, Any]]:
    """Yield the checkpoints of a chain, then its events: who reads them knows where to look."""
    audit, signed = schema.audit, schema.checkpoint
    points = select(signed).where(signed.c.chain == chain).order_by(signed.c.seq)
    for row in connection.execute(points):
        yield {"chain": chain, "checkpoint": row.body, "signature": row.signature.hex()}
    events = select(audit.c.seq, audit.c.event, audit.c.hash).where(audit.c.chain == chain).order_by(audit.c.seq)
    for row in connection.execution_options(yield_per=AT_A_TIME).execute(events):
        yield {"chain": chain, "seq": row.seq, "event": row.event, "hash": row.hash.hex()}

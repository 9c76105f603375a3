"""Checkpoints of a store's chains: signed every so often, at once known to the office. security.md L4, 11"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from sqlalchemy import Connection, func, insert, select

from cardkit.crypto import MemoryKeyStore
from cardkit.errors import KeyStoreError
from cardkit.production.audit.statement import CHECKPOINT, KEY, Signer, Statement
from cardkit.production.audit.verify import COUNTED, Checkpoint
from cardkit.production.people.roles import Step
from cardkit.production.store import schema
from cardkit.production.store.audit import OFFICE, Event, timestamp
from cardkit.production.store.store import Store

# Each post of a coupler is one event; claims and releases are a few in a hundred more. Together 1,000 at most.
EVERY_POSTS = 900
EVERY_S = 900.0
OWN = "store:audit"


def signer_of(store: Store, chain: str = OFFICE) -> Signer:
    """Return what signs for a chain: the key the audit names last, or the store's own as long as it names none.

    :raises KeyStoreError: where that key store is not there, or holds another key under its name.
    """
    named = _named(store, chain)
    if named is None:
        return Signer(MemoryKeyStore({OWN: store.vault.audit_key()}), OWN)
    keys = store.audit_keys
    if keys is None:
        raise KeyStoreError(f"audit: signed by key {named['reference']}, whose key store must be named (--audit-keys)")
    signer = Signer(keys, named["reference"])
    if signer.public.hex() != named["key"]:
        raise KeyStoreError(f"audit: key {named['reference']} is not the one that signs this audit")
    return signer


def _named(store: Store, chain: str) -> Mapping[str, Any] | None:
    of_keys = (schema.audit.c.chain == OFFICE) & (schema.audit.c.kind == "AUDIT_KEY")
    latest = select(schema.audit.c.event).where(of_keys).order_by(schema.audit.c.seq.desc())
    with store.reading() as connection:
        found = [json.loads(text)["data"] for text in connection.scalars(latest)]
    own = (data for data in found if data["chain"] == chain)
    return next(own, None) or next((data for data in found if data["chain"] == OFFICE), None)


def change_key(store: Store, new: Signer, by: Iterable[str], chain: str = OFFICE) -> None:
    """Let another key sign from now on; the old and the new one sign that it does.

    :param by: who does it.
    :param chain: of the office, and so of all stations without a key of their own, or of one station.
    """
    store.presence.require(Step.AUDIT_KEY, by)
    old = signer_of(store, chain)
    checkpoint(store, OFFICE)
    said = {
        "v": 1,
        "type": "audit-key",
        "installation": store.terms.installation,
        "chain": chain,
        "previous": old.public.hex(),
        "key": new.public.hex(),
        "reference": new.reference,
        "at": timestamp(store.clocks.wall()),
    }
    by_previous, by_key = old.sign(KEY, said), new.sign(KEY, said)
    data = {**said, "by_previous": by_previous.signature.hex(), "by_key": by_key.signature.hex()}
    with store.writing() as connection:
        store.audit(connection, OFFICE, Event("AUDIT_KEY", store.operator, data))


def checkpoint(store: Store, chain: str, signer: Signer | None = None) -> Checkpoint | None:
    """Sign where a chain is; None where it did not move since the last time.

    :param signer: by default the one the audit names.
    """
    signer = signer or signer_of(store, chain)
    with store.writing() as connection:
        mine = select(schema.audit_head).where(schema.audit_head.c.chain == chain)
        head = connection.execute(mine.with_for_update()).one_or_none()  # two stations sign the office's chain
        last = latest(connection, chain)
        if head is None or head.seq == (last.seq if last else 0):
            return None
        content = {
            "v": 1,
            "type": "checkpoint",
            "installation": store.terms.installation,
            "chain": chain,
            "seq": head.seq,
            "hash": head.hash.hex(),
            "at": timestamp(store.clocks.wall()),
            "previous": last.sha256.hex() if last else None,
            "counts": _counts(connection, chain, head.seq, last),
        }
        made = Checkpoint.of(signer.sign(CHECKPOINT, content))
        row = {"chain": chain, "seq": head.seq, "body": made.statement.body.decode()}
        connection.execute(insert(schema.checkpoint), row | {"signature": made.statement.signature})
        if chain != OFFICE:
            data = {"chain": chain, "seq": head.seq, "hash": head.hash.hex(), "sha256": made.sha256.hex()}
            store.audit(connection, OFFICE, Event("CHECKPOINT_SEEN", store.operator, data))
    return made


def sign_all(store: Store) -> None:
    """Sign where every chain is, that of the office last: it has seen the others' then."""
    for chain in reversed(chains(store)):
        checkpoint(store, chain)


def chains(store: Store) -> list[str]:
    """Return the names of all chains, that of the office first."""
    with store.reading() as connection:
        names = connection.scalars(select(schema.audit_head.c.chain)).all()
    return sorted(names, key=lambda name: (name != OFFICE, name))


def latest(connection: Connection, chain: str) -> Checkpoint | None:
    """Return the last checkpoint of a chain."""
    mine = select(schema.checkpoint).where(schema.checkpoint.c.chain == chain)
    row = connection.execute(mine.order_by(schema.checkpoint.c.seq.desc()).limit(1)).one_or_none()
    return None if row is None else Checkpoint.of(Statement(row.body.encode(), row.signature))


def _counts(connection: Connection, chain: str, upto: int, last: Checkpoint | None) -> dict[str, int]:
    audit = schema.audit
    since = audit.c.seq.between((last.seq if last else 0) + 1, upto)
    new = (
        select(audit.c.kind, func.count().label("number"))
        .where(audit.c.chain == chain, since, audit.c.kind.in_(COUNTED))
        .group_by(audit.c.kind)
    )
    counts = dict(last.counts) if last else dict.fromkeys(COUNTED, 0)
    for row in connection.execute(new):
        counts[row.kind] += row.number
    return counts


class Checkpoints:
    """The checkpoints of one station's session: every 900 posts, every 15 minutes, and at its end."""

    def __init__(self, store: Store, chain: str, clock: Callable[[], float] = time.monotonic) -> None:
        self._store = store
        self._chain = chain
        self._clock = clock
        self._signer = signer_of(store, chain)
        self._posts = 0
        self._since = clock()

    def settled(self, posts: int) -> None:
        """Take note that so many posts became durable; sign if it is time.

        :raises StoreError: when the store fails.
        """
        self._posts += posts
        if self._posts >= EVERY_POSTS or self._clock() - self._since >= EVERY_S:
            self.sign()

    def sign(self) -> None:
        """Sign where the chain is now."""
        checkpoint(self._store, self._chain, self._signer)
        self._posts, self._since = 0, self._clock()

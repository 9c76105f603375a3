"""Events of a store's audit, as people look at them."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from sqlalchemy import select

from cardkit.production.people.roles import Step
from cardkit.production.store.schema import audit
from cardkit.production.store.store import Store


@dataclass(frozen=True, slots=True)
class Shown:
    """One event."""

    chain: str
    seq: int
    at: str
    actor: str
    kind: str
    data: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Filter:
    """Which events are wanted: all, or those of a chain, of a kind, about a record."""

    chain: str | None = None
    kind: str | None = None
    record_id: int | None = None


def events(store: Store, wanted: Filter, last: int) -> list[Shown]:
    """Return the latest events, oldest first.

    :param last: how many at most.
    """
    store.presence.require(Step.AUDIT, (store.operator,))
    latest = select(audit.c.chain, audit.c.event).order_by(audit.c.seq.desc(), audit.c.chain).limit(last)
    for column, value in (
        (audit.c.chain, wanted.chain),
        (audit.c.kind, wanted.kind),
        (audit.c.record_id, wanted.record_id),
    ):
        if value is not None:
            latest = latest.where(column == value)
    with store.reading() as connection:
        found = list(_shown(connection.execute(latest)))
    return sorted(found, key=lambda event: (event.at, event.chain, event.seq))


def _shown(rows: Any) -> Iterator[Shown]:
    for row in rows:
        said = json.loads(row.event)
        yield Shown(row.chain, said["seq"], said["at"], said["actor"], said["event"], said["data"])

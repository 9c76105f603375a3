"""The retention clock: data that should have been purged raises an alarm, and stops its customer's next batch.

security.md D4. The audit is no such data: nothing of it is ever deleted.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from sqlalchemy import Connection, case, insert, select, update

from cardkit.errors import IllegalStepError, StoreError
from cardkit.production.people.roles import Step
from cardkit.production.store.audit import OFFICE, Event
from cardkit.production.store.schema import BatchState, batch, customer_order, retention
from cardkit.production.store.store import Store


class Kept(StrEnum):
    """Data of closed batches, counted from their close, and of batches that nobody closed, from their import.

    A class of data in closed batches may have a shorter time. A record is one cell: what is due first takes the rest
    with it.
    """

    CLOSED = "closed"
    OPEN = "open"
    SECRET = "secret"  # noqa: S105  a class of data
    PERSONAL = "personal"


DEFAULT_DAYS: Mapping[Kept, int] = {Kept.CLOSED: 90, Kept.OPEN: 365}


@dataclass(frozen=True, slots=True)
class Overdue:
    """A batch whose data should be gone.

    :param customer: None where it belongs to no order.  :param due: when its time was over.
    """

    batch: str
    customer: str | None
    kept: Kept
    due: datetime


def retention_days(connection: Connection) -> dict[Kept, int]:
    """Return how many days data may be kept; a class without a time of its own is kept as long as its batch."""
    stored = {Kept(row.kept): row.days for row in connection.execute(select(retention))}
    return {**DEFAULT_DAYS, **stored}


def set_retention(store: Store, kept: Kept, days: int, by: Iterable[str]) -> None:
    """Change how long data may be kept.

    :param by: who says so: a security officer and QA where people have roles.  :raises StoreError: below one day.
    """
    people = store.presence.require(Step.RETENTION, by)
    if days < 1:
        raise StoreError(f"retention of {kept} data: expected 1 day or more, got {days}")
    with store.writing() as connection:
        changed = update(retention).where(retention.c.kept == kept).values(days=days)
        if connection.execute(changed).rowcount == 0:
            connection.execute(insert(retention).values(kept=kept, days=days))
        data = {"kept": kept.value, "days": days, "by": people}
        store.audit(connection, OFFICE, Event("RETENTION", store.operator, data))


def overdue(connection: Connection, now: datetime) -> list[Overdue]:
    """Return the batches whose data should have been purged, oldest first."""
    limits = retention_days(connection)
    since = case((batch.c.closed_at.is_(None), batch.c.created_at), else_=batch.c.closed_at)
    standing = (
        select(batch.c.name, batch.c.state, since.label("since"), customer_order.c.customer)
        .outerjoin(customer_order, customer_order.c.id == batch.c.order_id)
        .where(batch.c.state != BatchState.PURGED)
        .order_by(batch.c.id)
    )
    found = []
    for row in connection.execute(standing):
        clocks = (Kept.CLOSED, Kept.SECRET, Kept.PERSONAL) if row.state == BatchState.CLOSED else (Kept.OPEN,)
        days, kept = min((limits[clock], clock) for clock in clocks if clock in limits)
        due = row.since + timedelta(days=days)
        if due < now:
            found.append(Overdue(row.name, row.customer, kept, due))
    return found


def refuse_overdue(connection: Connection, customer: str, now: datetime) -> None:
    """Refuse a batch of a customer whose earlier data is overdue.

    :raises IllegalStepError: naming it.
    """
    late = [item.batch for item in overdue(connection, now) if item.customer == customer]
    if late:
        raise IllegalStepError(
            f"customer {customer}: data of {', '.join(late)} is overdue, purge it first (`cardkit retention`)"
        )

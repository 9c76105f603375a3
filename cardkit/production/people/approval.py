"""Approvals: what two people agreed to is exactly this content; one byte more or less is something else. R3, R4"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import Connection, insert, select, update

from cardkit.errors import IllegalStepError, TwoPersonsError
from cardkit.production.canonical import canonical
from cardkit.production.people.roles import Step
from cardkit.production.store.audit import OFFICE, Event
from cardkit.production.store.schema import approval
from cardkit.production.store.store import Batch, Store


class Kind(StrEnum):
    """What is approved. The templates of output files go as profiles, by the name ``PROFILE/TEMPLATE``."""

    PROFILE = "profile"
    ORDER = "order"
    BATCH = "batch"


@dataclass(frozen=True, slots=True)
class Subject:
    """What an approval is about.

    :param sha256: of all its content, 32 bytes.
    """

    kind: Kind
    name: str
    sha256: bytes

    def __str__(self) -> str:
        return f"{self.kind} {self.name} ({self.sha256.hex()[:16]})"


@dataclass(frozen=True, slots=True)
class Approval:
    """A proposal, and who agreed to it.

    :param approvers: nobody yet where it is empty.
    """

    subject: Subject
    author: str
    proposed_at: datetime
    approvers: tuple[str, ...]
    approved_at: datetime | None


def batch_content(lot: Batch, source_sha256: bytes) -> bytes:
    """Return the digest of what a batch is: its profile, key set, order file and counts; 32 bytes."""
    content: dict[str, Any] = {
        "batch": lot.name,
        "profile_sha256": lot.profile_sha256.hex(),
        "keyset_sha256": lot.keyset_sha256.hex(),
        "source_sha256": source_sha256.hex(),
        "rows": lot.rows,
        "imported": lot.imported,
        "remake": lot.remake,
    }
    return hashlib.sha256(canonical(content)).digest()


def approvals(store: Store) -> list[Approval]:
    """Return what was proposed and approved, latest first."""
    with store.reading() as connection:
        rows = connection.execute(select(approval).order_by(approval.c.proposed_at.desc(), approval.c.name))
        return [_approval(row) for row in rows]


def propose(store: Store, subject: Subject) -> None:
    """Put something up for approval; the operator is its author.

    :raises IllegalStepError: when exactly this was proposed before.
    """
    (author,) = store.presence.require(Step.PROPOSE, (store.operator,))
    with store.writing() as connection:
        file(store, connection, subject, author)


def file(store: Store, connection: Connection, subject: Subject, author: str) -> None:
    """Note a proposal inside the caller's transaction."""
    if _row(connection, subject) is not None:
        raise IllegalStepError(f"{subject}: exactly this was proposed before")
    row = {"kind": subject.kind, "name": subject.name, "sha256": subject.sha256, "author": author}
    connection.execute(insert(approval), row | {"proposed_at": store.clocks.wall()})
    store.audit(connection, OFFICE, Event("PROPOSE", author, _said(subject)))


def approve(store: Store, subject: Subject, by: Iterable[str]) -> Approval:
    """Agree to exactly this content.

    :param by: who agrees: a security officer and QA where people have roles.
    :raises IllegalStepError: when it was not proposed, or is approved already.
    :raises TwoPersonsError: when people are too few, lack a role, or one of them is its author.
    """
    people = store.presence.require(Step.APPROVE, by)
    with store.writing() as connection:
        agree(store, connection, subject, people)
        return _approval(_row(connection, subject))


def agree(store: Store, connection: Connection, subject: Subject, people: list[str]) -> None:
    """Note an approval inside the caller's transaction."""
    row = _row(connection, subject)
    if row is None:
        raise IllegalStepError(f"{subject}: nobody proposed this content, or it was changed since")
    if row.author in people:
        raise TwoPersonsError(f"{subject}: {row.author} is its author and cannot approve it")
    if row.approved_at is not None:
        raise IllegalStepError(f"{subject}: approved already, by {' and '.join(json.loads(row.approvers))}")
    agreed = {"approvers": json.dumps(people), "approved_at": store.clocks.wall()}
    connection.execute(update(approval).where(_is(subject)).values(agreed))
    data = {**_said(subject), "author": row.author, "by": people}
    store.audit(connection, OFFICE, Event("APPROVAL", store.operator, data))


def require_approved(connection: Connection, subject: Subject) -> None:
    """Refuse what was not approved with exactly this content.

    :raises IllegalStepError: as it says.
    """
    row = _row(connection, subject)
    if row is None or row.approved_at is None:
        raise IllegalStepError(f"{subject}: not approved with this content")


def _row(connection: Connection, subject: Subject) -> Any:
    return connection.execute(select(approval).where(_is(subject))).one_or_none()


def _is(subject: Subject) -> Any:
    same = (approval.c.kind == subject.kind) & (approval.c.name == subject.name)
    return same & (approval.c.sha256 == subject.sha256)


def _approval(row: Any) -> Approval:
    approvers = tuple(json.loads(row.approvers or "[]"))
    subject = Subject(Kind(row.kind), row.name, row.sha256)
    return Approval(subject, row.author, row.proposed_at, approvers, row.approved_at)


def _said(subject: Subject) -> dict[str, Any]:
    return {"kind": subject.kind.value, "name": subject.name, "sha256": subject.sha256.hex()}

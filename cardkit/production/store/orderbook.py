"""Customers' orders in the store: what was bought, who approved it, and the batches it is made in. production.md 1

Approval binds to everything an order says; the author cannot give it (security.md R3).
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import asdict, dataclass, field, fields
from datetime import date

from sqlalchemy import Connection, func, insert, select, update
from sqlalchemy.exc import IntegrityError

from cardkit.errors import IllegalStepError, RecordError, StoreError
from cardkit.production.canonical import canonical
from cardkit.production.gpg import check_fingerprint
from cardkit.production.people import approval
from cardkit.production.people.approval import Kind, Subject
from cardkit.production.people.roles import Step
from cardkit.production.store.audit import OFFICE, Event
from cardkit.production.store.schema import OrderState, batch, customer_order
from cardkit.production.store.store import Store

TAKING = (OrderState.APPROVED, OrderState.OPEN)


@dataclass(frozen=True, slots=True)
class NewOrder:
    """What a customer bought.

    :param profile, profile_sha256: the product; 32 bytes.  :param quantity: records at most, over all its batches.
    :param acceptance: the plan its cards are accepted by, in words.
    :param sender: fingerprint of the OpenPGP key that signs its files.
    :param recipient, signer: of the keys its output files are encrypted to and signed by; both or none.
    :raises StoreError: on a quantity below 1, or one of recipient and signer.
    :raises KeyStoreError: on anything but full fingerprints.
    """

    name: str
    customer: str
    profile: str
    profile_sha256: bytes
    quantity: int
    due: date | None = None
    acceptance: str = "every card"
    sender: str | None = None
    recipient: str | None = None
    signer: str | None = None

    def __post_init__(self) -> None:
        for what in ("sender", "recipient", "signer"):
            if (text := getattr(self, what)) is not None:
                check_fingerprint(what, text)
        if self.quantity < 1:
            raise StoreError(f"order {self.name}: a quantity of {self.quantity}, expected 1 or more")
        if (self.recipient is None) != (self.signer is None):
            raise StoreError(f"order {self.name}: recipient and signer belong together: what is encrypted is signed")

    @property
    def subject(self) -> Subject:
        """What an approval of this order is about."""
        said = asdict(self) | {"profile_sha256": self.profile_sha256.hex()}
        said["due"] = None if self.due is None else self.due.isoformat()
        return Subject(Kind.ORDER, self.name, hashlib.sha256(canonical(said)).digest())


@dataclass(frozen=True, slots=True)
class CustomerOrder:
    """An order as it stands.

    :param batches: names and states of its batches, oldest first.  :param imported: records of all of them.
    """

    id: int = field(repr=False)
    terms: NewOrder
    state: OrderState
    batches: tuple[tuple[str, str], ...]
    imported: int


def create_order(store: Store, new: NewOrder) -> CustomerOrder:
    """Put an order into the store as DRAFT; the operator is its author.

    :raises StoreError: where there is one of that name.
    """
    (author,) = store.presence.require(Step.IMPORT, (store.operator,))
    row = asdict(new) | {"state": OrderState.DRAFT, "created_at": store.clocks.wall()}
    with store.writing() as connection:
        try:
            connection.execute(insert(customer_order), row)
        except IntegrityError:
            raise StoreError(f"order {new.name}: the store has one of that name already") from None
        data = {"order": new.name, "customer": new.customer, "profile": new.profile, "quantity": new.quantity}
        store.audit(connection, OFFICE, Event("ORDER_CREATE", author, data))
        approval.file(store, connection, new.subject, author)
        return _order(connection, new.name)


def approve_order(store: Store, name: str, by: Iterable[str]) -> CustomerOrder:
    """DRAFT to APPROVED, exactly as it is.

    :param by: who agrees: a security officer and QA where people have roles, never the author.
    :raises IllegalStepError: in another state, or where it was changed since it was made.
    :raises TwoPersonsError: when people are too few, lack a role, or one of them is its author.
    """
    people = store.presence.require(Step.APPROVE, by)
    with store.writing() as connection:
        found = _order(connection, name)
        _require(found, OrderState.DRAFT)
        approval.agree(store, connection, found.terms.subject, people)
        _move(connection, found, OrderState.APPROVED)
        return _order(connection, name)


def close_order(store: Store, name: str) -> CustomerOrder:
    """OPEN to CLOSED: every batch of it is closed, and no file of it is taken any more.

    :raises IllegalStepError: in another state, or while a batch is not closed.
    """
    (person,) = store.presence.require(Step.CLOSE, (store.operator,))
    with store.writing() as connection:
        found = _order(connection, name)
        _require(found, OrderState.OPEN)
        left = [each for each, state in found.batches if state not in ("CLOSED", "PURGED")]
        if left:
            raise IllegalStepError(f"order {name}: batches are not closed: {', '.join(left)}")
        _move(connection, found, OrderState.CLOSED)
        data = {"order": name, "imported": found.imported, "quantity": found.terms.quantity}
        store.audit(connection, OFFICE, Event("ORDER_CLOSE", person, data))
        return _order(connection, name)


def order_of(store: Store, name: str) -> CustomerOrder:
    """Return an order by its name; StoreError where there is none."""
    with store.reading() as connection:
        return _order(connection, name)


def order_names(store: Store) -> list[str]:
    """Return the names of all orders, oldest first."""
    with store.reading() as connection:
        return list(connection.scalars(select(customer_order.c.name).order_by(customer_order.c.id)))


def taking(connection: Connection, name: str, profile_sha256: bytes) -> CustomerOrder:
    """Return an order that takes a batch of a product.

    :raises IllegalStepError: where nobody approved it as it is, or it is closed.
    :raises RecordError: PROFILE, where it is of another product.
    """
    connection.execute(select(customer_order.c.id).where(customer_order.c.name == name).with_for_update())
    found = _order(connection, name)
    _require(found, *TAKING)
    approval.require_approved(connection, found.terms.subject)
    if found.terms.profile_sha256 != profile_sha256:
        raise RecordError(
            f"order {name}: profile {found.terms.profile} was approved with other content", code="PROFILE"
        )
    return found


def taken(connection: Connection, order: CustomerOrder, records: int) -> None:
    """Note that an order has a batch of some records more.

    :raises RecordError: QUANTITY, where that is more than was bought.
    """
    left = order.terms.quantity - order.imported
    if records > left:
        raise RecordError(f"order {order.terms.name}: {left} records left, the file has {records}", code="QUANTITY")
    if order.state is OrderState.APPROVED:
        _move(connection, order, OrderState.OPEN)


def _require(found: CustomerOrder, *states: OrderState) -> None:
    if found.state not in states:
        raise IllegalStepError(f"order {found.terms.name}: is {found.state}, expected {' or '.join(states)}")


def _move(connection: Connection, order: CustomerOrder, state: OrderState) -> None:
    connection.execute(update(customer_order).where(customer_order.c.id == order.id).values(state=state))


def _order(connection: Connection, name: str) -> CustomerOrder:
    row = connection.execute(select(customer_order).where(customer_order.c.name == name)).one_or_none()
    if row is None:
        raise StoreError(f"no order {name!r} in this store")
    mine = batch.c.order_id == row.id
    made = connection.execute(select(batch.c.name, batch.c.state).where(mine).order_by(batch.c.id))
    batches = tuple((one.name, one.state) for one in made)
    imported = connection.scalar(select(func.coalesce(func.sum(batch.c.imported), 0)).where(mine)) or 0
    terms = NewOrder(**{each.name: getattr(row, each.name) for each in fields(NewOrder)})
    return CustomerOrder(row.id, terms, _state(row.state, batches), batches, imported)


def _state(stored: str, batches: tuple[tuple[str, str], ...]) -> OrderState:
    purged = stored == OrderState.CLOSED and batches and all(state == "PURGED" for _, state in batches)
    return OrderState.PURGED if purged else OrderState(stored)

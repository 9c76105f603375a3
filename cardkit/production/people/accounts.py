"""Named accounts: made by an administrator, opened by a password, locked after six failures. security.md R1, L6"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

import msgspec
from sqlalchemy import Connection, case, delete, func, insert, select, update
from sqlalchemy.exc import IntegrityError

from cardkit.crypto import Secret
from cardkit.crypto.credential import Credential
from cardkit.errors import LoginError, StoreError
from cardkit.production.people.roles import Role, Step, check_combination
from cardkit.production.store.audit import OFFICE, Event
from cardkit.production.store.schema import account, account_role
from cardkit.production.store.store import Store

MOST_FAILURES = 6
LEAST_CHARACTERS = 12
NOBODY = "nobody"
_LABEL = b"cardkit-account-1"
_NAME = re.compile(r"[a-z][a-z0-9._-]{0,31}")


class AccountState(StrEnum):
    """ACTIVE accounts log in; LOCKED ones wait for an administrator."""

    ACTIVE = "ACTIVE"
    LOCKED = "LOCKED"


@dataclass(frozen=True, slots=True)
class Account:
    """One person's account as it is listed.

    :param person: staff number or the like.  :param failures: wrong passwords since the last right one.
    """

    name: str
    person: str
    state: AccountState
    failures: int
    roles: tuple[Role, ...]
    changed_at: datetime


def accounts(store: Store) -> list[Account]:
    """Return all accounts, by name."""
    with store.reading() as connection:
        held: dict[str, list[Role]] = {}
        for row in connection.execute(select(account_role).order_by(account_role.c.role)):
            held.setdefault(row.account, []).append(Role(row.role))
        return [
            Account(
                row.name, row.person, AccountState(row.state), row.failures, tuple(held.get(row.name, ())),
                row.changed_at,
            )
            for row in connection.execute(select(account).order_by(account.c.name))
        ]  # fmt: skip


def has_accounts(store: Store) -> bool:
    """Whether anybody has an account yet."""
    with store.reading() as connection:
        return bool(connection.scalar(select(func.count()).select_from(account)))


def log_in(store: Store, name: str, password: Secret) -> None:
    """Let a person in: from now on the store takes steps in this name.

    :raises LoginError: on an unknown name, a wrong password or a locked account; each is audited.
    """
    with store.reading() as connection:
        row = connection.execute(select(account).where(account.c.name == name)).one_or_none()
        roles = _roles(connection, name)
    # An unknown name costs as much time as a wrong password, and is not repeated: it may be a password itself.
    kept = Credential.new(_LABEL, name, Secret(b"", "none")) if row is None else _credential(row.credential)
    right = kept.accepts(_LABEL, name, password)
    if row is None:
        _audited(store, NOBODY, "LOGIN_FAILED", {"account": None})
        raise LoginError("login: unknown name or wrong password")
    if row.state == AccountState.LOCKED:
        _audited(store, name, "LOGIN_FAILED", {"account": name, "locked": True})
        raise LoginError(f"login of {name}: the account is locked, an administrator unlocks it")
    if not right:
        raise _failed(store, name)
    with store.writing() as connection:
        connection.execute(update(account).where(account.c.name == name).values(failures=0))
        store.audit(connection, OFFICE, Event("LOGIN", name, {"roles": sorted(role.value for role in roles)}))
    store.presence.enter(name, roles)


def log_out(store: Store, name: str) -> None:
    """End a person's login, if there is one."""
    if store.presence.leave(name):
        _audited(store, name, "LOGOUT", {})


def add(store: Store, name: str, person: str, roles: Collection[Role], password: Secret) -> None:
    """Make an account. The first of a store is an administrator's and is made by whoever founds the store.

    :param person: staff number or the like, of nobody else.
    :raises StoreError: on a malformed or taken name, a person with an account, roles that do not go together.
    """
    held = sorted({role.value for role in roles})
    check_combination(name, roles)
    if not _NAME.fullmatch(name):
        raise StoreError(f"account {name!r}: expected a lower-case letter, then letters, digits, . _ - (32 at most)")
    first = not has_accounts(store)
    if first and Role.ADMINISTRATOR not in held:
        raise StoreError(f"account {name}: the first account of a store is an administrator's")
    by = [store.operator] if first else store.presence.require(Step.ACCOUNTS, (store.operator,))
    credential = _new_credential(name, password)
    now = store.clocks.wall()
    row = {"name": name, "person": person, "state": AccountState.ACTIVE, "failures": 0, "credential": credential}
    with store.writing() as connection:
        try:
            connection.execute(insert(account), row | {"created_at": now, "changed_at": now})
        except IntegrityError:
            raise StoreError(f"account {name}: the name, or the person {person}, has an account already") from None
        connection.execute(insert(account_role), [{"account": name, "role": role} for role in held])
        data = {"account": name, "roles": held, "by": by}
        store.audit(connection, OFFICE, Event("ACCOUNT_ADD", store.operator, data))


def set_roles(store: Store, name: str, roles: Collection[Role]) -> None:
    """Give an account other roles."""
    held = sorted({role.value for role in roles})
    check_combination(name, roles)
    with _changing(store, name) as (connection, by):
        before = sorted(role.value for role in _roles(connection, name))
        connection.execute(delete(account_role).where(account_role.c.account == name))
        connection.execute(insert(account_role), [{"account": name, "role": role} for role in held])
        _last_administrator(connection, name)
        data = {"account": name, "before": before, "roles": held, "by": by}
        store.audit(connection, OFFICE, Event("ROLE_CHANGE", store.operator, data))


def set_password(store: Store, name: str, password: Secret) -> None:
    """Give an account another password: its own person does, or an administrator."""
    with _changing(store, name, own=True) as (connection, by):
        changed = {"credential": _new_credential(name, password), "failures": 0, "changed_at": store.clocks.wall()}
        connection.execute(update(account).where(account.c.name == name).values(changed))
        store.audit(connection, OFFICE, Event("PASSWORD_CHANGE", store.operator, {"account": name, "by": by}))


def lock(store: Store, name: str) -> None:
    """Let an account log in no more."""
    with _changing(store, name) as (connection, by):
        locked = {"state": AccountState.LOCKED, "changed_at": store.clocks.wall()}
        connection.execute(update(account).where(account.c.name == name).values(locked))
        _last_administrator(connection, name)
        store.audit(connection, OFFICE, Event("ACCOUNT_LOCK", store.operator, {"account": name, "by": by}))


def unlock(store: Store, name: str) -> None:
    """Let a locked account log in again."""
    with _changing(store, name) as (connection, by):
        active = {"state": AccountState.ACTIVE, "failures": 0, "changed_at": store.clocks.wall()}
        connection.execute(update(account).where(account.c.name == name).values(active))
        store.audit(connection, OFFICE, Event("ACCOUNT_UNLOCK", store.operator, {"account": name, "by": by}))


@contextmanager
def _changing(store: Store, name: str, *, own: bool = False) -> Iterator[tuple[Connection, list[str]]]:
    """One transaction that changes an account, and who is behind it.

    :param own: whether the account's own person may do it, too.
    """
    by = [name] if own and store.presence.is_here(name) else store.presence.require(Step.ACCOUNTS, (store.operator,))
    with store.writing() as connection:
        if connection.scalar(select(account.c.name).where(account.c.name == name)) is None:
            raise StoreError(f"account {name}: unknown")
        yield connection, by


def _last_administrator(connection: Connection, name: str) -> None:
    """Refuse a change after which nobody could change accounts any more."""
    administrators = (
        select(func.count())
        .select_from(account.join(account_role, account.c.name == account_role.c.account))
        .where(account.c.state == AccountState.ACTIVE, account_role.c.role == Role.ADMINISTRATOR)
    )
    if not connection.scalar(administrators):
        raise StoreError(f"account {name}: the last administrator's; another one is needed first")


def _roles(connection: Connection, name: str) -> list[Role]:
    found = connection.scalars(select(account_role.c.role).where(account_role.c.account == name))
    return [Role(role) for role in found]


def _failed(store: Store, name: str) -> LoginError:
    """Count a wrong password; what to tell the person."""
    with store.writing() as connection:
        mine = update(account).where(account.c.name == name, account.c.state == AccountState.ACTIVE)
        next_state = case((account.c.failures + 1 < MOST_FAILURES, "ACTIVE"), else_="LOCKED")
        counting = mine.values(failures=account.c.failures + 1, state=next_state).returning(account.c.failures)
        failures = connection.scalar(counting)
        data: dict[str, Any] = {"account": name, "failures": failures}
        store.audit(connection, OFFICE, Event("LOGIN_FAILED", name, data))
        if failures == MOST_FAILURES:
            store.audit(connection, OFFICE, Event("ACCOUNT_LOCK", name, data))
    return LoginError("login: unknown name or wrong password")


def _audited(store: Store, actor: str, kind: str, data: dict[str, Any]) -> None:
    with store.writing() as connection:
        store.audit(connection, OFFICE, Event(kind, actor, data))


def _new_credential(name: str, password: Secret) -> str:
    if len(password) < LEAST_CHARACTERS:
        raise StoreError(f"password of {name}: {len(password)} bytes, expected {LEAST_CHARACTERS} or more")
    return msgspec.json.encode(Credential.new(_LABEL, name, password)).decode()


def _credential(text: str) -> Credential:
    try:
        return msgspec.json.decode(text, type=Credential)
    except msgspec.MsgspecError as error:
        raise StoreError(f"account: its credential does not parse: {error}") from None

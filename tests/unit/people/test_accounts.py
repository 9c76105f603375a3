"""Named accounts: who gets in, who is locked out, and what the audit says of it."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy import text

from cardkit.crypto import Secret
from cardkit.errors import LoginError, StoreError, TwoPersonsError
from cardkit.production.people import accounts
from cardkit.production.people.roles import NEEDS, Role, Step, fulfils
from cardkit.production.store import Store
from tests.unit.people.conftest import PEOPLE, Time, audited, password

WRONG = Secret(b"not the password", "wrong")


def state_of(store: Store, name: str) -> tuple[str, int]:
    return next((one.state.value, one.failures) for one in accounts.accounts(store) if one.name == name)


def last_event(store: Store) -> dict[str, Any]:
    event: dict[str, Any] = json.loads(list(store.audit_events("office"))[-1].event)
    return event


@pytest.mark.requirement("R1")
def test_an_account_is_locked_after_six_wrong_passwords(live_at: Callable[[str], Store]) -> None:
    store = live_at("olga")
    for failures in range(1, 7):
        with pytest.raises(LoginError, match="unknown name or wrong password"):
            accounts.log_in(store, "olga", WRONG)
        assert state_of(store, "olga") == ("LOCKED" if failures == 6 else "ACTIVE", failures)
    with pytest.raises(LoginError, match="locked, an administrator unlocks it"):
        accounts.log_in(store, "olga", password("olga"))
    assert audited(store)[-8:] == [*["LOGIN_FAILED"] * 6, "ACCOUNT_LOCK", "LOGIN_FAILED"]
    assert store.presence.names() == []


@pytest.mark.requirement("R1")
def test_a_right_password_sets_the_count_back(live_at: Callable[[str], Store]) -> None:
    store = live_at("olga")
    for _ in range(5):
        with pytest.raises(LoginError):
            accounts.log_in(store, "olga", WRONG)
    accounts.log_in(store, "olga", password("olga"))
    assert state_of(store, "olga") == ("ACTIVE", 0)
    with pytest.raises(LoginError):
        accounts.log_in(store, "olga", WRONG)
    assert state_of(store, "olga") == ("ACTIVE", 1)


@pytest.mark.requirement("R1")
def test_an_administrator_unlocks(live: Callable[..., Store]) -> None:
    store = live("root")
    accounts.lock(store, "olga")
    with pytest.raises(LoginError, match="locked"):
        accounts.log_in(store, "olga", password("olga"))
    accounts.unlock(store, "olga")
    accounts.log_in(store, "olga", password("olga"))
    assert audited(store)[-4:] == ["ACCOUNT_LOCK", "LOGIN_FAILED", "ACCOUNT_UNLOCK", "LOGIN"]


def test_an_unknown_name_is_not_repeated_because_it_may_be_a_password(live_at: Callable[[str], Store]) -> None:
    store = live_at("olga")
    with pytest.raises(LoginError) as caught:
        accounts.log_in(store, "a password of olga", WRONG)
    assert "olga" not in str(caught.value)
    assert last_event(store) | {"seq": 0, "at": ""} == {
        "seq": 0, "at": "", "actor": "nobody", "event": "LOGIN_FAILED", "data": {"account": None},
    }  # fmt: skip


@pytest.mark.requirement("R1")
def test_the_database_holds_no_fast_hash(live: Callable[..., Store], monkeypatch: pytest.MonkeyPatch) -> None:
    store = live("root")
    monkeypatch.undo()
    accounts.add(store, "slow", "2000", [Role.OPERATOR], password("slow"))
    with store.reading() as connection:
        kept = json.loads(connection.scalar(text("select credential from account where name = 'slow'")) or "")
    assert kept["kdf"]["name"] in ("argon2id", "scrypt")
    assert kept["kdf"]["costs"] in ({"m_kib": 65536, "t": 3, "p": 4}, {"n": 1 << 17, "r": 8, "p": 1})
    assert len(kept["kdf"]["salt"]) == 32
    assert "a password" not in json.dumps(kept)


@pytest.mark.requirement("R1")
def test_who_is_idle_for_ten_minutes_is_logged_out(live: Callable[..., Store], time: Time) -> None:
    store = live("olga")
    time.seconds += 600
    assert store.presence.require(Step.RUN, ("olga",)) == ["olga"]
    time.seconds += 600.1
    with pytest.raises(LoginError, match="logged out after 10 minutes"):
        store.presence.require(Step.RUN, ("olga",))
    with pytest.raises(LoginError, match="not logged in"):
        store.presence.require(Step.RUN, ("olga",))


def test_a_login_is_for_one_store_and_one_screen(live: Callable[..., Store], live_at: Callable[[str], Store]) -> None:
    live("olga")
    with pytest.raises(LoginError, match="olga: not logged in"):
        live_at("olga").presence.require(Step.RUN, ("olga",))


def test_logout_is_audited_once(live: Callable[..., Store]) -> None:
    store = live("olga")
    accounts.log_out(store, "olga")
    accounts.log_out(store, "olga")
    assert audited(store)[-2:] == ["LOGIN", "LOGOUT"]


@pytest.mark.parametrize(
    ("name", "person", "roles", "line"),
    [
        ("eve", "1000", [Role.OPERATOR], "the person 1000, has an account already"),
        ("olga", "3000", [Role.OPERATOR], "the name, or the person"),
        ("Eve", "3000", [Role.OPERATOR], "expected a lower-case letter"),
        ("eve", "3000", [Role.AUDITOR, Role.OPERATOR], "an auditor has no other role"),
        ("eve", "3000", [Role.ADMINISTRATOR, Role.CUSTODIAN], "administrator and custodian do not go together"),
        ("eve", "3000", [], "no role"),
    ],
)
@pytest.mark.requirement("R3")
def test_accounts_that_are_refused(
    live: Callable[..., Store], name: str, person: str, roles: list[Role], line: str
) -> None:
    store = live("root")
    before = accounts.accounts(store)
    with pytest.raises(StoreError, match=line):
        accounts.add(store, name, person, roles, password("eve"))
    assert accounts.accounts(store) == before


def test_a_short_password_is_refused(live: Callable[..., Store]) -> None:
    with pytest.raises(StoreError, match="11 bytes, expected 12 or more"):
        accounts.add(live("root"), "eve", "3000", [Role.OPERATOR], Secret(b"12345678901", "eve"))


def test_the_first_account_is_an_administrator(tmp_path: Any) -> None:
    from cardkit.production.store import open_store

    with open_store(f"sqlite:///{tmp_path / 'new.db'}", operator="root", kind="LIVE", create=True) as store:
        assert (store.terms.kind, store.terms.persons) == ("LIVE", 2)
        with pytest.raises(StoreError, match="first account of a store is an administrator's"):
            accounts.add(store, "olga", "1", [Role.OPERATOR], password("olga"))
        accounts.add(store, "root", "1", [Role.ADMINISTRATOR], password("root"))
        with pytest.raises(LoginError, match="root: not logged in"):
            accounts.add(store, "olga", "2", [Role.OPERATOR], password("olga"))


@pytest.mark.parametrize("change", [accounts.lock, accounts.unlock, lambda s, n: accounts.set_roles(s, n, [Role.QA])])
def test_only_an_administrator_changes_accounts(
    live: Callable[..., Store], change: Callable[[Store, str], None]
) -> None:
    with pytest.raises(TwoPersonsError, match="changing accounts needs administrator"):
        change(live("sven"), "olga")


@pytest.mark.parametrize("change", [accounts.lock, lambda s, n: accounts.set_roles(s, n, [Role.OPERATOR])])
def test_the_last_administrator_stays_one(live: Callable[..., Store], change: Callable[[Store, str], None]) -> None:
    store = live("root")
    with pytest.raises(StoreError, match="the last administrator's"):
        change(store, "root")
    assert state_of(store, "root") == ("ACTIVE", 0)
    accounts.add(store, "root2", "4000", [Role.ADMINISTRATOR], password("root2"))
    change(store, "root")


def test_a_person_changes_the_own_password_and_nobody_elses(live: Callable[..., Store]) -> None:
    store = live("olga")
    accounts.set_password(store, "olga", Secret(b"another password", "new"))
    with pytest.raises(LoginError):
        accounts.log_in(store, "olga", password("olga"))
    accounts.log_in(store, "olga", Secret(b"another password", "new"))
    with pytest.raises(TwoPersonsError, match="changing accounts needs administrator"):
        accounts.set_password(store, "sven", Secret(b"another password", "new"))


def test_a_role_change_is_audited_with_both_sets(live: Callable[..., Store]) -> None:
    store = live("root")
    accounts.set_roles(store, "olga", [Role.SUPERVISOR, Role.QA])
    assert last_event(store)["data"] == {
        "account": "olga", "before": ["operator"], "roles": ["qa", "supervisor"], "by": ["root"],
    }  # fmt: skip


def test_one_person_fills_one_place() -> None:
    everything = frozenset(Role)
    for step, places in NEEDS.items():
        assert fulfils(step, [everything] * len(places))
        assert not fulfils(step, [everything] * (len(places) - 1))


def test_every_step_of_people_says_whom_it_needs() -> None:
    assert set(NEEDS) == set(Step)
    assert {role for places in NEEDS.values() for place in places for role in place} == set(Role)
    assert all(set(roles) <= set(Role) for roles in PEOPLE.values())

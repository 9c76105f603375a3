"""Steps of two persons in a LIVE store: 0, 1, 1 twice, 2, and 2 of whom one lacks the role (R4)."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from sqlalchemy import text

from cardkit.errors import LoginError, TwoPersonsError
from cardkit.production.people.approval import Kind, Subject, approve, propose
from cardkit.production.people.presence import IDLE_S
from cardkit.production.purge import purge_batch
from cardkit.production.store import Card, Office, Store, start_session
from cardkit.production.store.schema import BatchState
from tests.unit.people.conftest import BATCH, Time, audited, batch_of

PROFILE = Subject(Kind.PROFILE, "usim", b"\x11" * 32)

# step: what is done, the state the record or batch has before, whom it needs, somebody who lacks the role
STEPS: dict[str, tuple[Callable[[Office], None], str, tuple[str, str], str]] = {
    "open": (lambda office: office.open(), "APPROVED", ("sven", "olga"), "quin"),
    "restart": (lambda office: office.unhold("looked at"), "HELD", ("otto", "sven"), "olga"),
    "scrap": (lambda office: office.scrap(1, "D-1"), "REJECTED", ("sven", "olga"), "quin"),
    "lost": (lambda office: office.lost(1, "I-1"), "REJECTED", ("otto", "sven"), "quin"),
    "recall": (lambda office: office.recall(1, "QA"), "GOOD", ("quin", "sven"), "olga"),
    "resolve": (lambda office: office.resolve(1, "c1", "REJECTED", "X"), "IN_DOUBT", ("sven", "olga"), "carl"),
    "resume": (lambda office: office.resume(1, "c1", "match", "s"), "IN_DOUBT", ("sven", "olga"), "carl"),
    "remake": (lambda office: office.remake(1), "SCRAPPED", ("sven", "olga"), "otto"),
    "cancel": (lambda office: office.cancel(1), "READY", ("sven", "olga"), "otto"),
    "approve": (lambda office: office.approve(), "UNAPPROVED", ("otto", "quin"), "sven"),
}


def prepared(live: Callable[..., Store], state: str) -> None:
    """Bring batch and record 1 to a state, by the people each step on the way needs."""
    batch_of(live("sven"))
    lot = live("sven").batch(BATCH)
    approve_profile(live)
    store = live("sven", "olga", "otto", "quin")
    if state == "UNAPPROVED":
        return
    Office(store, lot, ("otto", "quin")).approve()
    if state == "APPROVED":
        return
    Office(store, lot, ("sven", "olga")).open()
    if state == "HELD":
        Office(store, lot, ("olga",)).hold("rejects")
    if state in ("READY", "HELD"):
        return
    session, _ = start_session(store, "s1")
    card = Card(1, session.claim(BATCH, 1, 60)[0].token, "c1")
    session.bind(lot, card)
    if state == "IN_DOUBT":
        start_session(store, "s1")
    elif state == "GOOD":
        session.commit(lot, card, b"e" * 32)
    else:
        session.reject(lot, card, "DATA_READBACK")
    if state == "SCRAPPED":
        Office(store, lot, ("sven", "olga")).scrap(1, "D-1")


def approve_profile(live: Callable[..., Store]) -> None:
    propose(live("arne"), PROFILE)
    approve(live("otto", "quin"), PROFILE, ("otto", "quin"))


@pytest.mark.requirement("R4")
@pytest.mark.parametrize("name", STEPS)
def test_who_may_take_the_step(name: str, live: Callable[..., Store]) -> None:
    step, state, (one, other), lacking = STEPS[name]
    prepared(live, state)
    for by in ((), (one,), (one, one), (other,), (one, lacking), (lacking, other), ("root", "audi")):
        store = live("root", *{*by, "root"} - {""})
        with pytest.raises(TwoPersonsError, match=" needs "):
            step(Office(store, store.batch(BATCH), by))
    store = live(one, other)
    step(Office(store, store.batch(BATCH), (one, other)))
    assert json.loads(list(store.audit_events("office"))[-1].event)["data"]["by"] == sorted((one, other))


@pytest.mark.requirement("R4")
def test_a_second_person_logs_in_for_each_step_and_within_a_minute(live: Callable[..., Store], time: Time) -> None:
    prepared(live, "APPROVED")
    store = live("sven", "olga")
    time.seconds += 60.1
    with pytest.raises(LoginError, match="olga: logged in more than 60 s ago"):
        Office(store, store.batch(BATCH), ("sven", "olga")).open()
    assert store.batch(BATCH).state is BatchState.APPROVED


@pytest.mark.requirement("R4")
def test_a_name_alone_takes_no_step(live_at: Callable[[str], Store], live: Callable[..., Store]) -> None:
    batch_of(live("sven"))
    store = live_at("sven")
    for by in (("sven", "olga"), ("sven", "nobody known")):
        with pytest.raises(LoginError, match="not logged in"):
            Office(store, store.batch(BATCH), by).cancel(1)


def test_two_roles_of_one_person_are_not_two_persons(live: Callable[..., Store]) -> None:
    batch_of(live("sven"))
    store = live("saba")
    with pytest.raises(TwoPersonsError, match=r"got saba \(operator, supervisor\)"):
        Office(store, store.batch(BATCH), ("saba", "saba")).cancel(1)


def test_one_person_at_the_screen_holds_a_batch(live: Callable[..., Store], time: Time) -> None:
    prepared(live, "READY")
    store = live("olga")
    time.seconds += IDLE_S + 1
    with pytest.raises(LoginError, match="logged out after 10 minutes"):
        Office(store, store.batch(BATCH), ("olga",)).hold("the feeder is empty")
    store = live("olga")
    Office(store, store.batch(BATCH), ("olga",)).hold("the feeder is empty")
    assert store.batch(BATCH).state is BatchState.HELD


def test_a_stop_rule_holds_a_batch_although_its_operator_left_the_screen(
    live: Callable[..., Store], time: Time
) -> None:
    prepared(live, "READY")
    store = live("olga")
    time.seconds += IDLE_S + 1
    Office(store, store.batch(BATCH), ("olga",)).halt("security: a foreign marker")
    assert store.batch(BATCH).state is BatchState.HELD
    assert audited(store)[-1] == "HOLD"


@pytest.mark.requirement("R4")
@pytest.mark.parametrize("by", [("otto",), ("otto", "otto"), ("otto", "sven"), ("quin", "sven")])
def test_a_security_officer_and_qa_purge(live: Callable[..., Store], by: tuple[str, ...], tmp_path: Path) -> None:
    batch_of(live("sven"))
    with live("sven").writing() as connection:
        connection.execute(text("update batch set state = 'CLOSED'"))
    store = live(*dict.fromkeys(by))
    with pytest.raises(TwoPersonsError, match="a purge needs security-officer and qa"):
        purge_batch(store, BATCH, by, tmp_path / "r.json")
    assert store.batch(BATCH).state is BatchState.CLOSED
    store = live("otto", "quin")
    assert purge_batch(store, BATCH, ("otto", "quin"), tmp_path / "r.json").by == ["otto", "quin"]

"""People, audit and purge on PostgreSQL: the same as on SQLite."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import text

from cardkit.crypto import Secret, passphrase
from cardkit.errors import KeyStoreError, LoginError, StoreError
from cardkit.production import open_store
from cardkit.production.audit.checkpoints import checkpoint, signer_of
from cardkit.production.audit.export import export_audit, verify_store
from cardkit.production.audit.offline import verify_export
from cardkit.production.audit.report import read_report
from cardkit.production.people import accounts
from cardkit.production.people.approval import Kind, Subject, approvals, approve, propose
from cardkit.production.people.roles import Role
from cardkit.production.purge import purge_batch
from cardkit.production.store import Clocks, Store, start_session
from cardkit.production.store.postgresroles import STATION_ROLE
from tests import postgres
from tests.unit.audit.test_purge import NAME, cell, closed, named_batch
from tests.unit.production.founding import founded_on, new_postgresql_store

PASSWORD = Secret(b"a password of olga", "olga")


@pytest.fixture
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Store]:
    monkeypatch.setitem(passphrase.COSTS, "argon2id", {"m_kib": 32, "t": 1, "p": 4})
    with new_postgresql_store(tmp_path / "a.db", persons=1, clocks=Clocks()) as store:
        yield store


def test_accounts_are_made_locked_and_unlocked(store: Store) -> None:
    accounts.add(store, "root", "1", [Role.ADMINISTRATOR], Secret(b"a password of root", "root"))
    accounts.add(store, "olga", "2", [Role.OPERATOR, Role.QA], PASSWORD)
    with pytest.raises(StoreError, match="has an account already"):
        accounts.add(store, "eve", "2", [Role.OPERATOR], PASSWORD)
    for _ in range(6):
        with pytest.raises(LoginError):
            accounts.log_in(store, "olga", Secret(b"wrong", "olga"))
    with pytest.raises(LoginError, match="locked"):
        accounts.log_in(store, "olga", PASSWORD)
    accounts.unlock(store, "olga")
    accounts.log_in(store, "olga", PASSWORD)
    accounts.set_roles(store, "olga", [Role.SUPERVISOR])
    assert [(one.name, one.state, one.failures, one.roles) for one in accounts.accounts(store)] == [
        ("olga", "ACTIVE", 0, ("supervisor",)), ("root", "ACTIVE", 0, ("administrator",)),
    ]  # fmt: skip


def test_an_approval_is_of_one_content(store: Store) -> None:
    subject = Subject(Kind.PROFILE, "usim", b"\x11" * 32)
    propose(store, subject)
    approve(store, subject, ("bek",))
    assert [(one.author, one.approvers) for one in approvals(store)] == [("ana", ("bek",))]


@pytest.mark.requirement("L9")
def test_an_export_is_verified_with_a_public_key(store: Store, tmp_path: Path) -> None:
    named_batch(store, "B-1", "8901")
    start_session(store, "s1")
    checkpoint(store, "s1")
    public = signer_of(store).public
    export_audit(store, tmp_path / "audit.jsonl")
    lines = (tmp_path / "audit.jsonl").read_bytes().splitlines(keepends=True)
    assert verify_export(lines, public).findings == []
    assert verify_store(store).findings == []
    for statement in ("update checkpoint set seq = 1", "delete from checkpoint", "truncate checkpoint"):
        with pytest.raises(StoreError, match=r"append only|permission denied"), store.writing() as connection:
            connection.execute(text(statement))


@pytest.mark.requirement("L4")
@pytest.mark.requirement("R5")
def test_a_station_signs_its_chain_with_its_own_few_rights(store: Store) -> None:
    postgres.server().login("s1", STATION_ROLE)
    url = postgres.server().url(founded_on(1), store.path.parent).replace(f"{postgres.SUPERUSER}@", "s1@")
    with open_store(url, operator="ana") as station:
        start_session(station, "s1")
        assert checkpoint(station, "s1") is not None
        with pytest.raises(StoreError, match="permission denied"):
            accounts.add(station, "eve", "3", [Role.ADMINISTRATOR], PASSWORD)
    assert verify_store(store).findings == []


@pytest.mark.requirement("D3")
def test_a_purged_batch_opens_no_more(store: Store, tmp_path: Path) -> None:
    named_batch(store, "B-1", "8901")
    closed(store, "B-1")
    before = cell(store, "B-1")
    assert store.vault.batch("B-1").open(1, "record", before) == NAME.encode()
    done = purge_batch(store, "B-1", ("ana",), tmp_path / "report.json")
    assert (done.key_destroyed, done.scrubbed, done.emptied.records) == (True, False, 1)
    with pytest.raises(KeyStoreError, match="it was purged"):
        store.vault.batch("B-1")
    said = read_report(tmp_path / "report.json", signer_of(store).public)
    assert said is not None
    assert said["database_scrubbed"] is False
    with store.reading() as connection:
        left = connection.execute(text("select count(*) from record where data_enc is not null")).scalar()
    assert left == 0

"""The database itself: settings, migrations, what the triggers refuse, and what is not a store."""

from __future__ import annotations

import sqlite3
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import inspect, text
from sqlalchemy.dialects import postgresql
from sqlalchemy.schema import CreateTable

from cardkit.errors import KeyStoreError, RecordError, StoreError, TwoPersonsError
from cardkit.production import open_store
from cardkit.production.store import Office, Store, schema
from cardkit.production.store.migrations.versions import r0001_first, r0002_people, r0003_orders
from cardkit.production.store.orders import NewBatch, NewRecord, add_batch


def test_a_power_cut_loses_no_commit_and_deleted_rows_are_overwritten(make_store: Callable[..., Store]) -> None:
    store = make_store()
    with store.reading() as connection:
        pragmas = {
            name: connection.execute(text(f"pragma {name}")).scalar()
            for name in ("journal_mode", "synchronous", "foreign_keys", "secure_delete", "busy_timeout")
        }
    assert pragmas == {
        "journal_mode": "wal",
        "synchronous": 2,
        "foreign_keys": 1,
        "secure_delete": 1,
        "busy_timeout": 10_000,
    }


def test_statements_name_the_columns_the_migrations_make(make_store: Callable[..., Store]) -> None:
    inspector = inspect(make_store().database.engine)
    made = {
        table: {column["name"] for column in inspector.get_columns(table)}
        for table in inspector.get_table_names()
        if table != "alembic_version"
    }
    assert made == {table.name: {column.name for column in table.columns} for table in schema.metadata.tables.values()}


def test_the_tables_can_be_written_for_postgresql_too() -> None:
    for revision in (r0001_first, r0002_people, r0003_orders):
        for table in revision.metadata.sorted_tables:
            assert str(CreateTable(table).compile(dialect=postgresql.dialect())).strip().startswith("CREATE TABLE")


def test_there_are_16_arrows(make_store: Callable[..., Store]) -> None:
    with make_store().reading() as connection:
        assert connection.execute(text("select count(*) from transition")).scalar() == 16


@pytest.mark.parametrize(
    "step",
    [
        "update record set state = 'GOOD' where id = 1",
        "update record set state = 'BOUND' where id = 1",
        "update record set token = -1 where id = 1",
        "update record set state = 'LEASED' where id = 1",  # without a lease
        "update record set state = 'NONSENSE' where id = 1",
        "update record set token = 5 where id = 1",
        "update attempt set chip_id = 'other'",
        "update attempt set record_id = 1",
        "update attempt set state = 'SCRAPPED'",
        "update attempt set state = 'BOUND', token = 9",
        "delete from attempt",
        "insert into attempt (record_id, token, chip_id, session, station, coupler, state, profile_sha256,"
        " keyset_sha256, software, bound_at) select record_id, 7, 'c9', session, station, coupler, 'BOUND',"
        " profile_sha256, keyset_sha256, software, bound_at from attempt",
        "insert into attempt (record_id, token, chip_id, session, station, coupler, state, profile_sha256,"
        " keyset_sha256, software, bound_at) select 1, 1, chip_id, session, station, coupler, 'BOUND',"
        " profile_sha256, keyset_sha256, software, bound_at from attempt",
        "update attempt set evidence_sha256 = null",
        "update store set kind = 'LIVE'",
    ],
)
def test_the_database_refuses_what_the_code_would_not_do(make_plant: Callable[..., Any], step: str) -> None:
    plant = make_plant(["c1"], records=3)
    with plant.store.writing() as connection:  # the good card gets row 3, so that row 1 is still READY
        connection.execute(text("update record set state = 'CANCELLED' where id = 2"))
    plant.run(limit=1)
    before = dump(plant.store.path)
    with pytest.raises(StoreError), plant.store.writing() as connection:
        connection.execute(text(step.replace("id = 1", "id = 3")))
    assert dump(plant.store.path) == before


def dump(path: Path) -> list[str]:
    connection = sqlite3.connect(path)
    try:
        return list(connection.iterdump())
    finally:
        connection.close()


@pytest.mark.parametrize(
    ("url", "line"),
    [
        ("postgresql://u:secret@host/db", "a password in a URL can be seen by everybody"),
        ("postgresql://u@host", "must name a database"),
        ("postgresql://u:secret@host:port/db", "not a URL"),
        ("mysql://u:secret@host/db", "got a URL of kind 'mysql', expected sqlite:///FILE or postgresql://"),
        ("sqlite:///", "got a URL of kind 'sqlite', expected sqlite:///FILE"),
        ("cardkit.db", "expected sqlite:///FILE"),
    ],
)
def test_other_urls_are_refused_without_repeating_them(url: str, line: str) -> None:
    with pytest.raises(StoreError) as caught:
        open_store(url, operator="ana")
    assert line in str(caught.value)
    assert "secret" not in str(caught.value)


def test_without_its_driver_a_postgresql_store_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "psycopg", None)
    with pytest.raises(StoreError, match=r"pip install 'cardkit\[postgres\]'"):
        open_store("postgresql://host/db", operator="ana")


def test_what_cannot_be_opened_is_said_in_one_line(tmp_path: Path) -> None:
    (tmp_path / "text.db").write_text("this is not a database, but it is long enough to look at\n" * 50)
    connection = sqlite3.connect(tmp_path / "other.db")
    connection.execute("create table customer (name text)")
    connection.close()
    cases = {
        "kind": ({"kind": "PROD"}, "a.db", "kind must be TEST or LIVE, got 'PROD'"),
        "nobody": ({"operator": " "}, "a.db", "the operator must have a name"),
        "missing": ({}, "none.db", "no such store"),
        "folder": ({"create": True}, "no/a.db", "the folder"),
        "text": ({}, "text.db", "file is not a database"),
        "other": ({}, "other.db", "a database, but not a cardkit store"),
    }
    for options, name, line in cases.values():
        with pytest.raises(StoreError, match=line) as caught:
            open_store(f"sqlite:///{tmp_path / name}", **{"operator": "ana", **options})
        assert "\n" not in str(caught.value)


def test_a_store_of_a_later_version_is_left_alone(make_store: Callable[..., Store]) -> None:
    store = make_store()
    with store.writing() as connection:
        connection.execute(text("update alembic_version set version_num = '9999'"))
    with pytest.raises(StoreError, match="schema 9999, this cardkit knows schemas up to "):
        open_store(f"sqlite:///{store.path}", operator="ana")


def test_a_store_is_the_same_when_opened_again(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'a.db'}"
    with open_store(url, operator="ana", create=True) as first:
        terms = first.terms
    with open_store(url, operator="bek") as second:
        assert second.terms == terms
        assert (terms.kind, terms.persons) == ("TEST", 1)


def test_records_cannot_be_read_without_the_right_key_file(make_store: Callable[..., Store], tmp_path: Path) -> None:
    store = make_store()
    key = store.path.with_name("store.db.key")
    open_store(f"sqlite:///{tmp_path / 'other.db'}", operator="ana", create=True).close()
    key.write_bytes((tmp_path / "other.db.key").read_bytes())
    with (
        pytest.raises(KeyStoreError, match="not the key file of this store"),
        open_store(f"sqlite:///{store.path}", operator="ana") as opened,
    ):
        opened.vault.batch("B-1")
    key.unlink()
    with (
        pytest.raises(KeyStoreError, match="key file is missing"),
        open_store(f"sqlite:///{store.path}", operator="ana") as opened,
    ):
        opened.vault.batch("B-1")
    assert not key.exists()


@pytest.mark.requirement("D2")
def test_no_record_lies_in_clear_in_any_file(make_store: Callable[..., Store], tmp_path: Path) -> None:
    store = make_store()
    with store.reading() as connection:
        cell = connection.execute(text("select data_enc from record where row_no = 2")).scalar_one()
    assert store.vault.batch("B-1").open(2, "record", cell) == b"record 2"
    with pytest.raises(KeyStoreError, match="moved"):
        store.vault.batch("B-1").open(1, "record", cell)
    store.close()
    everything = b"".join(path.read_bytes() for path in tmp_path.rglob("*") if path.is_file())
    assert b"record 2" not in everything
    assert b"8900000000000000002" not in everything


@pytest.mark.requirement("P9")
def test_a_business_key_is_remembered_in_all_history(make_store: Callable[..., Store]) -> None:
    store = make_store()

    def add(name: str, source: bytes, *keys: str) -> None:
        new = NewBatch(name, "p", 1, "p", b"p" * 32, b"k" * 32, "next.csv", source)
        add_batch(store, new, [NewRecord(n, b"", {"iccid": key}) for n, key in enumerate(keys, 1)])

    refused = {
        "HISTORY": ("B-2", b"a" * 32, "1", "8900000000000000002"),
        "DUPLICATE": ("B-2", b"a" * 32, "1", "1"),
        "SEEN": ("B-2", b"\x33" * 32, "1"),
        "EMPTY": ("B-2", b"a" * 32),
    }
    for code, arguments in refused.items():
        with pytest.raises(RecordError) as caught:
            add(*arguments)
        assert caught.value.code == code
        assert "8900000000000000002" not in str(caught.value)
    assert store.batch_names() == ["B-1"]
    with pytest.raises(RecordError, match="batch B-1, row 2"):
        add(*refused["HISTORY"])
    add("B-2", b"a" * 32, "1")
    assert store.batch_names() == ["B-1", "B-2"]


def test_a_live_sized_store_asks_for_two_people_at_every_step(make_store: Callable[..., Store]) -> None:
    store = make_store(persons=2)
    lot = store.batch("B-1")
    for by in ((), ("ana",), ("ana", "ana"), ("ana", "")):
        office = Office(store, lot, by)
        steps = (
            lambda office=office: office.unhold("x"),
            lambda office=office: office.resume(1, "c", "match", "s"),
            lambda office=office: office.resolve(1, "c", "REJECTED", "X"),
            lambda office=office: office.recall(1, "X"),
            lambda office=office: office.scrap(1, "D-1"),
            lambda office=office: office.lost(1, "I-1"),
            lambda office=office: office.remake(1),
            lambda office=office: office.cancel(1),
            lambda office=office: office.write_off("s1"),
        )
        for step in steps:
            with pytest.raises(TwoPersonsError, match="two different persons"):
                step()

"""Stores for tests: founded once in a process, copied or emptied for each test."""

from __future__ import annotations

import atexit
import shutil
import tempfile
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

from cardkit.production.store import Clocks, Store
from cardkit.production.store.sqlite import SQLiteDatabase
from cardkit.production.store.store import create_or_open
from cardkit.production.store.urls import database_of
from tests import postgres

# The facts of a card that was proved to be open to no key it was delivered with.
REPLACED = '{"delivered keys":"replaced: UICC-064"}'
# What founding a store writes; all other rows go when it is emptied.
FOUNDING = ("store", "transition", "alembic_version")


def new_store(path: Path, *, persons: int, clocks: Clocks) -> Store:
    """A store without batches in a new file."""
    shutil.copy(_founded(persons), path)
    shutil.copy(f"{_founded(persons)}.key", f"{path}.key")
    return create_or_open(SQLiteDatabase(path), "ana", persons=persons, clocks=clocks)


def new_postgresql_store(path: Path, *, persons: int, clocks: Clocks) -> Store:
    """A store without batches on the server of this test run; the one before it must be closed.

    :param path: a file that would be the database, were it SQLite's: beside it lie key file and journals.
    """
    server = postgres.server()
    name = founded_on(persons)
    _empty(name)
    files = path.with_name(f"{path.name}.files")
    files.mkdir()
    shutil.copy(_files(name) / f"{name}.key", files)
    return create_or_open(database_of(server.url(name, files)), "ana", persons=persons, clocks=clocks)


NEW_STORE: dict[str, Callable[..., Store]] = {"sqlite": new_store, "postgresql": new_postgresql_store}


@cache
def _founded(persons: int) -> Path:
    path = _temporary() / "founded.db"
    create_or_open(SQLiteDatabase(path), "ana", persons=persons).close()
    return path


@cache
def founded_on(persons: int) -> str:
    """Return the name of the database whose steps need so many persons."""
    name = f"founded{persons}"
    server = postgres.server()
    server.database(name=name)
    url = server.url(name, _files(name))
    create_or_open(database_of(url), "ana", persons=persons).close()
    return name


@cache
def _files(name: str) -> Path:
    return _temporary()


def _temporary() -> Path:
    folder = tempfile.mkdtemp(prefix="cardkit-store-")
    atexit.register(shutil.rmtree, folder)
    return Path(folder)


@cache
def _superuser(name: str) -> Any:
    import psycopg

    connection = psycopg.connect(
        f"host={postgres.server().folder} user={postgres.SUPERUSER} dbname={name}", autocommit=True
    )
    atexit.register(connection.close)
    return connection


def _empty(name: str) -> None:
    """Delete every row but those of the founding, past the triggers; numbers begin at 1 again."""
    connection = _superuser(name)
    tables = connection.execute("select tablename from pg_tables where schemaname = 'public'").fetchall()
    steps = ["set session_replication_role = replica"]
    steps += [f"delete from {table}" for (table,) in tables if table not in FOUNDING]
    steps += [
        f"alter sequence {sequence} restart"
        for (sequence,) in connection.execute("select sequencename from pg_sequences where schemaname = 'public'")
    ]
    connection.execute("; ".join(steps))

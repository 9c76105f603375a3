"""Opening the database: the driver's settings, the migrations, and the lock of the one process that runs cards."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

from alembic import command
from alembic.config import Config
from sqlalchemy import URL, Connection, Engine, create_engine, event, inspect, text
from sqlalchemy.exc import DBAPIError

from cardkit.errors import StoreError

SCHEME = "sqlite:///"
BUSY_TIMEOUT_MS = 10_000
HEAD_REVISION = "0002"

# WAL with synchronous=NORMAL loses the last commits at a power cut; secure_delete overwrites freed pages.
PRAGMAS = (
    "journal_mode=WAL",
    "synchronous=FULL",
    "wal_autocheckpoint=4000",
    "foreign_keys=ON",
    f"busy_timeout={BUSY_TIMEOUT_MS}",
    "secure_delete=ON",
)


def database_path(url: str) -> Path:
    """Return the file of a store URL.

    :raises StoreError: on anything but ``sqlite:///FILE``; the URL is not repeated, it may hold a password.
    """
    if not url.startswith(SCHEME) or len(url) == len(SCHEME):
        scheme = url.split(":", 1)[0]
        raise StoreError(f"store: got a URL of kind {scheme!r}, expected sqlite:///FILE")
    return Path(url[len(SCHEME) :])


def _on_connect(connection: sqlite3.Connection, _pool_record: object) -> None:
    # The driver would open DEFERRED transactions by itself, and two claims could then read stale rows.
    connection.isolation_level = None
    cursor = connection.cursor()
    for pragma in PRAGMAS:
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()


def _on_begin(connection: Connection) -> None:
    reading = connection.get_execution_options().get("reading", False)
    connection.connection.cursor().execute("BEGIN" if reading else "BEGIN IMMEDIATE")


def connect(path: Path) -> Engine:
    """Return an engine for a database file, which is made if it is not there."""
    engine = create_engine(URL.create("sqlite", database=str(path)))
    event.listen(engine, "connect", _on_connect)
    event.listen(engine, "begin", _on_begin)
    return engine


def _revision(connection: Connection) -> str | None:
    if not inspect(connection).has_table("alembic_version"):
        return None
    return str(connection.execute(text("select version_num from alembic_version")).scalar())


def migrate(connection: Connection, path: Path) -> None:
    """Bring the schema to this version of cardkit.

    :raises StoreError: when the database is something else than a store, or a newer one.
    """
    revision = _revision(connection)
    if revision == HEAD_REVISION:
        return
    if revision is not None and revision > HEAD_REVISION:
        raise StoreError(f"{path}: store of schema {revision}, this cardkit knows schemas up to {HEAD_REVISION}")
    if revision is None and inspect(connection).get_table_names():
        raise StoreError(f"{path}: a database, but not a cardkit store")
    config = Config()
    config.set_main_option("script_location", "cardkit.production.store:migrations")
    config.attributes["connection"] = connection
    command.upgrade(config, "head")


@contextmanager
def one_line(path: Path) -> Iterator[None]:
    """Turn a driver's error into a StoreError of one line."""
    try:
        yield
    except DBAPIError as error:
        raise StoreError(f"{path}: {error.orig}") from error
    except sqlite3.Error as error:
        raise StoreError(f"{path}: {error}") from error


@contextmanager
def exclusive(path: Path) -> Iterator[None]:
    """Hold the right to run cards with a database file: one process at a time, freed when that process ends.

    A transaction on a file beside it is the lock, because SQLite has locks on every platform.

    :raises StoreError: when another process holds it.
    """
    with closing(sqlite3.connect(f"{path}.owner", timeout=0, isolation_level=None)) as connection:
        try:
            connection.execute("BEGIN EXCLUSIVE")
        except sqlite3.OperationalError as error:
            raise StoreError(f"{path}: another process is running cards with this store") from error
        yield


def plain(row: Any) -> dict[str, Any]:
    """Return a result row as a dictionary."""
    return dict(row._mapping)

"""SQLite: one file, one process that runs cards. production.md 4"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any, ClassVar

from sqlalchemy import URL, Connection, create_engine, event

from cardkit.errors import StoreError
from cardkit.production.store.database import Database

BUSY_TIMEOUT_MS = 10_000

# WAL with synchronous=NORMAL loses the last commits at a power cut; secure_delete overwrites freed pages.
PRAGMAS = (
    "journal_mode=WAL",
    "synchronous=FULL",
    "wal_autocheckpoint=4000",
    "foreign_keys=ON",
    f"busy_timeout={BUSY_TIMEOUT_MS}",
    "secure_delete=ON",
)


def _on_connect(connection: sqlite3.Connection, _pool_record: object) -> None:
    # The driver would open DEFERRED transactions by itself, and two claims could then read stale rows.
    connection.isolation_level = None
    cursor = connection.cursor()
    for pragma in PRAGMAS:
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()


def _on_begin(connection: Connection) -> None:
    reading = connection.get_execution_options().get("reading", False)
    connection.connection.cursor().execute("BEGIN" if reading else SQLiteDatabase.begin)


class SQLiteDatabase(Database):
    """A database file, which is made when it is first connected to."""

    single = True
    begin = "BEGIN IMMEDIATE"
    clock = None
    reading: ClassVar[Mapping[str, Any]] = {"reading": True}

    def __init__(self, path: Path) -> None:
        engine = create_engine(URL.create("sqlite", database=str(path)))
        event.listen(engine, "connect", _on_connect)
        event.listen(engine, "begin", _on_begin)
        super().__init__(path, engine)

    def require(self, *, create: bool) -> None:
        """Raise StoreError when there is no file and none is to be made, or no folder to make it in."""
        if not create and not self.path.exists():
            raise StoreError(f"{self.path}: no such store; `cardkit batch import` makes one")
        if not self.path.parent.is_dir():
            raise StoreError(f"{self.path}: the folder {self.path.parent} does not exist")

    def scrub(self) -> bool:
        """Write the file anew without what was deleted, and empty its log."""
        with self.one_line(), closing(self.engine.raw_connection()) as connection:
            cursor = connection.cursor()
            cursor.execute("VACUUM")
            cursor.execute("PRAGMA wal_checkpoint(TRUNCATE)")
            found = cursor.fetchone()
            return found is not None and found[0] == 0

    def incarnation(self, connection: Connection) -> str:  # noqa: ARG002 - a file cannot tell
        """Return nothing: a copied file looks like the one it was copied from."""
        return ""

    @contextmanager
    def owned(self, station: str) -> Iterator[None]:  # noqa: ARG002 - one process for all stations
        """Hold the right to run cards with the file: one process at a time, freed when that process ends.

        A transaction on a file beside it is the lock, because SQLite has locks on every platform.

        :raises StoreError: when another process holds it.
        """
        with closing(sqlite3.connect(f"{self.path}.owner", timeout=0, isolation_level=None)) as connection:
            try:
                connection.execute("BEGIN EXCLUSIVE")
            except sqlite3.OperationalError as error:
                raise StoreError(f"{self.path}: another process is running cards with this store") from error
            yield

    def narrow(self) -> None:
        """Do nothing: a file gives all rights or none."""

    def alive(self, connection: Connection) -> bool:  # noqa: ARG002 - a file does not hang up
        """Return true."""
        return True

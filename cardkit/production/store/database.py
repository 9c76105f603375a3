"""What the store asks of a database, and the migrations: the same for SQLite and PostgreSQL. production.md 4"""

from __future__ import annotations

import pkgutil
from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from types import TracebackType
from typing import Any, ClassVar

from alembic import command
from alembic.config import Config
from sqlalchemy import ColumnElement, Connection, Engine, inspect, text
from sqlalchemy.exc import DBAPIError

from cardkit.errors import StoreError
from cardkit.production.store.migrations import versions

# The modules are r0001_first and so on.
HEAD_REVISION = max(module.name[1:5] for module in pkgutil.iter_modules(versions.__path__))


class Database(ABC):
    """One store's database.

    :ivar path: beside it lie the store's key file and journals; on SQLite it is the database itself. It names the
        store in messages.
    :ivar engine: its connections.
    """

    #: Whether one process at a time runs cards with it; then a station that is not ours is known to be dead.
    single: ClassVar[bool]
    #: The statement that starts a transaction on the driver, where the driver does not do so by itself.
    begin: ClassVar[str | None]
    #: The clock of leases for a statement, in seconds; None where the owning process's own is as good.
    clock: ClassVar[ColumnElement[float] | None]
    #: Of connections that only read, each transaction one consistent view.
    reading: ClassVar[Mapping[str, Any]]

    def __init__(self, path: Path, engine: Engine) -> None:
        self.path = path
        self.engine = engine
        self._one_line = _OneLine(self)

    @abstractmethod
    def require(self, *, create: bool) -> None:
        """Raise StoreError when there is no such store, and none is to be made; or when it is not kept durably."""

    @abstractmethod
    def incarnation(self, connection: Connection) -> str:
        """Return what is another one where a copy of the database took over, in a word; empty if nobody can tell."""

    @abstractmethod
    def owned(self, station: str) -> AbstractContextManager[None]:
        """Hold the right to run cards as a station; it ends with this process or its connection.

        :raises StoreError: when another process holds it.
        """

    @abstractmethod
    def alive(self, connection: Connection) -> bool:
        """Whether a connection can be used still."""

    @contextmanager
    def opening(self) -> Iterator[Connection]:
        """The first transaction: brings the schema to this version of cardkit, if the login may.

        :raises StoreError: when it is something else than a store, or a newer one.
        """
        with self.engine.begin() as connection:
            migrate(connection, self.path)
            yield connection

    def close(self) -> None:
        """Close all connections that nobody has."""
        self.engine.dispose()

    @abstractmethod
    def scrub(self) -> bool:
        """Overwrite what was deleted, in the database and its log, where we may; whether it was done."""

    @abstractmethod
    def narrow(self) -> None:
        """Give up what a station must not do: from now on connections have no more rights than it needs."""

    def one_line(self) -> AbstractContextManager[None]:
        """Turn a driver's error into a StoreError of one line."""
        return self._one_line

    def said(self, error: BaseException | None) -> str:
        """Return what a driver's error says, one line."""
        return str(error).strip().partition("\n")[0]


class _OneLine(AbstractContextManager[None]):
    """A class, because every card passes it some times."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if error is None:
            return
        database = self._database
        if isinstance(error, DBAPIError):
            raise StoreError(f"{database.path}: {database.said(error.orig)}") from error
        if isinstance(error, database.engine.dialect.loaded_dbapi.Error):
            raise StoreError(f"{database.path}: {database.said(error)}") from error


def revision_of(connection: Connection) -> str | None:
    """Return the schema's revision, None where the database has no store."""
    if not inspect(connection).has_table("alembic_version"):
        return None
    return str(connection.execute(text("select version_num from alembic_version")).scalar())


def migrate(connection: Connection, path: Path) -> None:
    """Bring the schema to this version of cardkit.

    :raises StoreError: when the database is something else than a store, or a newer one.
    """
    revision = revision_of(connection)
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


def plain(row: Any) -> dict[str, Any]:
    """Return a result row as a dictionary."""
    return dict(row._mapping)

"""PostgreSQL: many stations on many machines. production.md 4

A store URL is ``postgresql://[USER@]HOST[:PORT]/DATABASE?files=DIR`` with any option of libpq; DIR is where the store's
key file and this machine's journals lie. It holds no password, because everybody on the machine may see it: libpq
finds one in ``~/.pgpass``, or uses a certificate.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, ClassVar

from sqlalchemy import URL, Connection, Double, Engine, cast, create_engine, func, select, text

from cardkit.errors import StoreError
from cardkit.production.store.database import HEAD_REVISION, Database, migrate, revision_of
from cardkit.production.store.postgresroles import OFFICE_ROLE, STATION_ROLE, grant

OLDEST_SERVER = 13
# What would let the server forget a bind it has answered for.
DURABLE: Mapping[str, frozenset[str]] = {
    "fsync": frozenset({"on"}),
    "full_page_writes": frozenset({"on"}),
    "synchronous_commit": frozenset({"on", "remote_apply"}),
}
# A half-open line is noticed, a stopped process does not hold rows for ever.
LINE = {
    "connect_timeout": "10",
    "keepalives_idle": "10",
    "keepalives_interval": "5",
    "keepalives_count": "3",
    "tcp_user_timeout": "20000",
    "application_name": "cardkit",
}
SETTINGS = ("lock_timeout=10s", "idle_in_transaction_session_timeout=60s")
# Advisory locks: the first number is ours, the second says of what.
LOCKS, MIGRATION = 0x63617264, 0


class PostgreSQLDatabase(Database):
    """A database of a server.

    :param url: of SQLAlchemy, without a password.  :param files: folder of key file and journals.
    """

    single = False
    begin = None
    clock = cast(func.extract("epoch", func.clock_timestamp()), Double)
    reading: ClassVar[Mapping[str, Any]] = {"isolation_level": "REPEATABLE READ", "postgresql_readonly": True}

    def __init__(self, url: URL, files: Path) -> None:
        if not url.database:
            raise StoreError("store: a postgresql URL must name a database: postgresql://USER@HOST/DATABASE")
        if url.password is not None:
            raise StoreError(
                "store: a password in a URL can be seen by everybody on this machine; put it into ~/.pgpass"
            )
        self._url = url
        super().__init__(files / url.database, self._connected())

    def _connected(self, role: str | None = None) -> Engine:
        """Return an engine whose connections have a role's rights, by default the login's own."""
        settings = [*SETTINGS, *([f"role={role}"] if role else [])]
        options = " ".join(f"-c {setting}" for setting in settings)
        # A statement is prepared when it comes the second time: there are some thirty of them.
        connect = {**LINE, "options": options, "prepare_threshold": 1}
        return create_engine(self._url, connect_args=connect, pool_pre_ping=True)

    def require(self, *, create: bool) -> None:
        """Raise StoreError when the server is too old, not durable, or has no such store and none is to be made."""
        if not self.path.parent.is_dir():
            raise StoreError(f"{self.path}: the folder {self.path.parent} does not exist")
        with self.one_line(), self.engine.connect() as connection:
            version = int(connection.scalar(text("show server_version_num")) or 0) // 10_000
            if version < OLDEST_SERVER:
                raise StoreError(f"{self.path}: PostgreSQL {version}, expected {OLDEST_SERVER} or later")
            for name, good in DURABLE.items():
                value = connection.scalar(text(f"show {name}"))
                if value not in good:
                    raise StoreError(f"{self.path}: the server has {name} {value}: it may forget what it was told")
            if not create and revision_of(connection) is None:
                raise StoreError(f"{self.path}: no such store; `cardkit batch import` makes one")

    @contextmanager
    def opening(self) -> Iterator[Connection]:
        """The first transaction, with the login's own rights; from then on those of office or station.

        :raises StoreError: when the schema is older and this login does not own it, or has neither role.
        """
        with self.engine.begin() as connection:
            connection.execute(select(func.pg_advisory_xact_lock(LOCKS, MIGRATION)))
            if revision_of(connection) != HEAD_REVISION:
                migrate(connection, self.path)
                grant(connection)
            role = next((each for each in (OFFICE_ROLE, STATION_ROLE) if _may_be(connection, each)), None)
            if role is None:
                raise StoreError(f"{self.path}: this login has neither the role {OFFICE_ROLE} nor {STATION_ROLE}")
            yield connection
        self._go_on_as(role)

    def narrow(self) -> None:
        """Go on with the rights of a station."""
        self._go_on_as(STATION_ROLE)

    def _go_on_as(self, role: str) -> None:
        self.engine.dispose()
        self.engine = self._connected(role)

    def scrub(self) -> bool:
        """Do nothing: only the owner of the schema may, and its own VACUUM will; what is left is ciphertext."""
        return False

    def incarnation(self, connection: Connection) -> str:
        """Return the server's system identifier and timeline: a promoted standby is on another timeline."""
        system = connection.scalar(text("select system_identifier from pg_control_system()"))
        timeline = connection.scalar(text("select timeline_id from pg_control_checkpoint()"))
        return f"{system}/{timeline}"

    @contextmanager
    def owned(self, station: str) -> Iterator[None]:
        """Hold the right to run cards as a station, for as long as a connection of its own lives.

        :raises StoreError: when another process runs cards as this station.
        """
        number = zlib.crc32(station.encode()) - 2**31
        with self.one_line(), self.engine.connect() as connection:
            alone = connection.scalar(select(func.pg_try_advisory_lock(LOCKS, number)))
            connection.commit()
            if not alone:
                raise StoreError(f"{self.path}: another process is running cards as station {station}")
            try:
                yield
            finally:
                connection.invalidate()  # the lock ends with the connection, whatever state it is in

    def alive(self, connection: Connection) -> bool:
        """Whether the driver has not lost the server."""
        if connection.invalidated:
            return False
        driver: Any = connection.connection.dbapi_connection
        return driver is not None and not driver.closed

    def said(self, error: BaseException | None) -> str:
        """Return the server's message without its details, which may repeat values."""
        primary = getattr(getattr(error, "diag", None), "message_primary", None)
        return str(primary) if primary else super().said(error)


def _may_be(connection: Connection, role: str) -> bool:
    known = text("select exists (select 1 from pg_roles where rolname = :role)")
    member = text("select pg_has_role(current_user, :role, 'member')")
    return bool(connection.scalar(known, {"role": role}) and connection.scalar(member, {"role": role}))

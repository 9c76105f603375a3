"""The store: who it is, its transactions, its audit chains, its keys."""

from __future__ import annotations

import secrets
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import Any, Self, TypeVar

from sqlalchemy import Connection, insert, select, update

from cardkit.errors import StoreError
from cardkit.production.audit.statement import AuditKeys
from cardkit.production.people.presence import Presence
from cardkit.production.store import schema
from cardkit.production.store.audit import OFFICE, ChainFinding, Chains, Event, Link, verify_chain
from cardkit.production.store.database import Database, plain
from cardkit.production.store.statement import driver_of
from cardkit.production.store.steps import Steps
from cardkit.production.store.urls import database_of
from cardkit.production.store.vault import Vault

# How many people a step of two persons takes.
KINDS = {"TEST": 1, "LIVE": 2}
# Between attempts to reach a database whose connection broke: a server that fell is up again within seconds.
RECONNECT_AFTER_S = (0.0, 0.5, 1.0, 2.0, 4.0, 8.0)
Answered = TypeVar("Answered")


def utc_now() -> datetime:
    """Return the wall clock's time, aware, UTC."""
    return datetime.now(UTC)


@dataclass(frozen=True, slots=True)
class Clocks:
    """The store's clocks.

    :param lease: seconds that never go back, for leases; None for those of the database.  :param wall: for the audit.
    :param screen: seconds that never go back, for logins.
    """

    lease: Callable[[], float] | None = None
    wall: Callable[[], datetime] = utc_now
    screen: Callable[[], float] = time.monotonic


@dataclass(frozen=True, slots=True)
class Terms:
    """What a store was created as.

    :param persons: how many different people a step of people needs.  :param epoch: changes at every restore.
    :param key_check: tells the store's key file from any other.
    """

    installation: str
    kind: str
    persons: int
    epoch: str
    key_check: bytes


@dataclass(frozen=True, slots=True)
class Batch:
    """One production lot, as the store knows it."""

    id: int
    name: str
    state: schema.BatchState
    why: str | None
    kind: str
    profile: str
    profile_version: int
    profile_path: str
    profile_sha256: bytes
    keyset_sha256: bytes
    remake: str
    prepare_step: str | None
    rows: int
    imported: int


BATCH_ROW = select(*(schema.batch.c[name] for name in Batch.__dataclass_fields__))


class Store:
    """A production store. Station work goes through a StationSession, work of people through an Office.

    :param operator: the person at the keyboard, for the audit.
    :ivar audit_keys: the key store of the key that signs the audit, where that is not the store's own.
    :ivar presence: who may take steps: in a LIVE store those who logged in.
    """

    def __init__(self, database: Database, terms: Terms, operator: str, clocks: Clocks) -> None:
        self.database = database
        self.terms = terms
        self.operator = operator
        self.clocks = clocks
        self.presence = Presence(operator, terms.persons, clocks.screen, by_account=terms.kind == "LIVE")
        self.audit_keys: AuditKeys | None = None
        self.vault = Vault(database.path, terms.installation, terms.key_check)
        self._chains = Chains(terms.installation)
        self._writer = threading.Lock()
        self._connection: Connection | None = None
        self._steps: Steps | None = None
        self._reached = True

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close all connections; what was committed is durable already."""
        self._let_go()
        self.database.close()

    def narrow(self) -> None:
        """Give up every right that a station does not need; for good."""
        with self._writer:
            self._let_go()
            self.database.narrow()

    @property
    def path(self) -> Path:
        """What names the store in messages; its key file and journals lie beside it."""
        return self.database.path

    @property
    def lost(self) -> bool:
        """Whether the database cannot be reached: the connection broke, and no new one was made yet."""
        return not self._reached or (self._connection is not None and not self.database.alive(self._connection))

    def insist(self, step: Callable[[], Answered]) -> Answered:
        """Take a step; again on a new connection, for some seconds, where the one it used broke.

        :param step: one transaction that may be taken twice.
        :raises StoreError: as the step does, and when the database stays away.
        """
        for wait_s in RECONNECT_AFTER_S:
            try:
                return step()
            except StoreError:
                if not self.lost:
                    raise
            time.sleep(wait_s)
        return step()

    @property
    def journals(self) -> Path:
        """The folder of the stations' journals."""
        return self.path.with_name(f"{self.path.name}.journals")

    @contextmanager
    def writing(self) -> Iterator[Connection]:
        """One transaction that may write; durable when the block ends, undone when it raises."""
        with self._writer, self.database.one_line():
            connection = self._connected()
            with connection.begin():
                yield connection

    @contextmanager
    def stepping(self) -> Iterator[Steps]:
        """One transaction as :meth:`writing`, for what happens with every card."""
        with self._writer, self.database.one_line():
            connection = self._connected()
            if self._steps is None:
                self._steps = Steps(self.database, connection, self._chains, self.clocks.wall)
            steps = self._steps
            try:
                steps.begin()
                yield steps
                steps.commit()
            except BaseException:
                steps.undo()
                raise

    def _connected(self) -> Connection:
        if self.lost:
            self._let_go()
        if self._connection is None:
            self._reached = False
            self._connection = self.database.engine.connect()
            self._reached = True
        return self._connection

    def _let_go(self) -> None:
        """Give the writer's connection back."""
        connection, self._connection, self._steps = self._connection, None, None
        if connection is None:
            return
        if not self.database.alive(connection):
            connection.invalidate()
        connection.close()

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        """One consistent view that does not hold up writers."""
        with (
            self.database.one_line(),
            self.database.engine.connect().execution_options(**self.database.reading) as connection,
            connection.begin(),
        ):
            yield connection

    def audit(self, connection: Connection, chain: str, event: Event) -> None:
        """Append an event to a chain inside the caller's transaction."""
        self._chains[chain].append(driver_of(connection), [(self.clocks.wall(), event)])

    def batch(self, name: str) -> Batch:
        """Return a batch by its name.

        :raises StoreError: when the store has none of that name.
        """
        with self.reading() as connection:
            row = connection.execute(BATCH_ROW.where(schema.batch.c.name == name)).one_or_none()
        if row is None:
            raise StoreError(f"{self.path}: no batch {name!r}")
        return batch_of(row)

    def batch_names(self) -> list[str]:
        """Return the names of all batches, oldest first."""
        with self.reading() as connection:
            return list(connection.scalars(select(schema.batch.c.name).order_by(schema.batch.c.id)))

    def chip_key(self, batch: Batch, chip_id: str) -> str:
        """Return what the store files a chip under; a TEST card may be used again in another batch."""
        return f"{batch.name}:{chip_id}" if self.terms.kind == "TEST" else chip_id

    def key_digests(self, batch: Batch) -> bytes:
        """Return what makes digests of cards' own keys: the same for all batches of a product, as TEST chips are."""
        return self.vault.key_digests(self.chip_key(batch, batch.profile))

    def audit_events(self, chain: str) -> Iterable[Link]:
        """Return the events of a chain in order."""
        columns = (schema.audit.c[name] for name in ("seq", "event", "hash", "kind", "record_id"))
        statement = select(*columns).where(schema.audit.c.chain == chain).order_by(schema.audit.c.seq)
        with self.reading() as connection:
            return [Link(**{**plain(row), "event": row.event.encode()}) for row in connection.execute(statement)]

    def verify_chains(self) -> list[tuple[str, ChainFinding]]:
        """Recompute every audit chain against its head; what is wrong, with the chain's name."""
        with self.reading() as connection:
            heads = connection.execute(select(schema.audit_head.c.chain, schema.audit_head.c.hash)).all()
        return [
            (head.chain, finding)
            for head in heads
            for finding in verify_chain(
                self.audit_events(head.chain),
                installation=self.terms.installation,
                chain=head.chain,
                head=head.hash,
            )
        ]


def batch_of(row: Any) -> Batch:
    """Return a batch of a result row of ``BATCH_ROW``."""
    values = plain(row)
    return Batch(**{**values, "state": schema.BatchState(values["state"])})


def _terms(connection: Connection) -> Terms | None:
    columns = (schema.store.c[name] for name in Terms.__dataclass_fields__)
    row = connection.execute(select(*columns)).one_or_none()
    return None if row is None else Terms(**plain(row))


def _new_epoch(incarnation: str) -> str:
    return "@".join(filter(None, (secrets.token_hex(8), incarnation)))


def _found(connection: Connection, path: Path, kind: str, persons: int, incarnation: str) -> Terms:
    installation = f"cardkit-{secrets.token_hex(4)}"
    check = Vault(path, installation).key_check()
    terms = Terms(installation, kind, persons, _new_epoch(incarnation), check)
    connection.execute(insert(schema.store), {"id": 1, **asdict(terms)})
    return terms


def _renewed(connection: Connection, terms: Terms, incarnation: str) -> Terms:
    renewed = replace(terms, epoch=_new_epoch(incarnation))
    connection.execute(update(schema.store).values(epoch=renewed.epoch))
    return renewed


def create_or_open(
    database: Database,
    operator: str,
    *,
    persons: int,
    kind: str = "TEST",
    recovered: bool = False,
    clocks: Clocks | None = None,
) -> Store:
    """Open the store in a database, founding it where there is none.

    A database that is another server's, or on another timeline than when it was last opened, was recovered: it may
    have forgotten binds.

    :param persons: how many people its steps need, where it is founded now.  :param kind: TEST or LIVE, likewise.
    """
    with database.one_line(), database.opening() as connection:
        incarnation = database.incarnation(connection)
        terms = _terms(connection) or _found(connection, database.path, kind, persons, incarnation)
        recovered = recovered or terms.epoch.partition("@")[2] != incarnation
        if recovered:
            terms = _renewed(connection, terms, incarnation)
    store = Store(database, terms, operator, clocks or Clocks())
    if recovered:
        with store.writing() as connection:
            store.audit(connection, OFFICE, Event("RECOVERED", operator, {"epoch": terms.epoch}))
    return store


def open_store(
    url: str = "sqlite:///cardkit.db",
    *,
    operator: str,
    kind: str | None = None,
    create: bool = False,
    recovered: bool = False,
) -> Store:
    """Open a store.

    :param url: ``sqlite:///FILE`` or ``postgresql://[USER@]HOST/DATABASE[?files=DIR]``, without a password.
    :param operator: the person at the keyboard.
    :param kind: TEST or LIVE, where the caller wants one of them; one that is made is TEST if nothing is said.
    :param create: make it where there is none.
    :param recovered: it came from a backup: no card is claimed before every station's journal was replayed.
    :raises StoreError: when it is missing, not a store, of another kind, or the operator has no name.
    """
    database = database_of(url)
    if kind not in (None, *KINDS):
        raise StoreError(f"store: kind must be TEST or LIVE, got {kind!r}")
    if not operator.strip():
        raise StoreError("store: the operator must have a name")
    founding = kind or "TEST"
    with ExitStack() as failing:
        failing.callback(database.close)
        database.require(create=create)
        opened = create_or_open(database, operator, persons=KINDS[founding], kind=founding, recovered=recovered)
        if kind not in (None, opened.terms.kind):
            raise StoreError(f"{database.path}: a {opened.terms.kind} store, expected {kind}")
        failing.pop_all()
    return opened

"""The store: who it is, its transactions, its audit chains, its keys."""

from __future__ import annotations

import secrets
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import Self

from sqlalchemy import Connection, Engine, insert, select, update

from cardkit.errors import StoreError, TwoPersonsError
from cardkit.production.store import database, schema
from cardkit.production.store.audit import OFFICE, ChainFinding, Chains, Event, Link, verify_chain
from cardkit.production.store.statement import driver_of
from cardkit.production.store.steps import Steps
from cardkit.production.store.vault import Vault

KINDS = ("TEST", "LIVE")


def utc_now() -> datetime:
    """Return the wall clock's time, aware, UTC."""
    return datetime.now(UTC)


@dataclass(frozen=True, slots=True)
class Clocks:
    """The store's two clocks.

    :param lease: seconds that never go back, for leases; its zero means nothing.  :param wall: for the audit.
    """

    lease: Callable[[], float] = time.monotonic
    wall: Callable[[], datetime] = utc_now


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


_BATCH_COLUMNS = [schema.batch.c[name] for name in Batch.__dataclass_fields__]


class Store:
    """A production store. Station work goes through a StationSession, work of people through an Office.

    :param operator: the person at the keyboard, for the audit.
    """

    def __init__(self, engine: Engine, path: Path, terms: Terms, operator: str, clocks: Clocks) -> None:
        self.engine = engine
        self.path = path
        self.terms = terms
        self.operator = operator
        self.clocks = clocks
        self.vault = Vault(path, terms.installation, terms.key_check)
        self._chains = Chains(terms.installation)
        self._writer = threading.Lock()
        self._connection: Connection | None = None
        self._steps: Steps | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close all connections; what was committed is durable already."""
        if self._connection is not None:
            self._connection.close()
            self._connection = self._steps = None
        self.engine.dispose()

    @property
    def journals(self) -> Path:
        """The folder of the stations' journals."""
        return self.path.with_name(f"{self.path.name}.journals")

    @contextmanager
    def writing(self) -> Iterator[Connection]:
        """One transaction that may write; durable when the block ends, undone when it raises."""
        with self._writer, database.one_line(self.path):
            connection = self._connected()
            with connection.begin():
                yield connection

    @contextmanager
    def stepping(self) -> Iterator[Steps]:
        """One transaction as :meth:`writing`, for what happens with every card."""
        with self._writer, database.one_line(self.path):
            if self._steps is None:
                self._steps = Steps(self._connected(), self._chains, self.clocks.wall)
            steps = self._steps
            steps.begin()
            try:
                yield steps
                steps.commit()
            except BaseException:
                steps.undo()
                raise

    def _connected(self) -> Connection:
        if self._connection is None:
            self._connection = self.engine.connect()
        return self._connection

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        """One consistent view that does not hold up writers."""
        with (
            database.one_line(self.path),
            self.engine.connect().execution_options(reading=True) as connection,
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
        statement = select(*_BATCH_COLUMNS).where(schema.batch.c.name == name)
        with self.reading() as connection:
            row = connection.execute(statement).one_or_none()
        if row is None:
            raise StoreError(f"{self.path}: no batch {name!r}")
        values = database.plain(row)
        return Batch(**{**values, "state": schema.BatchState(values["state"])})

    def batch_names(self) -> list[str]:
        """Return the names of all batches, oldest first."""
        with self.reading() as connection:
            return list(connection.scalars(select(schema.batch.c.name).order_by(schema.batch.c.id)))

    def chip_key(self, batch: Batch, chip_id: str) -> str:
        """Return what the store files a chip under; a TEST card may be used again in another batch."""
        return f"{batch.name}:{chip_id}" if self.terms.kind == "TEST" else chip_id

    def audit_events(self, chain: str) -> Iterable[Link]:
        """Return the events of a chain in order."""
        columns = (schema.audit.c[name] for name in ("seq", "event", "hash", "kind", "record_id"))
        statement = select(*columns).where(schema.audit.c.chain == chain).order_by(schema.audit.c.seq)
        with self.reading() as connection:
            return [
                Link(**{**database.plain(row), "event": row.event.encode()}) for row in connection.execute(statement)
            ]

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


def require_persons(terms: Terms, by: Iterable[str]) -> list[str]:
    """Return the different people behind a step.

    :raises TwoPersonsError: when they are fewer than the store asks for.
    """
    people = sorted({name for name in by if name})
    if len(people) < terms.persons:
        word = "one named operator" if terms.persons == 1 else "two different persons"
        raise TwoPersonsError(f"this step needs {word}, got {', '.join(people) or 'nobody'}")
    return people


def _terms(connection: Connection) -> Terms | None:
    columns = (schema.store.c[name] for name in Terms.__dataclass_fields__)
    row = connection.execute(select(*columns)).one_or_none()
    return None if row is None else Terms(**database.plain(row))


def _found(connection: Connection, path: Path, persons: int) -> Terms:
    installation = f"cardkit-{secrets.token_hex(4)}"
    check = Vault(path, installation).key_check()
    terms = Terms(installation, "TEST", persons, secrets.token_hex(8), check)
    connection.execute(insert(schema.store), {"id": 1, **asdict(terms)})
    return terms


def _renewed(connection: Connection, terms: Terms) -> Terms:
    renewed = replace(terms, epoch=secrets.token_hex(8))
    connection.execute(update(schema.store).values(epoch=renewed.epoch))
    return renewed


def create_or_open(
    path: Path, operator: str, *, persons: int, recovered: bool = False, clocks: Clocks | None = None
) -> Store:
    """Open the TEST store in a file, founding it where there is none.

    :param persons: how many people its steps need, where it is founded now.
    """
    engine = database.connect(path)
    with database.one_line(path), engine.begin() as connection:
        database.migrate(connection, path)
        terms = _terms(connection) or _found(connection, path, persons)
        if recovered:
            terms = _renewed(connection, terms)
    store = Store(engine, path, terms, operator, clocks or Clocks())
    if recovered:
        with store.writing() as connection:
            store.audit(connection, OFFICE, Event("RECOVERED", operator, {"epoch": terms.epoch}))
    return store


def open_store(
    url: str = "sqlite:///cardkit.db",
    *,
    operator: str,
    kind: str = "TEST",
    create: bool = False,
    recovered: bool = False,
) -> Store:
    """Open a store.

    :param url: ``sqlite:///FILE``.  :param operator: the person at the keyboard.
    :param create: make it where there is none.
    :param recovered: the file came from a backup: no card is claimed before every station's journal was replayed.
    :raises StoreError: when it is missing, not a store, of another kind, or the operator has no name.
    """
    path = database.database_path(url)
    if kind not in KINDS:
        raise StoreError(f"store: kind must be TEST or LIVE, got {kind!r}")
    if kind == "LIVE":
        raise StoreError("store: LIVE stores need accounts and two persons, which this version does not have; use TEST")
    if not operator.strip():
        raise StoreError("store: the operator must have a name")
    if not create and not path.exists():
        raise StoreError(f"{path}: no such store; `cardkit batch import` makes one")
    if not path.parent.is_dir():
        raise StoreError(f"{path}: the folder {path.parent} does not exist")
    opened = create_or_open(path, operator, persons=1, recovered=recovered)
    if opened.terms.kind != kind:
        opened.close()
        raise StoreError(f"{path}: a {opened.terms.kind} store, expected {kind}")
    return opened

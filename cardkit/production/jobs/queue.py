"""The queue of jobs: procrastinate's tables in a schema of their own beside the store's. production.md 11

A job carries names, paths and digests, never data, keys or passwords: everybody who may read the database reads it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

import psycopg
from procrastinate import App, SyncPsycopgConnector
from procrastinate.exceptions import AlreadyEnqueued, ConnectorException
from procrastinate.schema import SchemaManager
from psycopg.rows import namedtuple_row

from cardkit.errors import StoreError
from cardkit.production.store import Store
from cardkit.production.store.audit import OFFICE, Event
from cardkit.production.store.postgresql import LINE, LOCKS
from cardkit.production.store.postgresroles import OFFICE_ROLE

SCHEMA = "cardkit_jobs"
_MAKING = 1  # of the advisory locks: who makes the tables
_GRANTS = (
    f"grant usage on schema {SCHEMA} to {OFFICE_ROLE}",
    f"grant select, insert, update, delete on all tables in schema {SCHEMA} to {OFFICE_ROLE}",
    f"grant usage on all sequences in schema {SCHEMA} to {OFFICE_ROLE}",
)
_LISTED = """
select j.id, j.task_name as kind, j.status::text as state, j.attempts, j.args,
       (select max(e.at) from procrastinate_events e where e.job_id = j.id) as at
from procrastinate_jobs j order by j.id
"""


class Kind(StrEnum):
    """What a job does; also the name of its queue and of its task."""

    IMPORT = "import"
    PREPARE = "prepare"
    REPORT = "report"


@dataclass(frozen=True, slots=True)
class Job:
    """Work to be queued.

    :param about: names, paths and digests; what the task is called with.
    :param once: two waiting jobs never have the same: an import of one file waits once.
    """

    kind: Kind
    about: Mapping[str, Any]
    once: str


@dataclass(frozen=True, slots=True)
class Queued:
    """A job as the queue has it.  :param state: todo, doing, succeeded, failed, cancelled or aborted."""

    id: int
    kind: str
    state: str
    attempts: int
    args: dict[str, Any]
    at: datetime | None


def parameters(store: Store, role: str | None = OFFICE_ROLE) -> dict[str, Any]:
    """Return what psycopg connects to the queue of a store with.

    :param role: whose rights; None for the login's own.  :raises StoreError: for a store that has no queue.
    """
    engine = store.database.engine
    if engine.dialect.name != "postgresql":
        raise StoreError(f"{store.path}: jobs need a store on PostgreSQL; SQLite has one process")
    _, found = engine.dialect.create_connect_args(engine.url)
    settings = f"-c search_path={SCHEMA}" + (f" -c role={role}" if role else "")
    return {**found, **LINE, "options": settings}


def make_queue(store: Store) -> None:
    """Make the tables of the queue where they are missing.

    :raises StoreError: when this login may not, or the server cannot be reached.
    """
    try:
        with psycopg.connect(**parameters(store, None)) as connection:
            connection.execute("select pg_advisory_xact_lock(%s, %s)", (LOCKS, _MAKING))
            there = connection.execute("select to_regclass(%s)", (f"{SCHEMA}.procrastinate_jobs",)).fetchone()
            if there is not None and there[0] is not None:
                return
            connection.execute(f"create schema if not exists {SCHEMA}".encode())
            connection.execute(SchemaManager.get_schema().encode())
            for right in _GRANTS:
                connection.execute(right.encode())
    except psycopg.Error as error:
        said = error.diag.message_primary or type(error).__name__
        raise StoreError(f"{store.path}: the queue of jobs cannot be made: {said}") from error


class JobQueue:
    """The queue of one store, to put jobs in and look at them."""

    def __init__(self, store: Store, app: App) -> None:
        self._store = store
        self._app = app

    def put(self, job: Job) -> int | None:
        """Queue a job, once; the audit says who did.

        :returns: its number; None where the same one waits already.  :raises StoreError: when the database fails.
        """
        task = self._app.configure_task(job.kind.value, queue=job.kind.value, queueing_lock=job.once)
        try:
            number = task.defer(**job.about)
        except AlreadyEnqueued:
            return None
        except ConnectorException as error:
            raise StoreError(
                f"{self._store.path}: the job cannot be queued: {type(error.__cause__).__name__}"
            ) from error
        note(self._store, "JOB", number, job.kind, job.about)
        return number

    def jobs(self) -> list[Queued]:
        """Return all jobs, oldest first."""
        with psycopg.connect(**parameters(self._store), row_factory=namedtuple_row) as connection:
            return [Queued(*row) for row in connection.execute(_LISTED)]


@contextmanager
def open_queue(store: Store) -> Iterator[JobQueue]:
    """Open the queue of a store, made if it is not there.

    :raises StoreError: for a store on SQLite, or when the server refuses.
    """
    make_queue(store)
    app = App(connector=SyncPsycopgConnector(kwargs=parameters(store), min_size=1, max_size=2))
    with app.open():
        yield JobQueue(store, app)


def note(store: Store, event: str, number: int, kind: Kind, about: Mapping[str, Any], **more: Any) -> None:
    """Tell the audit what became of a job."""
    said = {name: about[name] for name in ("batch", "sha256", "first", "last") if about.get(name) is not None}
    with store.writing() as connection:
        data = {"job": number, "kind": kind.value, **said, **more}
        store.audit(connection, OFFICE, Event(event, store.operator, data))

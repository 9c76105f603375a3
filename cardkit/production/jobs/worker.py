"""A worker: does the jobs of a store one after another, and takes back those of workers that died. production.md 11"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any

from procrastinate import App, BaseRetryStrategy, JobContext, PsycopgConnector, RetryDecision
from procrastinate.jobs import Job as StoredJob
from procrastinate.jobs import Status

from cardkit.errors import CardkitError, IllegalStepError, StoreError
from cardkit.production.jobs.queue import JobQueue, Kind, make_queue, note, open_queue, parameters
from cardkit.production.jobs.work import Workplace, give_up, work

MOST_ATTEMPTS = 3
RETRY_S = 5
"""After 5, 25 and 125 seconds; then somebody has to look."""
STALLED_S = 30.0
_TRANSIENT = (StoreError, OSError)
_log = logging.getLogger(__name__)

Told = Callable[[int, Kind, Mapping[str, Any], str], None]
"""Told what became of a job: number, kind, what it is about, and ``done`` or why not."""


def _is_transient(error: BaseException) -> bool:
    return isinstance(error, _TRANSIENT) and not isinstance(error, IllegalStepError)


class Retry(BaseRetryStrategy):
    """Again, later each time, where another try may help: a database that was away, a file that was not there yet."""

    def __init__(self, base_s: int) -> None:
        self.base_s = base_s

    def get_retry_decision(self, *, exception: BaseException, job: StoredJob) -> RetryDecision | None:
        """Say when a job is done again; None where never."""
        if job.attempts >= MOST_ATTEMPTS or not _is_transient(exception):
            return None
        return RetryDecision(retry_in={"seconds": self.base_s ** (job.attempts + 1)})


def run_worker(
    place: Workplace, told: Told, *, once: bool = False, stalled_s: float = STALLED_S, retry_s: int = RETRY_S
) -> None:
    """Do jobs until a signal says to end; the job at hand is finished then.

    :param told: is told what became of each.  :param once: end when no job waits.
    :param stalled_s: a worker that was not heard of for so long is dead: its jobs are done again.
    :param retry_s: seconds before the first repetition; its powers before the next.
    :raises StoreError: for a store on SQLite, or one that is LIVE unless `once`: nobody stays logged in for ever.
    """
    if place.store.terms.kind == "LIVE" and not once:
        raise StoreError("a LIVE store: its people are logged out after ten minutes; do what waits, and end (once)")
    make_queue(place.store)
    with open_queue(place.store) as queue:
        app = _application(place, queue, told, retry_s)
        asyncio.run(_run(place, app, once=once, stalled_s=stalled_s))


def _application(place: Workplace, queue: JobQueue, told: Told, retry_s: int) -> App:
    app = App(connector=PsycopgConnector(kwargs=parameters(place.store), min_size=1, max_size=4))
    retry = Retry(retry_s)
    for kind in Kind:
        task = _task(place, queue, told, kind, retry)
        app.task(name=kind.value, queue=kind.value, retry=retry, pass_context=True)(task)
    return app


def _task(place: Workplace, queue: JobQueue, told: Told, kind: Kind, retry: Retry) -> Callable[..., None]:
    def do(context: JobContext, **about: Any) -> None:
        number = context.job.id or 0
        try:
            following = work(place, kind, about)
        except (CardkitError, OSError) as error:
            _failed(place, kind, context.job, error, retry)
            told(number, kind, about, str(error))
            raise
        for job in following:
            queue.put(job)
        note(place.store, "JOB_DONE", number, kind, about)
        told(number, kind, about, "done")

    return do


def _failed(place: Workplace, kind: Kind, job: StoredJob, error: Exception, retry: Retry) -> None:
    """Tell the audit, and hold the batch, where a job is not done again; the message stays out of the audit."""
    if retry.get_retry_decision(exception=error, job=job) is not None:
        return
    about = job.task_kwargs
    code = getattr(error, "code", None) or type(error).__name__
    note(place.store, "JOB_FAILED", job.id or 0, kind, about, code=str(code))
    give_up(place, kind, about, f"job {job.id} failed: {code}")


async def _run(place: Workplace, app: App, *, once: bool, stalled_s: float) -> None:
    async with app.open_async():
        await _take_back(place, app, stalled_s)
        watching = asyncio.create_task(_watch(place, app, stalled_s))
        try:
            await app.run_worker_async(queues=list(Kind), wait=not once, concurrency=1, delete_jobs="never")
        finally:
            watching.cancel()


async def _watch(place: Workplace, app: App, stalled_s: float) -> None:
    while True:
        await asyncio.sleep(max(stalled_s, 1.0))
        await _take_back(place, app, stalled_s)


async def _take_back(place: Workplace, app: App, stalled_s: float) -> None:
    """Let the jobs of dead workers be done again; one that killed three of them is given up."""
    for job in await app.job_manager.get_stalled_jobs(seconds_since_heartbeat=stalled_s):
        _log.warning("job %s: its worker is dead, attempt %s", job.id, job.attempts)
        if job.attempts >= MOST_ATTEMPTS:
            await app.job_manager.finish_job(job, Status.FAILED, delete_job=False)
            kind = Kind(job.task_name)
            note(place.store, "JOB_FAILED", job.id or 0, kind, job.task_kwargs, code="WORKER_DIED")
            give_up(place, kind, job.task_kwargs, f"job {job.id} failed: WORKER_DIED")
        else:
            await app.job_manager.retry_job(job, retry_at=datetime.now(UTC))

"""``cardkit jobs``: imports, data preparation and reports as jobs that any machine does, on one PostgreSQL."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, ExitStack, nullcontext
from pathlib import Path
from typing import Any

import click

from cardkit.cli import options
from cardkit.cli.keys_option import open_keystore, passphrase_fd
from cardkit.cli.people import opened
from cardkit.cli.render import print_json, print_json_line, say, table
from cardkit.crypto import KeyStore
from cardkit.errors import RecordError, StoreError
from cardkit.production.people.roles import Step
from cardkit.profile import Profile, load_profile

try:
    from cardkit.production.jobs.queue import Job, Kind, open_queue
    from cardkit.production.jobs.work import Workplace, import_job, prepare_jobs, report_job
    from cardkit.production.jobs.worker import run_worker
except ImportError as error:
    raise StoreError("jobs need the extra `postgres`: pip install 'cardkit[postgres]'") from error


@click.group()
def jobs() -> None:
    """Queue imports, data preparation and reports; any machine's worker does them."""


@jobs.command("import")
@click.argument("profile")
@click.argument("order", type=click.Path(path_type=Path))
@click.option("--name", help="Name of the batch; by default that of the file.")
@click.option("--order", "under", metavar="NAME", help="The customer's order the file belongs to.")
@options.store
def import_(profile: str, order: Path, name: str | None, under: str | None, store_url: str, operator: str) -> None:
    """Queue the import of ORDER; what has to be prepared for its cards is queued after it.

    The worker's machine must see PROFILE and ORDER under the same names. What is imported is the file as it is now.
    """
    if not order.is_file():
        raise RecordError(f"{order}: cannot be read: no file there", code="FILE")
    _put(store_url, operator, Step.IMPORT, [import_job(str(load_profile(profile).path), order, name, under)])


@jobs.command()
@click.argument("batch_name", metavar="BATCH")
@options.store
def prepare(batch_name: str, store_url: str, operator: str) -> None:
    """Queue what has to be prepared for the cards of BATCH, 500 rows a job."""
    with opened(store_url, operator) as store:
        wanted = prepare_jobs(store, batch_name)
    _put(store_url, operator, Step.PREPARE, wanted)


@jobs.command()
@click.argument("batch_name", metavar="BATCH")
@click.argument("folder", metavar="DIR", type=click.Path(file_okay=False, path_type=Path))
@options.store
def report(batch_name: str, folder: Path, store_url: str, operator: str) -> None:
    """Queue the report of BATCH into DIR, which the worker's machine must see under the same name."""
    _put(store_url, operator, Step.RUN, [report_job(batch_name, folder)])


def _put(store_url: str, operator: str, step: Step, wanted: list[Job]) -> None:
    with opened(store_url, operator) as store:
        store.presence.require(step, (operator,))
        with open_queue(store) as queue:
            numbers = [(job, queue.put(job)) for job in wanted]
    for job, number in numbers:
        say(f"{job.kind}: waits already" if number is None else f"job {number}: {job.kind}")


@jobs.command("list")
@options.store
@options.as_json
def list_(store_url: str, operator: str, as_json: bool) -> None:
    """List the jobs, oldest first, and where they stand."""
    with opened(store_url, operator) as store, open_queue(store) as queue:
        found = queue.jobs()
    if as_json:
        print_json(
            [
                {"job": one.id, "kind": one.kind, "state": one.state, "attempts": one.attempts, "about": one.args,
                 "at": one.at and one.at.isoformat()}
                for one in found
            ]
        )  # fmt: skip
        return
    table(
        ["job", "kind", "state", "attempts", "about", "since"],
        [
            (
                one.id,
                one.kind,
                one.state,
                one.attempts,
                _about(one.args),
                f"{one.at:%Y-%m-%d %H:%M:%S}" if one.at else "",
            )
            for one in found
        ],
    )


def _about(args: Mapping[str, Any]) -> str:
    rows = f" rows {args['first']}-{args['last']}" if "first" in args else ""
    return f"{args.get('batch', '')}{rows}"


@jobs.command()
@click.option(
    "--keys", "keys_url", default="", metavar="URL", help="Key store for all jobs; a TEST profile's own if absent."
)
@passphrase_fd
@click.option(
    "--gpg-home", type=click.Path(path_type=Path), metavar="DIR", help="Home folder of gpg, for signed orders."
)
@click.option("--once", is_flag=True, help="Do what waits and end; a LIVE store's worker does nothing else.")
@options.store
@options.as_json
def worker(
    keys_url: str,
    descriptor: int | None,
    gpg_home: Path | None,
    once: bool,
    store_url: str,
    operator: str,
    as_json: bool,
) -> int:
    """Do jobs one after another until interrupted; what is at hand then is finished.

    Jobs hold no secrets: the key store's passphrase is asked for here, once. A job whose worker died is done again by
    another one; after three attempts it is given up, and a batch that was to be prepared is held.
    """
    failed = 0

    def told(number: int, kind: Kind, about: Mapping[str, Any], outcome: str) -> None:
        nonlocal failed
        failed += outcome != "done"
        if as_json:
            print_json_line({"job": number, "kind": kind.value, "batch": about.get("batch"), "outcome": outcome})
        else:
            say(f"job {number}: {kind} {_about(about)}: {outcome}")

    with ExitStack() as stack:
        store = stack.enter_context(opened(store_url, operator))
        keys = stack.enter_context(open_keystore(keys_url, descriptor)) if keys_url else None
        run_worker(Workplace(store, _keys(keys), gpg_home), told, once=once)
    return 1 if failed else 0


def _keys(for_all: KeyStore | None) -> Callable[[Profile], AbstractContextManager[KeyStore]]:
    """Return what opens the key store for a product's cards: the one named, or the TEST profile's own."""
    return lambda profile: nullcontext(profile.test_keystore() if for_all is None else for_all)

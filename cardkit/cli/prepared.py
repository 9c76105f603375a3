"""Where a finished card's prepared values are: in the store it was made from, or in the work folder of its run."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import click

from cardkit import production
from cardkit.cli.options import operator
from cardkit.cli.order import Job
from cardkit.cli.people import opened
from cardkit.errors import ProfileError
from cardkit.perso import Prepared, prepare, prepares
from cardkit.production.workfolder import WorkFolder
from cardkit.profile import Record

DEFAULT_FOLDER = Path("cardkit-work")
Source = Callable[[Job, Record], Prepared]


def options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add ``--work``, ``--store`` and who opens it: for families whose cards carry values made for each of them."""
    command = click.option(
        "--store", "store_url", default="", metavar="URL", help="Store the cards were made from, for prepared values."
    )(operator(command))
    return click.option(
        "--work",
        type=click.Path(file_okay=False, path_type=Path),
        default=DEFAULT_FOLDER,
        show_default=True,
        metavar="DIR",
        help="Work folder the card was made from, for prepared values.",
    )(command)


@contextmanager
def source(work: Path, store_url: str, who: str) -> Iterator[Source]:
    """Give what finds a record's values.

    :param work: folder of the run.  :param store_url: goes before it; empty for none.
    :param who: opens the store; in a LIVE one an account that logs in.
    """
    with ExitStack() as stack:
        store = stack.enter_context(opened(store_url, who)) if store_url else None
        yield finder(work, store, store_url or str(work))


def finder(work: Path, store: production.Store | None, place: str) -> Source:
    """Return what finds a record's values in a store, or without one in a folder.

    :param place: what messages call it.
    """

    def values(job: Job, record: Record) -> Prepared:
        if not prepares(job.profile):
            return prepare(job.profile, record, job.keystore, secrets.token_bytes)
        found = _in_folder(job, record, work) if store is None else production.kept_values(store, job.profile, record)
        if found is None:
            raise ProfileError(f"record {record.row_no} was not prepared in {place}: name its --store or --work")
        return found

    return values


def _in_folder(job: Job, record: Record, folder: Path) -> Prepared | None:
    if not (folder / "key").exists():
        return None
    return WorkFolder(folder, job.profile, record).kept()

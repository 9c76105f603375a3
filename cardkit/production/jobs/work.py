"""What each kind of job does. Every one may be done again after it died anywhere: it has then no second effect.

An import is one transaction; prepared values are filed once a record; the files of a report replace themselves whole.
"""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cardkit.crypto import KeyStore
from cardkit.errors import IllegalStepError, RecordError
from cardkit.production.input.importing import import_batch
from cardkit.production.input.opening import opened_order, plain_name
from cardkit.production.input.openpgp import Sender
from cardkit.production.jobs.queue import Job, Kind
from cardkit.production.preparation import prepare_batch
from cardkit.production.quarantine import quarantine_path
from cardkit.production.report import print_report, write_report
from cardkit.production.report.source import batch_report
from cardkit.production.store import Office, Store
from cardkit.production.store.orderbook import order_of
from cardkit.production.store.preparing import is_of_file
from cardkit.production.store.schema import BatchState
from cardkit.profile import Profile, load_profile

ROWS = 500
"""Rows of one preparation job: the machines share a batch by them."""


@dataclass(frozen=True, slots=True)
class Workplace:
    """Where jobs are done.

    :param store: opened by who answers for them.  :param keys: opens the key store for a product's cards.
    :param gpg_home: folder of ``gpg`` with the plant's key, for files that customers signed.
    """

    store: Store
    keys: Callable[[Profile], AbstractContextManager[KeyStore]]
    gpg_home: Path | None = None


def import_job(profile: str, file: Path, name: str | None, under: str | None) -> Job:
    """Return the job that imports a file; what the file is now is what will be imported.

    :raises OSError: when it cannot be read.
    """
    sha256 = _digest(file)
    batch = name or Path(plain_name(file)).stem
    about = {"profile": profile, "file": str(file.resolve()), "sha256": sha256, "batch": batch, "under": under}
    return Job(Kind.IMPORT, about, f"import {sha256}")


def prepare_jobs(store: Store, batch: str) -> list[Job]:
    """Return the jobs that prepare a batch, by rows; none where nothing is made for its cards."""
    lot = store.batch(batch)
    if lot.prepare_step is None:
        return []
    firsts = range(1, lot.rows + 1, ROWS)
    return [
        Job(Kind.PREPARE, {"batch": batch, "first": first, "last": first + ROWS - 1}, f"prepare {batch} {first}")
        for first in firsts
    ]


def report_job(batch: str, folder: Path) -> Job:
    """Return the job that writes a report."""
    return Job(Kind.REPORT, {"batch": batch, "folder": str(folder.resolve())}, f"report {batch} {folder.resolve()}")


def work(place: Workplace, kind: Kind, about: Mapping[str, Any]) -> list[Job]:
    """Do one job; return the jobs that follow from it.

    :raises CardkitError: when it cannot be done.
    """
    match kind:
        case Kind.IMPORT:
            return _import(place, **about)
        case Kind.PREPARE:
            return _prepare(place, **about)
    return _report(place, **about)


def _import(place: Workplace, profile: str, file: str, sha256: str, batch: str, under: str | None) -> list[Job]:
    store, path, loaded = place.store, Path(file), load_profile(profile)
    if _digest(path) != sha256:
        raise RecordError(f"{path}: not the file that was queued", code="FILE")
    pinned = None if under is None else order_of(store, under).terms.sender
    sender = None if pinned is None else Sender(pinned, place.gpg_home)
    with place.keys(loaded) as keys, opened_order(store, loaded, path, keys, secrets.token_bytes, sender) as rows:
        try:
            import_batch(
                store, loaded, rows, keys, path, name=batch, prepared=False, quarantine=quarantine_path(path),
                under=under, sender=pinned,
            )  # fmt: skip
        except RecordError as error:
            if error.code != "SEEN" or not is_of_file(store, batch, rows.sha256):
                raise  # else it was imported by this job, which died before it could say so
    return prepare_jobs(store, batch)


def _prepare(place: Workplace, batch: str, first: int, last: int) -> list[Job]:
    loaded = load_profile(place.store.batch(batch).profile_path)
    with place.keys(loaded) as keys:
        prepare_batch(place.store, loaded, batch, keys, rows=range(first, last + 1))
    return []


def _report(place: Workplace, batch: str, folder: str) -> list[Job]:
    write_report(batch_report(place.store, batch), Path(folder))
    print_report(batch_report(place.store, batch), Path(folder))
    return []


def give_up(place: Workplace, kind: Kind, about: Mapping[str, Any], why: str) -> None:
    """Hold the batch of a preparation that cannot be done: its cards would lack their values."""
    if kind is not Kind.PREPARE:
        return
    lot = place.store.batch(about["batch"])
    if lot.state is BatchState.OPEN:
        try:
            Office(place.store, lot, (place.store.operator,)).hold(why)
        except IllegalStepError:  # somebody held it meanwhile
            return


def _digest(path: Path) -> str:
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()

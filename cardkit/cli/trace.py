"""``cardkit trace``: verify one finished card and write down every command and answer."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import click

from cardkit.cli import options
from cardkit.cli.batch_files import envelope_of, gpg_home
from cardkit.cli.keys_option import profile_keys
from cardkit.cli.order import Job, open_job
from cardkit.cli.people import opened, people
from cardkit.cli.prepared import DEFAULT_FOLDER, finder
from cardkit.cli.render import say
from cardkit.perso import plan
from cardkit.perso import verify as verify_card
from cardkit.production import Envelope, Store
from cardkit.production.tracing import Trace, Unlock, masked, unmasked
from cardkit.target import open_card


@click.command()
@click.argument("profile")
@options.order
@options.record
@options.reader
@click.option(
    "--out",
    type=click.Path(dir_okay=False, path_type=Path),
    required=True,
    metavar="FILE",
    help="Where the trace goes.",
)
@click.option("--unmasked", "bare", is_flag=True, help="Hide nothing: of LIVE cards two persons unlock this (--by).")
@click.option("--recipient", metavar="FINGERPRINT", help="LIVE, unmasked: who may read it (OpenPGP, gpg).")
@click.option("--signer", metavar="FINGERPRINT", help="LIVE, unmasked: the plant's OpenPGP key.")
@gpg_home
@options.store
@profile_keys
def trace(
    profile: str,
    order_path: Path,
    record_no: int,
    reader: str,
    out: Path,
    bare: bool,
    recipient: str | None,
    signer: str | None,
    gpg_home: Path | None,
    store_url: str,
    operator: str,
    keys_url: str,
    descriptor: int | None,
) -> int:
    """Verify a finished card and write every command and answer to a file; keys, codes and personal data are masked.

    Without masks a trace of a LIVE card goes to an encrypted file only, and the audit knows of it.
    """
    envelope = envelope_of(recipient, signer, gpg_home)
    job = open_job(profile, order_path, keys_url, descriptor)
    with ExitStack() as stack:
        stack.enter_context(job.keystore)
        live = job.profile.kind == "LIVE"
        if live and bare and envelope is None:
            raise click.UsageError("a LIVE card without masks: --recipient and --signer say who may read it")
        store = stack.enter_context(opened(store_url, operator)) if live else None
        record = job.record(record_no)
        values = finder(DEFAULT_FOLDER, store, store_url)
        todo = plan(job.profile, record, values(job, record), job.keystore)
        with tracing(job, record_no, out, store, envelope, bare=bare) as to:
            card = stack.enter_context(open_card(reader, trace=to.sink, redactor=to.redactor))
            report = verify_card(todo, card, job.keystore)
            card.close()
    say(f"{out}: {report.verdict}, {len(report.findings)} findings")
    return 0 if report.verdict == "GOOD" else 1


@contextmanager
def tracing(
    job: Job, record_no: int, out: Path, store: Store | None, envelope: Envelope | None, *, bare: bool
) -> Iterator[Trace]:
    """Give where the trace goes, and what of it."""
    if not bare:
        with masked(out, job.profile) as to:
            yield to
        return
    unlock = Unlock(store, people(store), envelope) if store is not None and envelope is not None else None
    with unmasked(out, job.profile, record_no, unlock) as to:
        yield to

"""``cardkit personalize``: one record of an order becomes one finished card."""

from __future__ import annotations

import getpass
import sys
import tempfile
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import click

from cardkit.cli import options
from cardkit.cli.cardreport import outcome_card, outcome_document, show_outcome, write_cards
from cardkit.cli.keys_option import profile_keys
from cardkit.cli.order import Job, open_job
from cardkit.cli.plan import show as show_plan
from cardkit.cli.render import print_json, say
from cardkit.errors import ProfileError
from cardkit.perso import Outcome, Plan, plan, redactor
from cardkit.perso import personalize as make_card
from cardkit.production.workfolder import WorkFolder
from cardkit.target import Scheme, open_card, parse_one

EXIT_CARD_FAILED = 1
EXIT_SECURITY = 5


@dataclass(frozen=True, slots=True)
class Run:
    """One card's run as the command line asks for it."""

    job: Job
    todo: Plan
    reader: str
    folder: WorkFolder
    seed: int | None
    trace: Path | None


@click.command()
@click.argument("profile")
@options.order
@options.record
@options.reader
@click.option(
    "--work",
    type=click.Path(file_okay=False, path_type=Path),
    metavar="DIR",
    help="Journal and prepared values; the same DIR finishes a torn card. Default: cardkit-work where chips last.",
)
@click.option("--yes", is_flag=True, help="Write without asking; without it the plan is shown first.")
@options.report
@click.option(
    "--trace",
    type=click.Path(dir_okay=False, path_type=Path),
    metavar="FILE",
    help="Record every APDU, secrets masked.",
)
@options.seed
@profile_keys
@options.as_json
def personalize(
    profile: str,
    order_path: Path,
    record_no: int,
    reader: str,
    work: Path | None,
    yes: bool,
    report_dir: Path | None,
    trace: Path | None,
    seed: int | None,
    keys_url: str,
    descriptor: int | None,
    as_json: bool,
) -> int:
    """Make one TEST card: bind, write, verify, seal, prove. Run it again after a failure: it continues, or refuses.

    LIVE cards are made in batches that people approved and opened: `batch run`.
    """
    started = datetime.now(UTC)
    job = open_job(profile, order_path, keys_url, descriptor)
    with ExitStack() as stack:
        stack.enter_context(job.keystore)
        refuse_live(job)
        record = job.record(record_no)
        folder = WorkFolder(work or default_folder(reader, stack), job.profile, record)
        todo = plan(job.profile, record, folder.prepared(job.keystore), job.keystore)
        if not yes:
            confirm(job, todo, reader)
        stack.enter_context(folder)
        outcome = carry_out(Run(job, todo, reader, folder, seed, trace))
    card = outcome_card(outcome, record, reader)
    if report_dir is not None:
        write_cards(job, [card], started, report_dir, getpass.getuser())
    if as_json:
        print_json(outcome_document(outcome, record))
    else:
        show_outcome(outcome)
    if report_dir is not None:
        say(f"report: {report_dir / 'report.html'}")
    return exit_code(outcome)


def refuse_live(job: Job) -> None:
    """Refuse a LIVE card outside of a batch: no store would know its chip, no second person of it.

    :raises ProfileError: for a LIVE profile.
    """
    if job.profile.kind == "LIVE":
        raise ProfileError(f"{job.profile.path}: a LIVE card is made in an approved batch (batch run), never alone")


def default_folder(reader: str, stack: ExitStack) -> Path:
    """Return where a run's journal goes: a folder that stays where the chip stays, else one that goes with it."""
    target = parse_one(reader)
    if target.scheme is Scheme.PCSC or target.directory is not None:
        return Path("cardkit-work")
    return Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="cardkit-")))


def confirm(job: Job, todo: Plan, reader: str) -> None:
    """Show the plan and ask; where nobody can be asked, refuse.

    :raises click.UsageError: without a terminal.  :raises click.Abort: when the answer is no.
    """
    show_plan(job.profile, todo)
    if not sys.stdin.isatty():
        raise click.UsageError("nothing written: no terminal to ask at, expected --yes")
    click.confirm(f"write this to the card in {reader}?", abort=True, err=True)


def carry_out(run: Run) -> Outcome:
    """Open the card and run the plan, events going to the work folder's journal."""
    with ExitStack() as stack:
        trace = stack.enter_context(run.trace.open("w", encoding="utf-8")) if run.trace else None
        masks = redactor(run.job.profile) if run.trace else None
        card = stack.enter_context(open_card(run.reader, seed=run.seed, trace=trace, redactor=masks))
        return make_card(run.todo, card, run.job.keystore, on_event=run.folder.event, resume=run.folder.bound)


def exit_code(outcome: Outcome) -> int:
    """0 good, 1 rejected, 5 rejected for a reason that stops the line."""
    if outcome.reject is None:
        return 0
    return EXIT_SECURITY if outcome.reject.security_stop else EXIT_CARD_FAILED

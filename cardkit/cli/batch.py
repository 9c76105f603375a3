"""``cardkit batch``: an order becomes a batch, the batch becomes finished cards, and everything is accounted for."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import click

from cardkit import production
from cardkit.cli import options
from cardkit.cli.batch_files import import_, output
from cardkit.cli.evidence import evidence
from cardkit.cli.keys_option import named_keys, profile_keys
from cardkit.cli.people import opened, people
from cardkit.cli.progress import BatchProgress
from cardkit.cli.render import facts, print_json, say, table
from cardkit.cli.sample import sample, sample_row, verdict
from cardkit.production.events import BatchDone
from cardkit.production.evidence.pack import close_with_evidence
from cardkit.production.report import print_report, write_report
from cardkit.production.report.source import batch_report

# Why a batch stays open, in words; the codes are those of `production.reconcile`.
AGAINST_CLOSING = {
    "CARDS_DIFFER": "cards issued are not the cards accounted for",
    "RECORDS_DIFFER": "records imported are not the records accounted for",
    "IN_DOUBT": "cards are in doubt; present them to `batch resume`",
    "RECORDS_OPEN": "records are not made yet",
    "GOOD_DIFFERS": "good cards counted are not the good records of the store",
    "REJECTED_OPEN": "rejected cards are not scrapped yet",
    "LOST_WITHOUT_INCIDENT": "lost cards have no incident number",
    "QUARANTINE_OPEN": "nobody has said what became of the rows in quarantine (--quarantine)",
    "DELIVERED_KEYS": "of a good card nobody proved that what it was delivered with opens it no more",
    "UNSOUND": "the store breaks an invariant; see `batch check`",
    "SAMPLES_DIFFER": "samples counted by hand are not the cards their checks destroyed; see `batch verdict --spent`",
    "SAMPLE_OPEN": "cards of a sample have no verdict yet; see `batch verdict`",
    "SAMPLE_REFUSED": "a sample refused the lot: look at every card (`batch sample --whole`), then `batch verdict`",
    "SAMPLE_BAD": "cards that a sample found bad, or destroyed, still count as good; see `doubt recall`",
}

# Rules by which a coupler stops because of its reader, not of its cards.
READER_RULES = ("reader", "restarts")


@click.group()
def batch() -> None:
    """Import an order, make its cards, check and close the batch."""


def office(store: production.Store, batch_name: str) -> production.Office:
    """Return what the operator, and whoever else the command names, may do to a batch."""
    return production.Office(store, store.batch(batch_name), people(store))


batch.add_command(import_)
batch.add_command(output)
batch.add_command(evidence)
batch.add_command(sample)
batch.add_command(verdict)


@batch.command("open")
@click.argument("batch_name", metavar="BATCH")
@options.store
def open_(batch_name: str, store_url: str, operator: str) -> None:
    """Open approved BATCH, so that stations may make its cards; two people open one of a LIVE store."""
    with opened(store_url, operator) as store:
        office(store, batch_name).open()
    say(f"batch {batch_name}: open")


@batch.command()
@click.argument("batch_name", metavar="BATCH")
@click.option("--reason", required=True, metavar="WORDS", help="Why, for the audit chain.")
@options.store
def hold(batch_name: str, reason: str, store_url: str, operator: str) -> None:
    """Hold open BATCH: stations claim no more of its records; `batch run --unhold` lets it go on."""
    with opened(store_url, operator) as store:
        office(store, batch_name).hold(reason)
    say(f"batch {batch_name}: held")


def run_options(command: options.Command) -> options.Command:
    """Add the options of ``run`` and ``resume``."""
    command = click.option("--station", help="Name of this station; the host name if absent.")(command)
    command = click.option(
        "--deadline",
        type=click.FloatRange(min=0.1),
        default=5.0,
        show_default=True,
        help="Seconds a card may take per APDU.",
    )(command)
    return options.seed(options.report(options.as_json(profile_keys(options.store(command)))))


@batch.command()
@click.argument("batch_name", metavar="BATCH")
@options.readers
@click.option("--limit", type=click.IntRange(min=1), help="Stop after this many cards.")
@click.option("--unhold", metavar="REASON", help="Let a held batch go on; the reason goes into the audit chain.")
@run_options
def run(
    batch_name: str,
    readers: tuple[str, ...],
    limit: int | None,
    unhold: str | None,
    station: str | None,
    deadline: float,
    seed: int | None,
    report_dir: Path | None,
    as_json: bool,
    keys_url: str,
    descriptor: int | None,
    store_url: str,
    operator: str,
) -> int:
    """Make the cards of BATCH: personalize, verify, seal and journal one after another on every reader."""
    chosen = run_terms(station, seed, deadline, limit)
    with opened(store_url, operator) as store, named_keys(keys_url, descriptor) as keys, BatchProgress() as progress:
        chosen = replace(chosen, keys=keys)
        if unhold:
            office(store, batch_name).unhold(unhold)
        done = production.run_batch(store, batch_name, readers, reporter=progress, options=chosen)
        return finish(store, done, report_dir, as_json=as_json) or reader_code(done, progress)


@batch.command()
@click.argument("batch_name", metavar="BATCH")
@options.reader
@run_options
def resume(
    batch_name: str,
    reader: str,
    station: str | None,
    deadline: float,
    seed: int | None,
    report_dir: Path | None,
    as_json: bool,
    keys_url: str,
    descriptor: int | None,
    store_url: str,
    operator: str,
) -> int:
    """Bring cards in doubt to an end: the presented chip's identity and marker decide."""
    chosen = run_terms(station, seed, deadline)
    with opened(store_url, operator) as store, named_keys(keys_url, descriptor) as keys, BatchProgress() as progress:
        chosen = replace(chosen, by=people(store), keys=keys)
        done = production.resume_batch(store, batch_name, reader, reporter=progress, options=chosen)
        return finish(store, done, report_dir, as_json=as_json) or reader_code(done, progress)


def run_terms(
    station: str | None, seed: int | None, deadline: float, limit: int | None = None
) -> production.RunOptions:
    """Return how a batch is run, as the command line says."""
    terms = production.RunOptions(seed=seed, limit=limit, deadline_s=deadline)
    return replace(terms, station=station) if station else terms


def finish(store: production.Store, done: BatchDone, report_dir: Path | None, *, as_json: bool) -> int:
    """Show how a run ended, write its report, and choose the exit code."""
    if report_dir is not None:
        write_report(batch_report(store, done.batch), report_dir)
        print_report(batch_report(store, done.batch), report_dir)
    if as_json:
        print_json(summary(done))
    else:
        facts(summary_lines(done))
    if report_dir is not None:
        say(f"report: {report_dir / 'report.html'}")
    return exit_code(done)


def exit_code(done: BatchDone) -> int:
    """0 every card good, 1 a card failed or is in doubt, 5 a security stop."""
    if done.stopped is not None and done.stopped.rule == "security":
        return 5
    failed = done.rejected + done.in_doubt + done.blank_rejects
    return 1 if failed or done.stopped is not None else 0


def reader_code(done: BatchDone, progress: BatchProgress) -> int:
    """3 where readers failed and no card was made at all, 1 where a reader failed on the way, else 0."""
    if not any(stop.rule in READER_RULES for stop in progress.stops):
        return 0
    return 1 if done.good else 3


def summary(done: BatchDone) -> dict[str, object]:
    """Return what ``--json`` prints of a run."""
    return {
        "batch": done.batch,
        "good": done.good,
        "rejected": done.rejected,
        "in_doubt": done.in_doubt,
        "blank_rejects": done.blank_rejects,
        "seconds": round(done.seconds, 3),
        "records": dict(done.counts),
        "stopped": None
        if done.stopped is None
        else {"scope": done.stopped.scope, "rule": done.stopped.rule, "why": done.stopped.why},
    }


def summary_lines(done: BatchDone) -> Iterator[tuple[str, object]]:
    """Yield the summary for people."""
    yield "batch", done.batch
    yield "good", done.good
    yield "rejected", done.rejected
    yield "in doubt", done.in_doubt
    if done.blank_rejects:
        yield "blank rejects", done.blank_rejects
    cards = done.good + done.rejected + done.in_doubt
    yield "time", f"{done.seconds:.2f} s, {cards / done.seconds if done.seconds else 0:.1f} cards/s"
    yield "records", ", ".join(f"{count} {state}" for state, count in done.counts.items() if count)
    if done.stopped is not None:
        yield "stopped", f"{done.stopped.scope}: {done.stopped.why}"


@batch.command()
@click.argument("batch_name", metavar="BATCH")
@options.store
@options.as_json
def doubt(batch_name: str, store_url: str, operator: str, as_json: bool) -> None:
    """List the cards in doubt: chips that may carry a record's data, until one presents them again."""
    with opened(store_url, operator) as store:
        found = production.doubts(store, batch_name)
    if as_json:
        print_json(
            [
                {
                    "record": item.record_no,
                    "chip_id": item.chip_id,
                    "station": item.station,
                    "coupler": item.coupler,
                    "bound_at": item.bound_at.isoformat(),
                }
                for item in found
            ]
        )
        return
    if not found:
        say(f"batch {batch_name}: no card in doubt")
        return
    table(
        ["record", "chip", "station", "coupler", "bound at"],
        [
            (item.record_no, item.chip_id, item.station, item.coupler, f"{item.bound_at:%Y-%m-%d %H:%M:%S}")
            for item in found
        ],
    )


@batch.command()
@click.argument("batch_name", metavar="BATCH", required=False)
@options.store
@options.as_json
def check(batch_name: str | None, store_url: str, operator: str, as_json: bool) -> int:
    """Check the store's invariants and its audit chain; prints each row that breaks one."""
    with opened(store_url, operator) as store:
        found = production.check_batch(store, batch_name)
    if as_json:
        print_json([{"invariant": item.invariant, "record": item.record_no, "text": item.text} for item in found])
    elif found:
        table(["invariant", "record", "what"], [(item.invariant, item.record_no or "", item.text) for item in found])
    else:
        say("store is sound: every invariant holds, audit chain unbroken")
    return 1 if found else 0


@batch.command()
@click.argument("batch_name", metavar="BATCH", required=False)
@options.store
@options.as_json
def status(batch_name: str | None, store_url: str, operator: str, as_json: bool) -> None:
    """Show how far a batch is, or every batch of the store."""
    with opened(store_url, operator) as store:
        names: Sequence[str] = [batch_name] if batch_name else production.batches(store)
        found = [production.batch_status(store, name) for name in names]
    if as_json:
        rows = [status_row(item) for item in found]
        print_json(rows[0] if batch_name else rows)
        return
    for item in found:
        facts(
            [
                ("batch", f"{item.batch} {item.state}{f' ({item.why})' if item.why else ''}"),
                ("profile", f"{item.profile} {item.profile_version} {item.kind}"),
                ("file", f"{item.rows} rows, {item.imported} imported, {item.quarantined} quarantined"),
                ("records", ", ".join(f"{count} {state}" for state, count in item.counts.items() if count)),
                *(
                    [("rejects", ", ".join(f"{count} {code}" for code, count in item.rejects.items()))]
                    if item.rejects
                    else []
                ),
                *(("sample", found.says) for found in item.samples),
            ]
        )


def status_row(item: production.BatchStatus) -> dict[str, object]:
    """Return what ``--json`` prints of one batch."""
    return {
        "batch": item.batch,
        "state": item.state,
        "why": item.why,
        "kind": item.kind,
        "profile": item.profile,
        "profile_version": item.profile_version,
        "rows": item.rows,
        "imported": item.imported,
        "quarantined": item.quarantined,
        "records": dict(item.counts),
        "rejects": dict(item.rejects),
        "samples": [sample_row(found) for found in item.samples],
    }


@batch.command()
@click.argument("batch_name", metavar="BATCH")
@click.argument("report_dir", metavar="DIR", type=click.Path(file_okay=False, path_type=Path))
@options.store
def report(batch_name: str, report_dir: Path, store_url: str, operator: str) -> None:
    """Write report.html, report.pdf (with cardkit[pdf]), junit.xml, results.jsonl and results.csv of BATCH into DIR."""
    with opened(store_url, operator) as store:
        files = write_report(batch_report(store, batch_name), report_dir)
        printed = print_report(batch_report(store, batch_name), report_dir)
    for path in filter(None, (*files, printed)):
        click.echo(path)


@batch.command()
@click.argument("batch_name", metavar="BATCH")
@click.option("--issued", type=click.IntRange(min=0), help="Cards the vault gave out for this batch, counted by hand.")
@click.option("--good", type=click.IntRange(min=0), help="Good cards in the bin, counted by hand.")
@click.option("--rejected", type=click.IntRange(min=0), help="Rejected cards that were written, counted by hand.")
@click.option("--blank", type=click.IntRange(min=0), default=0, help="Rejected cards that are blank still.")
@click.option("--samples", type=click.IntRange(min=0), default=0, help="Cards that the checks of samples destroyed.")
@click.option("--test", "tests", type=click.IntRange(min=0), default=0, help="Cards used for tests.")
@click.option("--setup", type=click.IntRange(min=0), default=0, help="Cards used to set the line up.")
@click.option("--lost", type=click.IntRange(min=0), default=0, help="Cards declared lost.")
@click.option("--returned", type=click.IntRange(min=0), default=0, help="Blank cards given back to the vault.")
@click.option("--quarantine", metavar="WORDS", help="What became of the rows in quarantine, for the audit chain.")
@click.option(
    "--evidence", "pack", type=click.Path(dir_okay=False, path_type=Path), metavar="FILE",
    help="Where the evidence pack goes; into STORE.evidence beside the store if absent.",
)  # fmt: skip
@options.store
def close(
    batch_name: str,
    issued: int | None,
    good: int | None,
    rejected: int | None,
    blank: int,
    samples: int,
    tests: int,
    setup: int,
    lost: int,
    returned: int,
    quarantine: str | None,
    pack: Path | None,
    store_url: str,
    operator: str,
) -> int:
    """Close BATCH if its cards and records balance, and write its signed evidence pack; else name each reason why not.

    Without counts the store's own are taken, which proves nothing about the cards in the bins.
    """
    by_hand = (issued, good, rejected)
    if any(count is None for count in by_hand) and any(count is not None for count in by_hand):
        raise click.UsageError(
            "--issued, --good and --rejected belong together: cards are counted by hand, or not at all"
        )
    counts = None
    if issued is not None and good is not None and rejected is not None:
        counts = production.CardCounts(
            issued,
            good,
            rejected_personalized=rejected,
            rejected_blank=blank,
            samples=samples,
            test=tests,
            setup=setup,
            lost=lost,
            returned=returned,
        )
    with opened(store_url, operator) as store:
        if quarantine:
            office(store, batch_name).dispose_quarantine(quarantine)
        closing, packed = close_with_evidence(store, batch_name, counts, pack)
    for reason in closing.why:
        say(f"batch {batch_name} stays open: {reason}: {AGAINST_CLOSING[reason]}")
    if closing.closable:
        say(f"batch {batch_name} closed, difference {closing.difference}")
    if packed is not None:
        say(f"evidence: {packed.path}, sha256 {packed.sha256}")
    return 0 if closing.closable else 1

"""``cardkit verify``: read a finished card back and prove its keys; one card, or card after card."""

from __future__ import annotations

import getpass
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import click

from cardkit.apps.dump import Document, compare, look
from cardkit.channel import Channel
from cardkit.cli import options, prepared
from cardkit.cli.card import today
from cardkit.cli.cardreport import Verified, report_document, show_report, verified_card, write_cards
from cardkit.cli.diff import read_dump
from cardkit.cli.keys_option import profile_keys
from cardkit.cli.order import Job, open_job
from cardkit.cli.render import print_json, print_json_line, say
from cardkit.desired import Register
from cardkit.errors import CardError, CardkitError, NoCardError, TransportError
from cardkit.perso import RunRegister, plan, read_identity
from cardkit.perso import verify as verify_card
from cardkit.production.report.identity import mask
from cardkit.profile import Record
from cardkit.target import Card, Feeder, Target, parse

AUTO = "auto"
GOOD = "GOOD"


@dataclass(frozen=True, slots=True)
class Depth:
    """How far a verification goes.

    :param full: also read what the profile does not.
    :param golden: dump of the card that all others should be like, None where there is none.
    :param register: remembers the cards of this run, None for a single one.
    :param values: gives a record's prepared values.
    """

    without_keys: bool
    destructive: bool
    full: bool
    golden: Document | None
    register: Register | None
    values: prepared.Source


class RecordChoice(click.ParamType[int | None]):
    """A row of the order, or ``auto``."""

    name = "record"

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> int | None:
        """Return the row, None for ``auto``."""
        text = str(value)
        if text == AUTO:
            return None
        if not text.isdecimal() or int(text) < 1:
            self.fail(f"{text!r}: expected a row of the order from 1, or {AUTO}", param, ctx)
        return int(text)


@click.command()
@click.argument("profile")
@options.order
@click.option(
    "--record",
    "record_no",
    type=RecordChoice(),
    required=True,
    metavar="N|auto",
    help="Row, or found by the card's identity.",
)
@options.readers
@click.option(
    "--continuous", is_flag=True, help="Card after card until the readers have no more; one report at the end."
)
@click.option("--without-keys", is_flag=True, help="Prove nothing that needs a key; the verdict is never GOOD then.")
@click.option(
    "--destructive",
    is_flag=True,
    help="Samples and virtual cards only: also spend tries and break sessions on purpose.",
)
@click.option("--full", is_flag=True, help="Also read every other file of the card, for the rules about them.")
@click.option(
    "--golden", type=click.Path(exists=True, dir_okay=False, path_type=Path), metavar="DUMP",
    help="What `dump --json` printed of a golden card; every difference the profile does not make is told.",
)  # fmt: skip
@prepared.options
@options.report
@profile_keys
@options.as_json
def verify(
    profile: str,
    order_path: Path,
    record_no: int | None,
    readers: tuple[str, ...],
    continuous: bool,
    without_keys: bool,
    destructive: bool,
    full: bool,
    golden: Path | None,
    work: Path,
    store_url: str,
    operator: str,
    report_dir: Path | None,
    keys_url: str,
    descriptor: int | None,
    as_json: bool,
) -> int:
    """Verify finished cards: read every file back, check every rule, prove the keys. Writes no file on the card."""
    if destructive and without_keys:
        raise click.UsageError("--destructive needs the keys that --without-keys leaves out")
    started = datetime.now(UTC)
    job = open_job(profile, order_path, keys_url, descriptor)
    targets = [target for text in readers for target in parse(text)]
    done: list[Verified] = []
    failed = 0
    with job.keystore, prepared.source(work, store_url, operator) as values:
        depth = Depth(
            without_keys,
            destructive,
            full,
            read_dump(golden) if golden else None,
            RunRegister() if continuous or len(targets) > 1 else None,
            values,
        )
        for item in cards(job, targets, record_no, continuous=continuous, depth=depth):
            if isinstance(item, CardkitError):
                if not continuous:
                    raise item
                failed += 1
                say(f"error: {item}")
                continue
            done.append(item)
            show(item, as_json=as_json, one_of_many=continuous or len(targets) > 1)
    if report_dir is not None:
        files = write_cards(job, map(verified_card, done), started, report_dir, getpass.getuser())
        say(f"report: {files.html}")
    good = sum(item.report.verdict == GOOD for item in done)
    if continuous:
        say(f"{len(done)} cards verified, {good} good, {failed} not identified")
    return 0 if done and good == len(done) and not failed else 1


def show(item: Verified, *, as_json: bool, one_of_many: bool) -> None:
    """Print one result as text, as a document, or as one line of many."""
    if not as_json:
        show_report(item)
    elif one_of_many:
        print_json_line(report_document(item))
    else:
        print_json(report_document(item))


def cards(
    job: Job, targets: list[Target], record_no: int | None, *, continuous: bool, depth: Depth
) -> Iterator[Verified | CardkitError]:
    """Verify the card in each reader, or all the cards the readers are given; a card that fails yields its error."""
    for target in targets:
        feeder = Feeder(target, again=target.directory is not None and target.serial is None)
        while True:
            try:
                connection = feeder.next_connection()
            except NoCardError:
                if not continuous:
                    raise
                break
            with Card(connection) as card:
                yield one_card(job, card, record_no, depth)
            if not continuous:
                break


def one_card(job: Job, card: Card, record_no: int | None, depth: Depth) -> Verified | CardkitError:
    """Verify the card in hand."""
    begun = time.monotonic()
    try:
        record = find_record(job, card) if record_no is None else job.record(record_no)
        todo = plan(job.profile, record, depth.values(job, record), job.keystore)
        report = verify_card(
            todo,
            card,
            job.keystore,
            without_keys=depth.without_keys,
            destructive=depth.destructive,
            differs=None if depth.golden is None else differing(depth.golden, card),
            look=looking if depth.full else None,
            register=depth.register,
        )
    except (CardError, TransportError) as error:
        return error
    return Verified(report, record, card.reader, time.monotonic() - begun)


def looking(channel: Channel) -> Document:
    """Return what is on a card, with the rights the channel has by now."""
    return look(channel, today())


def differing(golden: Document, card: Card) -> frozenset[str]:
    """Return the places in which a card differs from the golden one."""
    card.reset(cold=True)
    return frozenset(item.where for item in compare(golden, look(card.channel, today())))


def find_record(job: Job, card: Card) -> Record:
    """Return the record whose number the card carries.

    :raises CardError: if the order has no such record.
    """
    kind, number = read_identity(job.profile, card)
    card.reset(cold=True)
    for record in job.order.records:
        if record.business_keys().get(kind) == number:
            return record
    hidden = any(field.key == kind and field.is_masked for field in job.profile.record.fields.values())
    shown = mask(number) if hidden else number
    raise CardError(f"{card.reader}: card says {kind} {shown}, no record of {job.order_path} has it")

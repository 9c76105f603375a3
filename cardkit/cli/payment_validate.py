"""``cardkit payment validate``: every rule of payment cards and of rule packs, on cards or dumps, and a report."""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import click

from cardkit.apps.emv.destroying import SampleMeans, destroy
from cardkit.apps.emv.dumped import picture_of_dump
from cardkit.apps.emv.picture import CardPicture
from cardkit.apps.emv.rules.batch import batch_findings, dump_sha256
from cardkit.apps.emv.rules.engine import findings
from cardkit.apps.emv.rules.packs import Pack, pack_findings, parse_pack, weighed, with_limits
from cardkit.apps.emv.survey import Further, Means, survey
from cardkit.channel import Channel
from cardkit.cli import options
from cardkit.cli.card import today
from cardkit.cli.cardreport import finding_documents, show_findings
from cardkit.cli.diff import read_dump
from cardkit.cli.keys_option import profile_keys
from cardkit.cli.payment_expected import Expected, ValidateChoice, expected_card
from cardkit.cli.payment_report import Validated, write_validation
from cardkit.cli.render import facts, print_json, say, table
from cardkit.cli.textfile import read_text
from cardkit.desired import Finding
from cardkit.errors import EncodingError
from cardkit.target import open_card

_FAILED = 1


@dataclass(frozen=True, slots=True)
class _Job:
    readers: tuple[str, ...]
    dumps: tuple[Path, ...]
    packs: tuple[Pack, ...]
    destructive: bool


def sources(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add what is looked at, and what it is compared with."""
    for option in reversed((
        click.option("--reader", "readers", multiple=True, metavar="R",
                     help="pcsc:N, pcsc:NAME, virtual:IMAGE@DIR; may be given several times."),
        click.option("--dump", "dumps", multiple=True, type=click.Path(exists=True, dir_okay=False, path_type=Path),
                     metavar="FILE", help="What `dump --json` printed; may be given several times."),
        click.option("--rules", "packs", multiple=True, metavar="PACK",
                     type=click.Path(exists=True, dir_okay=False, path_type=Path),
                     help="A rule pack in TOML; may be given several times."),
        click.option("--profile", default="", metavar="PROFILE", help="What the cards should be."),
        click.option("--order", "order_path", type=click.Path(exists=True, dir_okay=False, path_type=Path),
                     metavar="FILE", help="Whose cards they should be, with --record."),
        click.option("--record", "record_no", type=click.IntRange(min=1), metavar="N", help="Row of the order."),
        click.option("--capk", multiple=True, type=click.Path(exists=True, dir_okay=False, path_type=Path),
                     metavar="FILE", help="CA public keys, a list in TOML."),
        click.option("--printed", type=click.Path(exists=True, dir_okay=False, path_type=Path), metavar="FILE",
                     help="What `payment print` wrote for the machine behind the line."),
        click.option("--destructive", is_flag=True,
                     help="Samples only: also go online, send wrong answers and scripts, present the PIN."),
    )):  # fmt: skip
        command = option(command)
    return command


@click.command("validate")
@sources
@profile_keys
@click.option(
    "--report",
    "report_dir",
    type=click.Path(file_okay=False, path_type=Path),
    metavar="DIR",
    help="Write validation.html there: one page with every rule and its result.",
)
@options.as_json
def validate_command(
    readers: tuple[str, ...],
    dumps: tuple[Path, ...],
    packs: tuple[Path, ...],
    destructive: bool,
    report_dir: Path | None,
    as_json: bool,
    **given: Any,
) -> int:
    """Judge the personalization of payment cards by rules EMV-001 to EMV-112 and by rule packs.

    A card is left as it was but for its transaction counter, unless --destructive. What could not be checked says so;
    a profile with order, keys and CA keys lets more be checked, several cards the rules about batches. Ends with 0
    when no rule of severity E is broken.
    """
    if not readers and not dumps:
        raise click.UsageError("nothing to look at: expected --reader or --dump")
    job = _Job(readers, dumps, tuple(parse_pack(read_text(path), str(path)) for path in packs), destructive)
    started = datetime.now(UTC)
    with ExitStack() as stack:
        expected = expected_card(ValidateChoice(**given), today(), stack)
        expected = replace(expected, card=with_limits(expected.card, job.packs))
        pictures = list(_pictures(job, expected))
        cards = [_judged(picture, expected, job.packs) for picture in pictures]
    together = weighed(batch_findings(pictures, expected.card), job.packs) if len(pictures) > 1 else []
    done = Validated(tuple(cards), tuple(together), job.packs, expected.profile, started)
    if as_json:
        print_json(_document(done))
    else:
        _show(done)
    if report_dir is not None:
        say(f"report: {write_validation(done, report_dir)}")
    return _FAILED if done.bad else 0


def _pictures(job: _Job, expected: Expected) -> Iterator[CardPicture]:
    for path in job.dumps:
        yield picture_of_dump(read_dump(path), path.name)
    for reader in job.readers:
        means = Means(secrets.token_bytes, time.monotonic, today())
        with open_card(reader) as card:
            further = _destroyer(card.channel, expected) if job.destructive else None
            yield survey(card.channel, means, name=reader, further=further)


def _destroyer(channel: Channel, expected: Expected) -> Further:
    moment = datetime.now(UTC).astimezone()
    capks = expected.card.capks
    if capks is None:
        raise EncodingError("--destructive goes online: expected CA keys, of --profile or --capk")
    means = SampleMeans(channel, secrets.token_bytes, moment, capks, expected.host, expected.scripting, expected.pin)
    return lambda side: destroy(means, side)


def _judged(picture: CardPicture, expected: Expected, packs: Sequence[Pack]) -> tuple[CardPicture, list[Finding]]:
    found = [*findings(picture, expected.card), *pack_findings(picture, packs)]
    return picture, weighed(found, packs)


def _document(done: Validated) -> dict[str, Any]:
    return {
        "cards": [
            {
                "card": picture.name,
                "applications": [side.place for side in picture.sides],
                "sha256": dump_sha256(picture),
                "findings": finding_documents(found),
            }
            for picture, found in done.cards
        ],
        "together": finding_documents(done.together),
        "packs": [f"{pack.pack.name} {pack.pack.version}" for pack in done.packs],
    }


def _show(done: Validated) -> None:
    for picture, found in done.cards:
        broken = {item.rule for item in found if not item.not_checked}
        unseen = {item.rule for item in found if item.not_checked} - broken
        facts(
            [
                ("card", picture.name),
                ("applications", ", ".join(side.place for side in picture.sides)),
                ("rules", f"{len(broken)} broken, {len(unseen)} not checked"),
                ("SHA-256", dump_sha256(picture)),
            ]
        )
        show_findings(found)
    if done.together:
        click.echo("\nall cards together")
        show_findings(done.together)
    meanings = done.meanings
    if meanings:
        click.echo()
        table(["rule", "what it means"], list(meanings.items()))

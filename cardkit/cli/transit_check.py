"""``cardkit transit check``: a Calypso card is as ordered."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from cardkit.apps.calypso import dump
from cardkit.apps.calypso.rules import findings
from cardkit.cli import options
from cardkit.cli.card import today
from cardkit.cli.cardreport import finding_documents, show_findings
from cardkit.cli.diff import read_dump
from cardkit.cli.render import print_json
from cardkit.errors import CardError, EncodingError
from cardkit.target import Card, open_card


@click.command("check")
@options.reader
@click.option(
    "--like", type=click.Path(path_type=Path, exists=True, dir_okay=False), metavar="FILE",
    help="What `cardkit dump --json` wrote of a card that is as ordered.",
)  # fmt: skip
@click.option("--serial", default="", metavar="HEX", help="The serial number that was ordered.")
@options.as_json
def check(reader: str, like: Path | None, serial: str, as_json: bool) -> int:
    """Compare a Calypso card with one that is as ordered: what it says of itself, files, rights, key versions.

    A card that has no Calypso application is "not checked". Nothing is written, no key is used. Exit code 0: no rule
    is broken, 1: one is.
    """
    ordered = None if like is None else _ordered(like)
    with open_card(reader) as card:
        found = findings(_shown(card), ordered, serial.upper())
    if as_json:
        print_json({"findings": finding_documents(found)})
    else:
        show_findings(found)
    return 1 if any(finding.bad for finding in found) else 0


def _ordered(path: Path) -> dict[str, Any]:
    document = read_dump(path)
    if dump.PART not in document:
        raise EncodingError(f"{path}: {document['class']} card, expected a dump of a Calypso card")
    part: dict[str, Any] = document[dump.PART]
    return part


def _shown(card: Card) -> dict[str, Any] | None:
    try:
        part: dict[str, Any] = dump.look(card.channel, today())[dump.PART]
    except CardError:
        return None
    return part

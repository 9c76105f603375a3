"""``cardkit check``: all rules, on any card or dump, whoever made it."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import click

from cardkit.apps import dump
from cardkit.apps.dump import Document
from cardkit.cli import options
from cardkit.cli.card import today
from cardkit.cli.cardreport import finding_documents, show_findings
from cardkit.cli.diff import read_dump
from cardkit.cli.render import facts, print_json, table
from cardkit.desired import Finding
from cardkit.target import open_card


@click.command()
@click.argument("source")
@click.option("--printed", default="", metavar="ICCID", help="The number in print on the card, as a scanner reads it.")
@click.option("--toolkit", is_flag=True, help="Also send a TERMINAL PROFILE: the card's programs act as in a phone.")
@options.as_json
def check(source: str, printed: str, toolkit: bool, as_json: bool) -> int:
    """Apply every rule to SOURCE, a reader (pcsc:0, virtual:usim) or a file that `dump --json` wrote; no profile.

    Nothing is presented to a card and nothing written. What only a profile, or the card itself, could tell is "not
    checked". Exit code 0: no rule is broken, 1: one is.
    """
    path = Path(source)
    if path.is_file():
        if toolkit:
            raise click.UsageError("--toolkit needs a card, and SOURCE is a file")
        document = read_dump(path)
    else:
        document = seen(source, toolkit=toolkit)
    findings = dump.check(document, printed=printed)
    if as_json:
        print_json(described(document, findings))
    else:
        show(document, findings)
    return 1 if any(finding.bad for finding in findings) else 0


def seen(reader: str, *, toolkit: bool) -> Document:
    """Return what is on the card in a reader, and what it does when asked."""
    with open_card(reader) as card:
        document = dump.look(card.channel, today())
        return dump.observe(card.channel, document, toolkit=toolkit)


def described(document: Document, findings: Iterable[Finding]) -> dict[str, Any]:
    """Return findings as ``--json`` shows them, each with what it means to the card's holder."""
    meanings = dump.meanings()
    items = [{**item, "meaning": meanings.get(item["rule"], "")} for item in finding_documents(findings)]
    return {"class": document["class"], "atr": document.get("atr", ""), "findings": items}


def show(document: Document, findings: list[Finding]) -> None:
    """Print findings for people, and below what they mean to the card's holder."""
    broken = list(dict.fromkeys(finding.rule for finding in findings if not finding.not_checked))
    unchecked = {finding.rule for finding in findings if finding.not_checked}
    facts(
        [
            ("card", f"{document['class']}, ATR {document.get('atr', '')}"),
            ("rules", f"{len(broken)} broken, {len(unchecked.difference(broken))} not checked"),
        ]
    )
    show_findings(findings)
    meanings = dump.meanings()
    if broken:
        click.echo()
        table(["rule", "what it means to the card's holder"], [(rule, meanings.get(rule, "")) for rule in broken])

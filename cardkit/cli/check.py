"""``cardkit check``: all rules, on any card or dump, whoever made it."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import click

from cardkit.apps import dump
from cardkit.apps.dump import Document
from cardkit.apps.uicc.dumped import PRESENTED
from cardkit.apps.uicc.observing import present_pin1
from cardkit.cli import options
from cardkit.cli.card import today
from cardkit.cli.cardreport import finding_documents, show_findings
from cardkit.cli.diff import read_dump
from cardkit.cli.render import facts, print_json, table
from cardkit.cli.secrets_input import source
from cardkit.crypto import Secret
from cardkit.desired import Finding
from cardkit.errors import EncodingError
from cardkit.target import open_card


@click.command()
@click.argument("source")
@click.option("--printed", default="", metavar="ICCID", help="The number in print on the card, as a scanner reads it.")
@click.option("--toolkit", is_flag=True, help="Also send a TERMINAL PROFILE: the card's programs act as in a phone.")
@click.option("--pin1", is_flag=True, help="Ask for PIN1 and present it once, if its counter is full.")
@click.option("--pin1-fd", type=int, metavar="N", help="Read PIN1 from this file descriptor: one line.")
@options.as_json
def check(source: str, printed: str, toolkit: bool, pin1: bool, pin1_fd: int | None, as_json: bool) -> int:
    """Apply every rule to SOURCE, a reader (pcsc:0, virtual:usim) or a file that `dump --json` wrote; no profile.

    Nothing is written to a card. What only a profile, PIN1 or the card itself could tell is "not checked". Exit code
    0: no rule is broken, 1: one is.
    """
    path = Path(source)
    code = asked(pin1_fd) if pin1 or pin1_fd is not None else None
    if path.is_file():
        if toolkit or code is not None:
            raise click.UsageError("--toolkit and --pin1 need a card, and SOURCE is a file")
        document = read_dump(path)
    elif ":" not in source:
        raise EncodingError(f"{source}: no such file, and no reader: expected pcsc:0, virtual:usim or a dump")
    else:
        document = seen(source, code, toolkit=toolkit)
    findings = dump.check(document, printed=printed)
    if as_json:
        print_json(described(document, findings))
    else:
        show(document, findings)
    return 1 if any(finding.bad for finding in findings) else 0


def asked(descriptor: int | None) -> Secret:
    """Return PIN1 as it is typed, or as a file descriptor gives it."""
    return source(descriptor, "--pin1-fd").secret("PIN1")


def seen(reader: str, pin1: Secret | None, *, toolkit: bool) -> Document:
    """Return what is on the card in a reader, and what it does when asked."""
    presented = {}
    with open_card(reader) as card:
        if pin1 is not None:
            present_pin1(card.channel, pin1)
            presented = {PRESENTED: ["PIN1"]}
        document = {**dump.look(card.channel, today()), **presented}
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

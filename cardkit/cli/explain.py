"""``cardkit explain``: a status word, a command or an ATR in words, with the clause."""

from __future__ import annotations

import re

import click

from cardkit import explain as words
from cardkit.apps.dump import rules
from cardkit.cli import options
from cardkit.cli.hexadecimal import from_hex
from cardkit.cli.render import facts, print_json, table
from cardkit.errors import EncodingError

RULE = re.compile("[A-Z]+-[0-9]*$")


@click.command()
@click.argument("hex_text", metavar="SW|APDU|ATR|RULE")
@options.as_json
def explain(hex_text: str, as_json: bool) -> None:
    """Say what hex digits mean: two bytes are a status word, 3B or 3F begins an ATR, the rest is a command.

    A rule by its number (UICC-040), or all that begin alike (UICC-): clause, what must hold, what it means to the
    card's holder.
    """
    if RULE.match(hex_text):
        show_rules(hex_text, as_json=as_json)
        return
    kind, lines = words.explain(from_hex(hex_text))
    if as_json:
        print_json({"kind": kind, "lines": [{"name": name, "hex": raw, "words": text} for name, raw, text in lines]})
    else:
        table([kind, "hex", "meaning"], lines)


def show_rules(start: str, *, as_json: bool) -> None:
    """Print the rules whose numbers begin like this.

    :raises EncodingError: when there is none.
    """
    found = [rule for rule in rules() if rule.id.startswith(start)]
    if not found:
        family = start.partition("-")[0]
        near = min(rules(), key=lambda rule: not rule.id.startswith(family))
        raise EncodingError(f"{start}: no such rule, expected one such as {near.id}")
    names = ("rule", "severity", "clause", "what must hold", "what it means to the card's holder")
    rows = [(rule.id, rule.severity.value, rule.clause, rule.text, rule.meaning) for rule in found]
    if as_json:
        keys = ("rule", "severity", "clause", "text", "meaning")
        print_json([dict(zip(keys, row, strict=True)) for row in rows])
    elif len(rows) == 1:
        facts(zip(names, rows[0], strict=True))
    else:
        table(names, rows)

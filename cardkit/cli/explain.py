"""``cardkit explain``: a status word, a command or an ATR in words, with the clause."""

from __future__ import annotations

import click

from cardkit import explain as words
from cardkit.cli import options
from cardkit.cli.hexadecimal import from_hex
from cardkit.cli.render import print_json, table


@click.command()
@click.argument("hex_text", metavar="SW|APDU|ATR")
@options.as_json
def explain(hex_text: str, as_json: bool) -> None:
    """Say what hex digits mean: two bytes are a status word, 3B or 3F begins an ATR, the rest is a command."""
    kind, lines = words.explain(from_hex(hex_text))
    if as_json:
        print_json({"kind": kind, "lines": [{"name": name, "hex": raw, "words": text} for name, raw, text in lines]})
    else:
        table([kind, "hex", "meaning"], lines)

"""``cardkit readers``: what is plugged in and what lies in it."""

from __future__ import annotations

import click

from cardkit.atr import ATR
from cardkit.cli import options
from cardkit.cli.render import print_json, table
from cardkit.errors import Executed, NoReaderError
from cardkit.profile.chips import recognize
from cardkit.transport.presence import ReaderState, list_readers


@click.command()
@options.as_json
def readers(as_json: bool) -> None:
    """List the PC/SC readers: index, name, card present, its ATR decoded, which chip model it is."""
    rows = [row(index, state) for index, state in enumerate(list_readers())]
    if as_json:
        print_json(rows)
    elif rows:
        table(
            ["reader", "name", "card", "ATR", "recognized as"],
            [(item["reader"], item["name"], item["card"], item["atr"], item["chip"] or item["about"]) for item in rows],
        )
    else:
        raise NoReaderError(
            "no PC/SC reader found, expected at least one; `cardkit doctor` tells why",
            operation="list",
            executed=Executed.NO,
        )


def row(index: int, state: ReaderState) -> dict[str, str]:
    """Return one reader as ``--json`` shows it."""
    return {
        "reader": f"pcsc:{index}",
        "name": state.name,
        "card": "present" if state.present else "none",
        "atr": state.atr.hex().upper(),
        "about": about(state.atr) if state.atr else "",
        "chip": (recognize(state.atr) or "") if state.atr else "",
    }


def about(raw: bytes) -> str:
    """Say in a few words what an ATR promises."""
    atr = ATR.parse_unchecked(raw)
    return ", ".join(f"T={number}" for number in atr.protocols)

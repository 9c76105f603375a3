"""``cardkit diff``: two cards, two dumps, or one of each (golden card)."""

from __future__ import annotations

from pathlib import Path

import click

from cardkit.apps.dump import Document, compare, look, parse
from cardkit.cli import options
from cardkit.cli.card import today
from cardkit.cli.render import print_json, say, table
from cardkit.errors import EncodingError
from cardkit.perso import varying_places
from cardkit.profile import load_profile
from cardkit.target import open_card

SHOWN = 60
"""Characters of a value shown in the table."""


@click.command()
@click.argument("left")
@click.argument("right")
@click.option("--mask", metavar="PROFILE", help="Leave out what this profile varies from card to card.")
@options.as_json
def diff(left: str, right: str, mask: str | None, as_json: bool) -> int:
    """Compare LEFT with RIGHT, each a reader (virtual:usim, pcsc:0) or a file that `dump --json` wrote.

    Exit code 0: the same, 1: something differs.
    """
    masked = varying_places(load_profile(mask)) if mask else frozenset()
    differences = compare(read(left), read(right), masked=masked)
    if as_json:
        print_json([{"where": item.where, "left": item.left, "right": item.right} for item in differences])
    elif differences:
        table(["where", "left", "right"], [(item.where, *around(item.left, item.right)) for item in differences])
    else:
        say(f"no difference{' outside the masked places' if mask else ''}")
    return 1 if differences else 0


def around(left: str, right: str) -> tuple[str, str]:
    """Cut two long texts to the place where they begin to differ; `--json` has them whole."""
    same = next((at for at, (ours, theirs) in enumerate(zip(left, right, strict=False)) if ours != theirs), SHOWN)
    start = max(0, same - SHOWN // 3)
    return cut(left, start), cut(right, start)


def cut(text: str, start: int) -> str:
    """Show SHOWN characters from a place on, with an ellipsis where more is left out.

    >>> cut("0123456789" * 9, 30)[:5]
    '…0123'
    """
    if len(text) <= SHOWN:
        return text
    tail = "…" if len(text) > start + SHOWN else ""
    return f"{'…' if start else ''}{text[start : start + SHOWN]}{tail}"


def read(source: str) -> Document:
    """Return the dump of a card, or of a file.

    :raises EncodingError: on a file that holds no dump, or is not there.
    """
    path = Path(source)
    if path.is_file():
        return read_dump(path)
    if ":" not in source:
        raise EncodingError(f"{source}: no such file, and no reader, expected a dump, virtual:IMAGE or pcsc:INDEX")
    with open_card(source) as card:
        return look(card.channel, today())


def read_dump(path: Path) -> Document:
    """Return what a file holds.  :raises EncodingError: when that is no dump."""
    try:
        return parse(path.read_bytes())
    except EncodingError as error:
        raise EncodingError(f"{path}: {error}") from None

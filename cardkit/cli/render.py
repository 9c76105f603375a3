"""How results look: rich tables and bars on a terminal, plain aligned lines elsewhere, JSON on request.

stdout carries the result, stderr the talk around it.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable, Sequence
from typing import Any

import click
import msgspec
from rich.console import Console
from rich.table import Table
from rich.text import Text


def print_json(document: Any) -> None:
    """Print one JSON document, indented, keys in the order given."""
    click.echo(msgspec.json.format(msgspec.json.encode(document), indent=2).decode())


def print_json_line(document: Any) -> None:
    """Print one line of JSON Lines."""
    click.echo(msgspec.json.encode(document).decode())


def on_terminal() -> bool:
    """Whether stdout is a person's terminal."""
    return sys.stdout.isatty()


def say(text: str) -> None:
    """Talk to the person at the keyboard: one line on stderr."""
    click.echo(text, err=True)


def table(headers: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    """Print rows below headers; cells are shown with ``str`` and never interpreted as markup."""
    cells = [[str(cell) for cell in row] for row in rows]
    if on_terminal():
        drawn = Table(box=None, header_style="bold", pad_edge=False)
        for header in headers:
            drawn.add_column(header, overflow="fold")
        for row in cells:
            drawn.add_row(*(Text(cell) for cell in row))
        Console().print(drawn)
        return
    widths = [max(len(line[at]) for line in [list(headers), *cells]) for at in range(len(headers))]
    for line in [list(headers), *cells]:
        click.echo("  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip())


def facts(rows: Iterable[tuple[str, object]]) -> None:
    """Print name and value pairs, names aligned."""
    pairs = [(name, str(value)) for name, value in rows]
    width = max((len(name) for name, _ in pairs), default=0)
    for name, value in pairs:
        click.echo(f"{name.ljust(width)}  {value}")

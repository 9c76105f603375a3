"""Options several verbs share, and the small openings they need."""

from __future__ import annotations

import getpass
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click

Command = TypeVar("Command", bound=Callable[..., Any])


def as_json(command: Command) -> Command:
    """Add ``--json``."""
    return click.option("--json", "as_json", is_flag=True, help="Print one JSON document instead of text.")(command)


def reader(command: Command) -> Command:
    """Add ``--reader`` (one)."""
    return click.option("--reader", required=True, metavar="R", help="pcsc:N, pcsc:NAME, virtual:IMAGE, replay:FILE.")(
        command
    )


def readers(command: Command) -> Command:
    """Add ``--reader`` (one or more)."""
    return click.option(
        "--reader",
        "readers",
        required=True,
        multiple=True,
        metavar="R",
        help="pcsc:N, pcsc:NAME, virtual:IMAGE*N, virtual:IMAGE@DIR; may be given several times.",
    )(command)


def seed(command: Command) -> Command:
    """Add ``--seed`` for virtual readers."""
    return click.option("--seed", type=int, help="Virtual readers: repeat the same chips, serials and challenges.")(
        command
    )


def order(command: Command) -> Command:
    """Add ``--order``."""
    return click.option(
        "--order",
        "order_path",
        required=True,
        type=click.Path(path_type=Path),
        metavar="FILE",
        help="The order file, in the layout the profile declares.",
    )(command)


def report(command: Command) -> Command:
    """Add ``--report``."""
    return click.option(
        "--report",
        "report_dir",
        type=click.Path(file_okay=False, path_type=Path),
        metavar="DIR",
        help="Write report.html, junit.xml and results.jsonl there.",
    )(command)


def store(command: Command) -> Command:
    """Add ``--store`` and ``--operator``."""
    command = click.option(
        "--operator", default=getpass.getuser, show_default="login name", help="Who answers for this step."
    )(command)
    return click.option(
        "--store",
        "store_url",
        default="sqlite:///cardkit.db",
        show_default=True,
        metavar="URL",
        help="The plant's store.",
    )(command)

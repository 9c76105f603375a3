"""Options several verbs share, and the small openings they need."""

from __future__ import annotations

import getpass
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click

Command = TypeVar("Command", bound=Callable[..., Any])
BY, LOGIN_FD, AUDIT_KEYS = "cardkit.cli.by", "cardkit.cli.login_fd", "cardkit.cli.audit_keys"
"""Where a click context keeps who else answers for a step, where passwords come from, and what signs the audit."""


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


def record(command: Command) -> Command:
    """Add ``--record`` of one row."""
    return click.option(
        "--record", "record_no", required=True, type=click.IntRange(min=1), metavar="N", help="Row of the order."
    )(command)


def report(command: Command) -> Command:
    """Add ``--report``."""
    return click.option(
        "--report",
        "report_dir",
        type=click.Path(file_okay=False, path_type=Path),
        metavar="DIR",
        help="Write report.html, junit.xml, results.jsonl and results.csv there; of a batch also report.pdf.",
    )(command)


def operator(command: Command) -> Command:
    """Add ``--operator``, which the command gets, and ``--login-fd`` for :func:`cardkit.cli.people.opened`."""
    return _login_fd(_operator(command))


def store(command: Command) -> Command:
    """Add ``--store`` and ``--operator``, which the command gets; ``--by``, ``--login-fd`` and ``--audit-keys`` are for
    :func:`cardkit.cli.people.opened`.
    """
    for option in (
        click.option(
            "--audit-keys",
            metavar="URL",
            expose_value=False,
            callback=_kept(AUDIT_KEYS),
            help="Key store of the key that signs the audit, where that is not the store's own.",
        ),
        _login_fd,
        click.option(
            "--by",
            multiple=True,
            metavar="NAME",
            expose_value=False,
            callback=_kept(BY),
            help="Who else answers for this step; may be given several times.",
        ),
        _operator,
        click.option(
            "--store",
            "store_url",
            default="sqlite:///cardkit.db",
            show_default=True,
            metavar="URL",
            help="The plant's store: sqlite:///FILE, or postgresql://USER@HOST/DATABASE?files=DIR (DIR: its key file).",
        ),
    ):
        command = option(command)
    return command


def _login_fd(command: Command) -> Command:
    return click.option(
        "--login-fd",
        type=click.IntRange(min=0),
        metavar="N",
        expose_value=False,
        callback=_kept(LOGIN_FD),
        help="Read people's passwords from this file descriptor, a line each: operator, then --by.",
    )(command)


def _operator(command: Command) -> Command:
    return click.option(
        "--operator", default=getpass.getuser, show_default="login name", help="Who answers for this step."
    )(command)


def _kept(key: str) -> Callable[[click.Context, click.Parameter, object], None]:
    def keep(context: click.Context, parameter: click.Parameter, value: object) -> None:  # noqa: ARG001 - click's
        context.meta[key] = value

    return keep

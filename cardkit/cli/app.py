"""The root command: loads a verb when it is called, and turns every error into one line and an exit code."""

from __future__ import annotations

import importlib
import os
import sys
from importlib.metadata import version

import click

from cardkit.errors import CardkitError

VERBS = {
    "apdu": "cardkit.cli.card",
    "batch": "cardkit.cli.batch",
    "demo": "cardkit.cli.demo",
    "diff": "cardkit.cli.diff",
    "doctor": "cardkit.cli.doctor",
    "dump": "cardkit.cli.card",
    "explain": "cardkit.cli.explain",
    "info": "cardkit.cli.card",
    "personalize": "cardkit.cli.personalize",
    "plan": "cardkit.cli.plan",
    "profile": "cardkit.cli.profile",
    "readers": "cardkit.cli.readers",
    "verify": "cardkit.cli.verify",
    "virtual": "cardkit.cli.virtual",
}
EXIT_INTERRUPTED = 130


class LazyGroup(click.Group):
    """A group whose verbs are imported one at a time: the module in VERBS holds a command of that name."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - click's signature
        """Return the names of all verbs."""
        return sorted(VERBS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002 - click's signature
        """Import the module of one verb."""
        if cmd_name not in VERBS:
            return None
        command = getattr(importlib.import_module(VERBS[cmd_name]), cmd_name)
        if not isinstance(command, click.Command):
            raise TypeError(f"{VERBS[cmd_name]}.{cmd_name} is not a command")
        return command


@click.group(cls=LazyGroup, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110})
@click.version_option(version("cardkit"), prog_name="cardkit")
def cardkit() -> None:
    """Personalize and verify smart cards from versioned profiles, on PC/SC readers or virtual cards.

    A reader is pcsc:INDEX, pcsc:NAME, virtual:IMAGE, virtual:IMAGE*N, virtual:IMAGE@DIR, replay:FILE or meter:IMAGE.

    Exit codes: 0 done, 1 card failed, 2 usage, 3 no reader or card, 4 bad profile or data, 5 security stop, 130
    interrupted.
    """


def main() -> None:
    """Run the command line; never returns."""
    sys.exit(run())


def run(arguments: list[str] | None = None) -> int:
    """Run one command.

    :param arguments: words after ``cardkit``; those of the process if None.
    :returns: the exit code.
    """
    try:
        code = cardkit.main(arguments, standalone_mode=False)
    except CardkitError as error:
        click.echo(f"error: {error}", err=True)
        return error.exit_code
    except click.ClickException as error:
        error.show()
        return error.exit_code
    except (click.Abort, KeyboardInterrupt):
        click.echo("interrupted", err=True)
        return EXIT_INTERRUPTED
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except OSError as error:
        where = f"{error.filename}: " if error.filename else ""
        click.echo(f"error: {where}{error.strerror or error}", err=True)
        return 4
    return code if isinstance(code, int) else 0

"""The root command: loads a verb when it is called, and turns every error into one line and an exit code."""

from __future__ import annotations

import importlib
import os
import sys
from collections.abc import Mapping
from importlib.metadata import version
from typing import Any

import click

from cardkit.errors import CardkitError

# Module and one line of help of each verb, so that `cardkit -h` imports none of them.
VERBS = {
    "apdu": ("card", "Send APDUs as they are and explain the answers."),
    "approve": ("approve", "Approve profiles, orders and batches: two people, one content."),
    "audit": ("audit", "Show, export and verify the audit."),
    "batch": ("batch", "Import an order, make its cards, check and close the batch."),
    "check": ("check", "Apply every rule to a card or a dump, without a profile."),
    "demo": ("demo", "Make 50 test USIMs on virtual readers."),
    "diff": ("diff", "Compare two cards, two dumps, or one of each."),
    "doctor": ("doctor", "Check what works on this station and what is missing."),
    "doubt": ("doubt", "Bring cards in doubt to an end; scrap, re-make, recall, cancel."),
    "dump": ("card", "Read and decode everything that may be read without a key."),
    "explain": ("explain", "Say what a status word, an APDU or an ATR means."),
    "gp": ("gp", "Look at and manage GlobalPlatform cards: domains, applications, keys."),
    "id": ("id:id_group", "Prepare and read travel documents and identity cards; make their test PKI."),
    "info": ("card", "Say what card this is."),
    "jobs": ("jobs", "Queue imports, data preparation and reports, and do them on any machine."),
    "keys": ("keys", "Keep keys in an encrypted file or on a PKCS#11 token."),
    "order": ("orders", "Keep customers' orders: create, approve, watch, close; write their files."),
    "ota": ("ota", "Pack, send and read secured packets: commands over the air."),
    "payment": ("payment", "Prepare, try and judge payment cards (EMV)."),
    "personalize": ("personalize", "Make one card from one record of an order."),
    "plan": ("plan", "Show what would be done to a card, and what it costs."),
    "profile": ("profile", "Check, show and compare profiles."),
    "purge": ("purge", "Destroy the data of a closed batch for good."),
    "readers": ("readers", "List the PC/SC readers and what lies in them."),
    "retention": ("retention", "List data that is kept too long; say how long it may be."),
    "roles": ("users", "Say what roles there are, and whom each step needs."),
    "saip": ("saip", "Show, fill and compile profile packages of eUICCs."),
    "sim": ("sim", "Run a plant on virtual cards while things go wrong."),
    "station": ("station", "Run a station for a shift, by hand or behind a handler."),
    "trace": ("trace", "Verify a finished card and write every command and answer down."),
    "transit": ("transit", "Look at transport cards: applications, files, rights in words."),
    "users": ("users", "Keep the accounts of a store."),
    "verify": ("verify", "Verify finished cards against their order."),
    "virtual": ("virtual", "List virtual cards, or serve one to the PC/SC stack."),
}
EXIT_INTERRUPTED = 130


class LazyGroup(click.Group):
    """A group whose verbs are imported one at a time.

    :param verbs: by name: module of ``cardkit.cli``, its command's name behind a colon where it is not the verb's
        (``set-state`` is ``set_state``), and one line of help.
    """

    def __init__(self, *, verbs: Mapping[str, tuple[str, str]], **attributes: Any) -> None:
        super().__init__(**attributes)
        self.verbs = verbs

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - click's signature
        """Return the names of all verbs."""
        return sorted(self.verbs)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002 - click's signature
        """Import the module of one verb."""
        if cmd_name not in self.verbs:
            return None
        module, _, attribute = self.verbs[cmd_name][0].partition(":")
        loaded = importlib.import_module(f"cardkit.cli.{module}")
        command: click.Command = getattr(loaded, attribute or cmd_name.replace("-", "_"))
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002
        """List the verbs without importing them."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, text) for name, (_, text) in sorted(self.verbs.items())])


def _bill(context: click.Context, parameter: click.Parameter, asked: bool) -> None:  # noqa: ARG001 - click's
    if asked and not context.resilient_parsing:
        software = importlib.import_module("cardkit.production.evidence.software")
        click.echo(importlib.import_module("cardkit.production.canonical").canonical(software.bill_of_materials()))
        context.exit()


@click.group(
    cls=LazyGroup,
    verbs=VERBS,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110},
)
@click.version_option(version("cardkit"), prog_name="cardkit", is_eager=False)
@click.option(
    "--sbom", is_flag=True, is_eager=True, expose_value=False, callback=_bill,
    help="Print the software with all it stands on (CycloneDX, JSON) and exit.",
)  # fmt: skip
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

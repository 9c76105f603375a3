"""What the verbs that change a card share: options, the session, the plan that is shown before anything is sent."""

from __future__ import annotations

import functools
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import click

from cardkit.apps.gp.aids import checked_aid
from cardkit.apps.gp.client import SecurityDomain
from cardkit.apps.gp.domain_content import Delegation
from cardkit.apps.gp.tokens import Confirmation
from cardkit.channel import Channel
from cardkit.cli import gp_session, keys_option, options
from cardkit.cli.gp_scp11 import Certificates, scp11_options
from cardkit.cli.gp_session import Access
from cardkit.cli.hexadecimal import from_hex
from cardkit.cli.render import print_json, say
from cardkit.crypto import KeyStore
from cardkit.crypto.cardkeys import parse_key_set
from cardkit.errors import CardFaultError, EncodingError, TransportError
from cardkit.secure.levels import SecurityLevel
from cardkit.target import Scheme, open_card, parse_one

Document = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Task:
    """One change of one card as the options describe it.

    :param access: the security domain and the session with it.  :param yes: go ahead without asking.
    :param irreversible: what cannot be taken back may be done.
    """

    reader: str
    access: Access
    yes: bool
    irreversible: bool
    as_json: bool

    @property
    def live(self) -> bool:
        """Whether there is a real card in the reader."""
        return parse_one(self.reader).scheme is Scheme.PCSC

    @contextmanager
    def opened(self) -> Iterator[tuple[Channel, SecurityDomain]]:
        """Open a session with the domain; it ends with the block."""
        access = self.access
        with open_card(self.reader) as card:
            domain = gp_session.select(card.channel, access)
            gp_session.open_session(domain, access)
            try:
                yield card.channel, domain
            except (CardFaultError, TransportError):
                say("warning: whether the card did the last command is not known: look with cardkit gp list first")
                raise
            finally:
                domain.close()

    def confirm(self, steps: Sequence[str], dangers: Sequence[str] = ()) -> None:
        """Show the plan and ask; where nobody can be asked, refuse. Nothing was written before.

        :param steps: what will be done, in order.  :param dangers: what of it cannot be taken back.
        :raises click.UsageError: without a terminal or `--yes`, and on dangers without `--irreversible`.
        :raises click.Abort: when the answer is no.
        """
        confirm(self.reader, steps, dangers, yes=self.yes, irreversible=self.irreversible)

    def report(self, document: Mapping[str, Any], text: str) -> None:
        """Print what was done: one JSON document, or one line."""
        if self.as_json:
            print_json({"reader": self.reader, **document})
        else:
            click.echo(text)


def confirm(
    reader: str, steps: Sequence[str], dangers: Sequence[str] = (), *, yes: bool, irreversible: bool = False
) -> None:
    """Show a plan and ask; as :meth:`Task.confirm`."""
    say(f"plan for the card in {reader}:")
    for number, step in enumerate(steps, 1):
        say(f"  {number}. {step}")
    for danger in dangers:
        say(f"  irreversible or dangerous: {danger}")
    if dangers and not irreversible:
        raise click.UsageError("nothing written: what cannot be taken back needs --irreversible")
    if yes:
        return
    if not sys.stdin.isatty():
        raise click.UsageError("nothing written: no terminal to ask at, expected --yes")
    click.confirm(f"write this to the card in {reader}?", abort=True, err=True)


def task(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add the options of a verb that changes a card; it gets them as one argument ``task``."""

    @options.reader
    @click.option(
        "--domain", metavar="HEX", help="AID of the security domain that does it; by default that of the issuer."
    )
    @click.option(
        "--key-set",
        metavar="KVN=REF",
        help="Keys of the session, such as 30=plant:kmc/kdf3; by default published keys that fit.",
    )
    @click.option("--level", metavar="HEX", help="Security level: 01, 03, 13, 33 ...; by default the strongest.")
    @click.option("--scp", metavar="NN:II", help="Protocol and its option i, such as 03:70; by default the card's.")
    @click.option("--yes", is_flag=True, help="Write without asking; without it the plan is shown first.")
    @click.option("--irreversible", is_flag=True, help="Do what cannot be taken back; the plan lists it.")
    @options.as_json
    @scp11_options
    @keys_option.keystore
    @functools.wraps(command)
    def collected(
        *arguments: Any,
        keystore: KeyStore,
        reader: str,
        domain: str | None,
        key_set: str | None,
        level: str | None,
        scp: str | None,
        yes: bool,
        irreversible: bool,
        as_json: bool,
        certificates: Certificates | None,
        **others: Any,
    ) -> Any:
        access = Access(
            keystore,
            None if domain is None else aid_from(domain, "--domain"),
            None if key_set is None else parse_key_set(key_set),
            None if level is None else gp_session.parse_level(level),
            None if scp is None else gp_session.parse_protocol(scp),
            certificates,
        )
        if access.level is not None and SecurityLevel.C_MAC not in access.level:
            raise click.UsageError(f"--level {level}: a card is changed under a MAC only, expected 01 or more")
        return command(*arguments, task=Task(reader, access, yes, irreversible, as_json), **others)

    return collected


def delegated(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add ``--token-key`` and ``--receipt-key``; the command gets a :class:`Delegation` or None as ``delegation``."""

    @click.option("--token-key", default="", metavar="REF", help="Sign with this token key (delegated management).")
    @click.option("--receipt-key", default="", metavar="REF", help="Expect a receipt and check it with this key.")
    @click.option("--receipt-after", type=int, metavar="N", help="Counter of the card's last receipt.")
    @functools.wraps(command)
    def collected(
        *arguments: Any, token_key: str, receipt_key: str, receipt_after: int | None, task: Task, **others: Any
    ) -> Any:
        named = Delegation(task.access.keystore, token_key, receipt_key, receipt_after)
        found = named if token_key or receipt_key else None
        return command(*arguments, task=task, delegation=found, **others)

    return collected


def aid_from(text: str, what: str = "AID") -> bytes:
    """Read an AID as people type it.  :raises EncodingError: when it is none."""
    return checked_aid(from_hex(text), what)


def byte_from(text: str, what: str) -> int:
    """Read a byte in hex: a key version, an identifier, a state.

    :raises EncodingError: when it is none.
    """
    try:
        (number,) = from_hex(text)
    except ValueError:
        raise EncodingError(f"{what} {text}: expected one byte in hexadecimal") from None
    return number


def receipt_document(receipt: Confirmation | None) -> Document:
    """Return a checked receipt as ``--json`` shows it, for the evidence."""
    if receipt is None:
        return {}
    return {"receipt": {"counter": receipt.counter, "confirmation": receipt.build().hex().upper()}}

"""``cardkit payment transaction``: a terminal that takes a card through a whole transaction and explains it."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from datetime import UTC, date, datetime, time
from pathlib import Path
from typing import Any

import click

from cardkit.apps.emv.aids import aid_name
from cardkit.apps.emv.bits import words
from cardkit.apps.emv.terminal.run import Result, run_transaction
from cardkit.apps.emv.terminal.settings import Purchase, Settings, TerminalType, TransactionType
from cardkit.apps.emv.terminal.transaction import Mark, Surroundings, Transaction
from cardkit.apps.emv.values import masked_digits, pan_of
from cardkit.apps.gp.aids import checked_aid
from cardkit.cli import options
from cardkit.cli.card import identity
from cardkit.cli.hexadecimal import from_hex
from cardkit.cli.keys_option import profile_keys
from cardkit.cli.payment_issuer import IssuerChoice, open_issuer
from cardkit.cli.payment_scripts import HELP, script_commands
from cardkit.cli.render import facts, print_json
from cardkit.cli.secrets_input import source
from cardkit.crypto import Secret
from cardkit.target import open_card

Document = dict[str, Any]
_TYPES = {kind.name.lower(): kind for kind in TransactionType}
_MARKS = {Mark.DONE: " ", Mark.NOTE: "-", Mark.PROBLEM: "!"}
_FAILED = 1
_COUNTRY = click.IntRange(1, 999)
_RESULT_TAGS = {"tvr": b"\x95", "tsi": b"\x9b", "cvm_results": b"\x9f\x34"}


def purchase_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add what is bought, and how the terminal is."""
    for option in reversed((
        click.option("--amount", type=click.IntRange(min=0), default=1000, show_default=True,
                     help="In the smallest unit of the currency, cashback included."),
        click.option("--other", type=click.IntRange(min=0), default=0, help="The cashback part of the amount."),
        click.option("--type", "kind", type=click.Choice(list(_TYPES)), default="goods", show_default=True,
                     help="What is done; cash is paid out by an ATM."),
        click.option("--currency", type=_COUNTRY, default=860, show_default=True, help="ISO 4217 number."),
        click.option("--exponent", type=click.IntRange(0, 4), default=2, help="Digits behind the decimal point."),
        click.option("--country", type=_COUNTRY, default=860, show_default=True, help="ISO 3166 number."),
        click.option("--date", "day", metavar="YYYY-MM-DD", type=click.DateTime(["%Y-%m-%d"]),
                     help="Day of the transaction; today by default."),
        click.option("--contactless", is_flag=True, help="By 2PAY.SYS.DDF01, as a contactless terminal."),
        click.option("--aid", "aids", multiple=True, metavar="HEX",
                     help="Take this application only; may be given several times."),
        click.option("--floor-limit", type=click.IntRange(min=0), default=0, show_default=True,
                     help="Smaller amounts need no issuer."),
        click.option("--cvm-limit", type=click.IntRange(min=0), default=5000, show_default=True,
                     help="Contactless: smaller amounts need no cardholder verification."),
        click.option("--online", "force_online", is_flag=True, help="The merchant wants the issuer asked."),
        click.option("--offline", is_flag=True, help="The line to the issuer is down."),
        click.option("--pin/--no-pin", "ask_pin", help="Ask for the PIN, once; see also --passphrase-fd."),
    )):  # fmt: skip
        command = option(command)
    return command


def issuer_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add who answers for the issuer."""
    for option in reversed((
        click.option("--profile", default="", metavar="PROFILE",
                     help="Issuer master keys and CA keys are those of this profile."),
        click.option("--capk", multiple=True, type=click.Path(path_type=Path), metavar="FILE",
                     help="CA public keys of the terminal, a list in TOML."),
        click.option("--answer", default="", metavar="CODE",
                     help="The issuer answers this: 00, 05. Without --profile it looks at no cryptogram."),
        click.option("--script", "scripts", multiple=True, metavar="COMMAND", help=HELP),
        click.option("--yes", is_flag=True, help="Send scripts."),
        profile_keys,
    )):  # fmt: skip
        command = option(command)
    return command


@click.command("transaction")
@options.reader
@purchase_options
@issuer_options
@options.as_json
def transaction_command(reader: str, descriptor: int | None, ask_pin: bool, as_json: bool, **given: Any) -> int:
    """Take a card through a whole transaction, as a terminal does, and explain every step.

    Selection, GPO, records, offline data authentication, restrictions, cardholder verification, risk management, first
    GENERATE AC, the issuer, scripts, second GENERATE AC. The card's transaction counter rises. Ends with 0 when the
    transaction is approved.
    """
    if given["scripts"] and not given["yes"]:
        raise click.UsageError("scripts change the card, some for good: expected --yes")
    pin = source(descriptor).secret("PIN of the card") if ask_pin else None
    scripts = script_commands(given["scripts"], lambda what: source(descriptor).twice(what))
    choice = IssuerChoice(given["profile"], given["keys_url"], given["capk"], given["answer"], descriptor, scripts)
    with ExitStack() as stack:
        host, capks = open_issuer(choice, stack)
        around = Surroundings(
            _settings(given), _purchase(given, pin), capks, secrets.token_bytes, host,
            online=not given["offline"], contactless=given["contactless"],
        )  # fmt: skip
        card = stack.enter_context(open_card(reader))
        head = identity(card)
        result = run_transaction(card.channel, around)
    if as_json:
        print_json({**head, **document(result)})
    else:
        _show(result)
    return 0 if result.outcome.approved else _FAILED


def _settings(given: Document) -> Settings:
    return Settings(
        applications=tuple(checked_aid(from_hex(text)) for text in given["aids"]),
        country=given["country"],
        currency=given["currency"],
        exponent=given["exponent"],
        type=TerminalType.BANK_UNATTENDED if given["kind"] == "cash" else TerminalType.MERCHANT_ATTENDED,
        floor_limit=given["floor_limit"],
        cvm_limit=given["cvm_limit"],
        force_online=given["force_online"],
    )


def _purchase(given: Document, pin: Secret | None) -> Purchase:
    now = datetime.now(UTC).astimezone()
    day: date = given["day"].date() if given["day"] else now.date()
    moment = datetime.combine(day, time(now.hour, now.minute, now.second), now.tzinfo)
    return Purchase(given["amount"], moment, given["other"], _TYPES[given["kind"]], pin)


def document(result: Result) -> Document:
    """Return a transaction as plain values; what is the cardholder's is masked."""
    transaction = result.transaction
    return {
        "outcome": str(result.outcome),
        "error": str(result.error) if result.error else None,
        "interface": "contactless" if transaction.around.contactless else "contact",
        "aid": transaction.aid.hex().upper(),
        "application": aid_name(transaction.aid),
        "pan": masked_digits(pan_of(transaction.card_data)),
        "atc": transaction.first.atc if transaction.first else None,
        "offline_data_authentication": str(transaction.method),
        "first_cryptogram": transaction.first.kind.name if transaction.first else None,
        "second_cryptogram": transaction.second.kind.name if transaction.second else None,
        **{name: _value(transaction, tag) for name, tag in _RESULT_TAGS.items()},
        "steps": [
            {"phase": line.phase, "mark": str(line.mark), "text": line.text.strip(), "clause": line.clause}
            for line in result.lines
        ],
    }


def _value(transaction: Transaction, tag: bytes) -> Document | None:
    value = transaction.data.get(tag)
    if value is None:
        return None
    return {"value": value.hex().upper(), "words": [str(word) for word in words(tag, value)]}


def _show(result: Result) -> None:
    phase = ""
    for line in result.lines:
        if line.phase != phase:
            phase = line.phase
            click.echo(f"\n{phase}" if phase != result.lines[0].phase else phase)
        clause = f"  [{line.clause}]" if line.clause else ""
        click.echo(f"  {_MARKS[line.mark]} {line.text}{clause}")
    click.echo()
    facts(_summary(document(result)))


def _summary(done: Document) -> Iterator[tuple[str, object]]:
    yield "outcome", done["outcome"]
    for name in ("aid", "application", "pan", "atc", "first_cryptogram", "second_cryptogram"):
        if done[name]:
            yield name.replace("_", " "), done[name]
    for name in _RESULT_TAGS:
        if done[name]:
            yield name.replace("_", " "), f"{done[name]['value']}  {'; '.join(done[name]['words'])}".rstrip()

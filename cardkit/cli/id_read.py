"""``cardkit id read``: read and check a travel document as a border does."""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import click

from cardkit.apps.emrtd.mrz import Mrz, mrz_information
from cardkit.apps.emrtd.pace import Password, PasswordKind
from cardkit.apps.emrtd.terminal.probing import probe
from cardkit.apps.emrtd.terminal.reader import WHOLE, inspect
from cardkit.apps.emrtd.terminal.reading import Request
from cardkit.apps.emrtd.terminal_auth import Terminal
from cardkit.apps.pki.cvc import CvCertificate
from cardkit.apps.pki.signing import SigningKey
from cardkit.apps.pki.trust import TrustStore
from cardkit.cli import options
from cardkit.cli.card import identity
from cardkit.cli.id_pki_folder import moment_of
from cardkit.cli.id_report import document, write_out
from cardkit.cli.keys_option import URL_HELP, open_keystore
from cardkit.cli.render import facts, print_json, table
from cardkit.cli.secrets_input import source
from cardkit.crypto import Secret
from cardkit.crypto.management import utc_now
from cardkit.errors import EncodingError
from cardkit.target import open_card

_ASK = ""
_FAILED = 1
_OF_A_PKI = (".json", ".cvcert")  # what the folder of cardkit id pki holds besides
_MOST_TRUSTED_BYTES = 64 << 20  # the master list of a big state has 1 MB
_KINDS = {"mrz": PasswordKind.MRZ, "can": PasswordKind.CAN, "pin": PasswordKind.PIN, "puk": PasswordKind.PUK}


def password_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add the passwords; those that are printed may be written here, the others are asked for."""
    for option in reversed((
        click.option("--mrz", is_flag=False, flag_value=_ASK, metavar="MRZ",
                     help="All lines, or NUMBER,YYMMDD,YYMMDD (birth, expiry); without a value it is asked for."),
        click.option("--can", is_flag=False, flag_value=_ASK, metavar="CAN",
                     help="Card access number; without a value it is asked for."),
        click.option("--pin", is_flag=True, help="By PIN, which is asked for."),
        click.option("--puk", is_flag=True, help="By PUK, which is asked for."),
        click.option("--passphrase-fd", "descriptor", type=click.IntRange(min=0), metavar="N",
                     help="Read what is asked for from this file descriptor, a line each."),
    )):  # fmt: skip
        command = option(command)
    return command


def terminal_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add what terminal authentication needs."""
    for option in reversed((
        click.option("--certificate", "certificates", multiple=True, type=click.Path(path_type=Path), metavar="FILE",
                     help="Card verifiable certificates, the terminal's own last: opens fingers and irises."),
        click.option("--terminal-key", default="", metavar="REF", help="Private key of the last certificate."),
        click.option("--authority-key", default="", metavar="REF",
                     help="With --probe, for chips of a test authority: its private key; what it signs out of date "
                     "or place the chip must refuse (EMRTD-035)."),
        click.option("--keys", "keys_url", default="test", show_default=True, metavar="URL", help=URL_HELP),
    )):  # fmt: skip
        command = option(command)
    return command


@click.command("read")
@options.reader
@password_options
@click.option("--trust", type=click.Path(path_type=Path, file_okay=False, exists=True), metavar="DIR",
              help="CSCA certificates, CRLs and master lists; without it nobody is trusted.")  # fmt: skip
@terminal_options
@click.option("--probe", "probing", is_flag=True,
              help="Try what a chip must refuse, too: some hundred commands, none of which changes it.")  # fmt: skip
@click.option("--window", type=click.IntRange(min=1), metavar="MS",
              help="The longest the whole reading may take, in milliseconds; more is said (EMRTD-095).")  # fmt: skip
@click.option("--at", metavar="TIME", help="Time of the inspection, ISO 8601; by default now.")
@click.option("--out", type=click.Path(path_type=Path, file_okay=False), metavar="DIR",
              help="Write report.html with the face, and every file, there.")  # fmt: skip
@options.as_json
def read_command(reader: str, as_json: bool, **given: Any) -> int:
    """Read a travel document as a border does: PACE or BAC, chip, active and terminal authentication, signatures.

    Ends with 0 when no rule is broken; what could not be checked is said.
    """
    passwords, printed = _passwords(given)
    if bool(given["certificates"]) != bool(given["terminal_key"]):
        raise click.UsageError("terminal authentication: expected --certificate and --terminal-key together")
    if given["authority_key"] and not (given["certificates"] and given["probing"]):
        raise click.UsageError("--authority-key: expected --probe, --certificate and --terminal-key with it")
    with ExitStack() as stack:
        terminal = _terminal(given, stack) if given["certificates"] else None
        trust = _trust(given["trust"])
        at, clock = moment_of(given["at"], utc_now()), time.perf_counter
        request = Request(passwords, trust, at, secrets.token_bytes, terminal, printed, clock, given["window"])
        card = stack.enter_context(open_card(reader))
        head = identity(card)
        card.reset()  # a document begins anew, whatever another program had left selected
        reading = inspect(card.channel, request)
        if given["probing"]:
            probe(card.channel, request, reading)
    when = at.isoformat(timespec="seconds")
    shown = {**head, "at": when, **document(reading, at.date()), "trust": list(trust.troubles)}
    if given["out"]:
        write_out(given["out"], reading, shown)
    if as_json:
        print_json(shown)
    else:
        _show(shown)
    return 0 if reading.genuine else _FAILED


def _passwords(given: dict[str, Any]) -> tuple[tuple[Password, ...], Secret | None]:
    """Return the passwords in the order of the options, what was not written asked for, and the whole zone if typed."""
    found: list[Password] = []
    printed = None
    for name, kind in _KINDS.items():
        value = given[name]
        if value is None or value is False:
            continue
        if isinstance(value, str) and value:
            secret = Secret(value.encode(), name.upper())
        else:
            secret = source(given["descriptor"]).secret(name.upper())
        if kind is PasswordKind.MRZ:
            secret, printed = _zone(secret)
        else:
            _check_digits(secret)
        found.append(Password(kind, secret))
    if not found:
        raise click.UsageError("expected --mrz or --can")
    return tuple(found), printed


def _terminal(given: dict[str, Any], stack: ExitStack) -> Terminal:
    store = stack.enter_context(open_keystore(given["keys_url"], given["descriptor"]))
    certificates = tuple(CvCertificate.parse(path.read_bytes()) for path in given["certificates"])
    authority = SigningKey(store, given["authority_key"]) if given["authority_key"] else None
    return Terminal(certificates, SigningKey(store, given["terminal_key"]), authority)


def _trust(folder: Path | None) -> TrustStore:
    """Read whom to trust; files that are too big to be certificates are not read."""
    if folder is None:
        return TrustStore()
    paths = sorted(path for path in folder.rglob("*") if path.is_file() and path.suffix not in _OF_A_PKI)
    total = sum(path.stat().st_size for path in paths)
    if total > _MOST_TRUSTED_BYTES:
        raise EncodingError(f"{folder}: {total:,} bytes, expected {_MOST_TRUSTED_BYTES:,} at most")
    return TrustStore.of((path.name, path.read_bytes()) for path in paths)


def _show(shown: dict[str, Any]) -> None:
    facts(_lines(shown))
    click.echo()
    table(("protocol", "result", "with"), [(step["name"], step["mark"], step["text"]) for step in shown["steps"]])
    click.echo()
    if not shown["findings"]:
        click.echo("no rule is broken")
        return
    rows = [(one["rule"], one["severity"], one["where"], one["expected"], one["actual"]) for one in shown["findings"]]
    table(("rule", "sev", "where", "expected", "actual"), rows)


def _lines(shown: dict[str, Any]) -> Iterator[tuple[str, object]]:
    yield "verdict", shown["verdict"]
    if shown["reason"]:
        yield "why", shown["reason"]
    for name, value in shown["holder"].items():
        yield name.replace("_", " "), value
    yield "files", " ".join(shown["files"])
    if shown["signer"]:
        yield "signer", shown["signer"]
    whole = shown["costs"][WHOLE]
    yield "took", f"{whole['ms']} ms, {whole['commands']} commands"
    for trouble in shown["trust"]:
        yield "trust", trouble


def _zone(text: Secret) -> tuple[Secret, Secret | None]:
    """Return the MRZ information of what was typed, and the zone where all of it was.

    :raises EncodingError: where it is neither a zone nor a number and two dates, or a check digit is wrong.
    """
    with text.reveal() as typed:
        written = typed.decode("utf-8", "replace").strip().upper()
    parts = [part.strip() for part in written.split(",")]
    if len(parts) == 3:
        if not all(map(_is_day, parts[1:])):
            raise EncodingError("--mrz: expected dates of birth and expiry as YYMMDD")
        return Secret(mrz_information(*parts).encode("ascii"), "MRZ"), None
    try:
        zone = Mrz.parse(written).checked()
    except EncodingError as error:
        raise EncodingError(f"--mrz: {error}; expected the zone, or NUMBER,YYMMDD,YYMMDD") from None
    return Secret(zone.information.encode("ascii"), "MRZ"), Secret(zone.text.encode("ascii"), "MRZ")


def _is_day(text: str) -> bool:
    """Whether a date is one of a zone: YYMMDD, unknown parts 00 or filled. 9303-3 4.8"""
    if len(text) != 6:
        return False
    parts = (text[:2], text[2:4], text[4:])
    return all(
        part == "<<" or (part.isdecimal() and int(part) <= most) for part, most in zip(parts, (99, 12, 31), strict=True)
    )


def _check_digits(value: Secret) -> None:
    with value.reveal() as typed:
        if not typed.isdigit():
            raise EncodingError(f"{value.name}: {len(typed)} characters, expected digits")

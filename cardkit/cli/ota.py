"""``cardkit ota``: commands for a card in secured packets, over the air or through a reader as if they came so."""

from __future__ import annotations

import functools
import secrets
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click
import msgspec

from cardkit.apdu import CommandAPDU
from cardkit.apps.uicc.cat import Terminal
from cardkit.apps.uicc.ota import probing
from cardkit.apps.uicc.ota.judging import judge
from cardkit.apps.uicc.ota.rfm import MF, Script, plan_scripts
from cardkit.apps.uicc.ota.scripting import Coding
from cardkit.apps.uicc.ota.sending import STATION, Postman
from cardkit.apps.uicc.ota.sms import (
    MOST_PACKET,
    Address,
    carries_response,
    command_messages,
    command_packet,
    deliver,
    response_data,
    user_data_of,
)
from cardkit.cli import keys_option, options
from cardkit.cli.cardreport import finding_documents, show_findings
from cardkit.cli.hexadecimal import from_hex
from cardkit.cli.order import open_job
from cardkit.cli.render import facts, print_json, say
from cardkit.crypto.cardkeys import parse_key_set
from cardkit.crypto.ota import OtaKeyStore
from cardkit.desired import Finding
from cardkit.errors import EncodingError
from cardkit.perso import plan, prepare
from cardkit.secure.counter import Counter
from cardkit.secure.por import ProofOfReceipt
from cardkit.secure.scp80 import CommandPacket, PacketTerms, Scp80, terms_for
from cardkit.secure.spi import CounterMode, Spi
from cardkit.target import open_card

Document = dict[str, Any]
_MESSAGE_TYPES = (0x40, 0x41)
_TYPE_AND_HEADER = 0x43
_LENGTH_BYTES = 2


@dataclass(frozen=True, slots=True)
class Air:
    """What the options say of packets.

    :param tars: by the directory their scripts begin in; ``MF`` where none is named.
    :param counter: of the first packet; None where there is none to say.
    """

    scp80: Scp80
    tars: dict[str, bytes]
    counter: Counter
    coding: Coding
    sender: Address

    def packets(self, scripts: Sequence[Script]) -> Iterator[tuple[Script, Counter]]:
        """Return scripts with their counters."""
        mode = self.scp80.terms.spi.counter
        counter = Counter(0) if mode is CounterMode.NONE else self.counter
        for number, script in enumerate(scripts):
            counter = counter.following(mode) if number else counter
            yield script, counter


def _terms_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add the options that say how packets are protected; the command gets ``scp80``."""

    @click.option(
        "--key-set", metavar="KVN=REF", help="KIc and KID: 01=plant:kic,plant:kid,plant:kik, or 01=plant:ota/kdf3."
    )
    @click.option("--diversify", metavar="HEX", default="", help="What the card's keys are derived with.")
    @click.option("--spi", default="1619", show_default=True, metavar="HEX", help="Protection of packet and answer.")
    @click.option(
        "--checksum-bytes", type=click.Choice(["4", "8"]), default="8", show_default=True, help="Of a checksum by AES."
    )
    @keys_option.keystore
    @functools.wraps(command)
    def collected(
        *arguments: Any,
        keystore: OtaKeyStore,
        key_set: str | None,
        diversify: str,
        spi: str,
        checksum_bytes: str,
        **others: Any,
    ) -> Any:
        keys = None if key_set is None else parse_key_set(key_set).for_card(from_hex(diversify))
        terms = terms_for(keystore, keys, Spi.parse(from_hex(spi)), checksum_size=int(checksum_bytes))
        return command(*arguments, scp80=Scp80(keystore, keys, terms), **others)

    return collected


def _packing(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add the options that say what is packed; the command gets ``air`` and ``scripts``."""

    @click.argument("commands", nargs=-1, metavar="[HEX]...")
    @click.option(
        "--tar", "tars", multiple=True, required=True, metavar="[PLACE=]HEX", help="B00011; ADF.USIM=B00011 for a plan."
    )
    @click.option("--counter", type=click.IntRange(min=0), required=True, metavar="N", help="Of the first packet.")
    @click.option(
        "--coding",
        type=click.Choice([coding.value for coding in Coding]),
        default=Coding.COMPACT.value,
        show_default=True,
        help="How scripts are written.",
    )
    @click.option("--sender", default=STATION.digits, show_default=True, metavar="DIGITS", help="Of the messages.")
    @click.option("--plan", "profile", metavar="PROFILE", help="Send what this profile writes, not HEX.")
    @click.option("--order", type=click.Path(path_type=Path), metavar="FILE", help="Its order.")
    @click.option("--record", type=click.IntRange(min=1), metavar="N", help="Row of the order.")
    @_terms_options
    @functools.wraps(command)
    def collected(
        *arguments: Any,
        scp80: Scp80,
        commands: tuple[str, ...],
        tars: tuple[str, ...],
        counter: int,
        coding: str,
        sender: str,
        profile: str | None,
        order: Path | None,
        record: int | None,
        **others: Any,
    ) -> Any:
        air = Air(scp80, _tars(tars), Counter(counter), Coding(coding), Address(sender))
        if profile is None:
            scripts = _typed(air, commands)
        elif order is None or record is None or commands:
            raise click.UsageError("--plan takes --order and --record, and no HEX")
        else:
            scripts = _planned(air, profile, order, record)
        return command(*arguments, air=air, scripts=scripts, **others)

    return collected


def _tars(texts: Sequence[str]) -> dict[str, bytes]:
    pairs = [text.rpartition("=") for text in texts]
    return {place or MF: from_hex(tar) for place, _, tar in pairs}


def _typed(air: Air, texts: Sequence[str]) -> list[Script]:
    """Return commands as they were typed, in one packet: a script cannot rely on another's selections."""
    if not texts or len(air.tars) != 1:
        raise click.UsageError("expected commands as HEX and one --tar, or --plan")
    (tar,) = air.tars.values()
    return [Script(tar, tuple(CommandAPDU.parse(from_hex(text)) for text in texts), (), air.coding)]


def _planned(air: Air, profile: str, order: Path, record_no: int) -> list[Script]:
    """Return the scripts of one card's plan, and say which of its states they leave to a reader."""
    job = open_job(profile, order)
    record = job.record(record_no)
    todo = plan(job.profile, record, prepare(job.profile, record, job.keystore, secrets.token_bytes), job.keystore)
    room = air.scp80.room(MOST_PACKET)
    made = plan_scripts(todo.steps, todo.contents, air.tars, room, coding=air.coding)
    served = {name for script in made.scripts for name in script.serves}
    missing = [state.name for state in todo.states if state.name not in served]
    if missing:
        say(f"not sent over the air: {', '.join(missing)}")
    return list(made.scripts)


def _head(script: Script, counter: Counter) -> Document:
    return {
        "tar": script.tar.hex().upper(),
        "counter": counter.last,
        "commands": len(script.commands),
        "serves": list(script.serves),
    }


def _line(number: int, head: Document) -> str:
    """Return one packet in words."""
    names = f": {', '.join(head['serves'])}" if head["serves"] else ""
    return f"packet {number}, TAR {head['tar']}, counter {head['counter']}, {head['commands']} commands{names}"


@click.group()
def ota() -> None:
    """Pack, send and read secured packets (SCP80) with scripts for remote file and application management.

    A key set is KVN=KIC,KID,KIK or KVN=MASTER/SCHEME, by reference. Counters are not kept: note the last one
    a card got.
    """


@ota.command()
@_packing
@options.as_json
def pack(air: Air, scripts: list[Script], as_json: bool) -> None:
    """Write packets for a network: the SMS-DELIVER messages of each, in hex, one a line."""
    documents = []
    for number, (script, counter) in enumerate(air.packets(scripts), 1):
        packet = air.scp80.command(script.tar, counter, script.content())
        messages = [deliver(part, air.sender).hex().upper() for part in command_messages(packet, number)]
        documents.append({**_head(script, counter), "packet": packet.hex().upper(), "messages": messages})
        if not as_json:
            say(_line(number, documents[-1]))
            for message in messages:
                click.echo(message)
    if as_json:
        print_json({"terms": str(air.scp80.terms), "packets": documents})


@ota.command()
@_packing
@options.reader
@click.option("--terminal-profile", metavar="HEX", help="Send TERMINAL PROFILE first: cards that wait for it.")
@click.option("--yes", is_flag=True, help="Send without asking; without it the packets are shown first.")
@options.as_json
def send(air: Air, scripts: list[Script], reader: str, terminal_profile: str | None, yes: bool, as_json: bool) -> int:
    """Bring packets to the card in a reader and say what came of them; the first that fails is the last."""
    packets = list(air.packets(scripts))
    _confirm(packets, reader, yes=yes)
    documents: list[Document] = []
    failed = False
    with open_card(reader) as card:
        terminal = Terminal(card.channel)
        if terminal_profile is not None:
            terminal.profile(from_hex(terminal_profile))
        postman = Postman(terminal, air.scp80, sender=air.sender)
        for script, counter in packets:
            receipt = postman.send(script.tar, counter, script.content())
            findings = judge(script, receipt)
            failed = any(finding.bad for finding in findings)
            documents.append({**_head(script, counter), **_outcome(receipt, findings)})
            if not as_json:
                _show(len(documents), documents[-1])
            if failed:
                break
    if as_json:
        print_json({"reader": reader, "planned": len(packets), "packets": documents})
    return int(failed)


def _confirm(packets: Sequence[tuple[Script, Counter]], reader: str, *, yes: bool) -> None:
    for number, (script, counter) in enumerate(packets, 1):
        say(_line(number, _head(script, counter)))
    _ask(f"send this to the card in {reader}?", yes=yes)


def _ask(question: str, *, yes: bool) -> None:
    if yes:
        return
    if not sys.stdin.isatty():
        raise click.UsageError("nothing sent: no terminal to ask at, expected --yes")
    click.confirm(question, abort=True, err=True)


def _outcome(receipt: ProofOfReceipt | None, findings: Sequence[Finding]) -> Document:
    return {
        "receipt": None if receipt is None else _receipt(receipt),
        "findings": [msgspec.to_builtins(finding) for finding in findings],
    }


def _receipt(receipt: ProofOfReceipt) -> Document:
    return {
        "tar": receipt.tar.hex().upper(),
        "counter": receipt.counter,
        "status": f"{receipt.status:02X}",
        "text": str(receipt),
        "proven": receipt.proven,
        "data": receipt.data.hex().upper(),
    }


def _show(number: int, document: Document) -> None:
    receipt = document["receipt"]
    click.echo(f"packet {number}: {receipt['text'] if receipt else 'no proof of receipt'}")
    for finding in document["findings"]:
        click.echo(f"  {finding['rule']} {finding['severity']} {finding['actual']}, expected {finding['expected']}")


@ota.command()
@click.option("--tar", required=True, metavar="HEX", help="Of an application the card has: B00000.")
@click.option("--foreign", default="BFFFF0", show_default=True, metavar="HEX", help="Of one it should not have.")
@click.option("--counter", type=click.IntRange(min=1), required=True, metavar="N", help="The next the card expects.")
@_terms_options
@options.reader
@click.option("--yes", is_flag=True, help="Send without asking.")
@options.as_json
def probe(tar: str, foreign: str, counter: int, scp80: Scp80, reader: str, yes: bool, as_json: bool) -> int:
    """Send packets a card should take and refuse: right, wrong checksum, replayed, unsecured, for nobody.

    Each holds one SELECT of the MF: nothing is written, one counter value is spent.
    """
    _ask(f"send five packets to the card in {reader}?", yes=yes)
    with open_card(reader) as card:
        terminal = Terminal(card.channel)
        secured, plain = Postman(terminal, scp80), Postman(terminal, scp80.unprotected())
        mode = scp80.terms.spi.counter
        packets = probing.probe(secured, plain, from_hex(tar), from_hex(foreign), Counter(counter), mode)
    findings = probing.judged(packets)
    shown = {packet.kind: "none" if packet.status is None else f"{packet.status:02X}" for packet in packets}
    if as_json:
        print_json({"reader": reader, "packets": shown, "findings": finding_documents(findings)})
    else:
        facts((kind, f"status {status}") for kind, status in shown.items())
        show_findings(findings)
    return int(any(finding.bad for finding in findings))


@ota.command()
@click.argument(
    "parts", nargs=-1, required=True, metavar="HEX...", callback=lambda _, __, given: [*map(from_hex, given)]
)
@_terms_options
@options.as_json
def read(parts: list[bytes], scp80: Scp80, as_json: bool) -> None:
    """Check and read one packet or answer, given as packet, user data, or SMS messages in any order.

    The script of a command packet is not shown, it may hold keys: only its length is.
    """
    document = _read(parts, scp80)
    if as_json:
        print_json(document)
    else:
        facts(document.items())


def _read(parts: list[bytes], scp80: Scp80) -> Document:
    if all(part and part[0] & _TYPE_AND_HEADER in _MESSAGE_TYPES for part in parts):
        parts = [user_data_of(part) for part in parts]
    whole = parts[0]
    if len(parts) > 1 or int.from_bytes(whole[:_LENGTH_BYTES]) != len(whole) - _LENGTH_BYTES:
        if any(carries_response(part) for part in parts):
            return {"kind": "response", **_receipt(scp80.read_response(response_data(parts)))}
        whole = command_packet(parts)
    packet = CommandPacket.parse(whole)
    terms = PacketTerms(packet.spi, packet.kic, packet.kid, scp80.terms.checksum_size)
    if terms != scp80.terms:
        raise EncodingError(f"packet with {terms}, the options say {scp80.terms}")
    opened = scp80.read_command(whole)
    return {
        "kind": "command",
        "terms": str(terms),
        "tar": opened.tar.hex().upper(),
        "counter": opened.counter,
        "script_bytes": len(opened.data),
    }

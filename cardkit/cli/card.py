"""``cardkit info``, ``dump`` and ``apdu``: what is on a card, and talking to it by hand."""

from __future__ import annotations

from datetime import UTC, date, datetime

import click

from cardkit.apdu import CommandAPDU
from cardkit.apps.dump import lines, look, public
from cardkit.atr import ATR
from cardkit.cli import options
from cardkit.cli.hexadecimal import from_hex
from cardkit.cli.render import facts, print_json, table
from cardkit.encoding import tlv
from cardkit.errors import EncodingError
from cardkit.explain import instruction
from cardkit.profile.chips import recognize
from cardkit.statuswords import meaning
from cardkit.target import Card, open_card


@click.command()
@options.reader
@options.as_json
def info(reader: str, as_json: bool) -> None:
    """Say what card this is: ATR, chip model, applications, keys, PIN states, issuer; nothing of its holder."""
    with open_card(reader) as card:
        document = {**identity(card), **public(look(card.channel, today()))}
    if as_json:
        print_json(document)
        return
    facts((name, document[name] or "not known") for name in ("reader", "protocol", "chip"))
    table(["ATR", "hex", "meaning"], ATR.parse_unchecked(bytes.fromhex(document["atr"])).describe())
    for line in lines(document):
        click.echo(line)


@click.command()
@options.reader
@options.as_json
def dump(reader: str, as_json: bool) -> None:
    """Read everything that may be read without a key and decode it; secrets never."""
    with open_card(reader) as card:
        document = {**identity(card), **look(card.channel, today())}
    if as_json:
        print_json(document)
        return
    for line in lines(document):
        click.echo(line)


def today() -> date:
    """Return the day: no date on a card is later."""
    return datetime.now(UTC).date()


def identity(card: Card) -> dict[str, str]:
    """Return the head every description of a card begins with."""
    return {
        "reader": card.reader,
        "protocol": f"T={card.protocol.value}",
        "chip": recognize(card.atr) or "",
    }


@click.command()
@options.reader
@click.argument("commands", nargs=-1, required=True, metavar="HEX...")
@options.as_json
def apdu(reader: str, commands: tuple[str, ...], as_json: bool) -> None:
    """Send APDUs as they are, one after another, and explain the answers.

    61xx and 6Cxx are followed. Each HEX is one command, blanks allowed when quoted.
    """
    parsed = [CommandAPDU.parse(from_hex(text)) for text in commands]
    rows: list[dict[str, str]] = []
    with open_card(reader) as card:
        for command in parsed:
            answer = card.channel.send(command)
            rows.append(
                {
                    "command": command.encode().hex().upper(),
                    "what": instruction(command.cla, command.ins)[0],
                    "data": answer.data.hex().upper(),
                    "sw": f"{answer.sw:04X}",
                    "meaning": meaning(answer.sw, command.ins, command.cla).text,
                }
            )
            if not as_json:
                show(rows[-1], answer.data)
    if as_json:
        print_json(rows)


def show(row: dict[str, str], data: bytes) -> None:
    """Print one exchange, the answer decoded where it is a template."""
    click.echo(f"> {row['command']}  {row['what']}")
    click.echo(f"< {row['data'] + ' ' if row['data'] else ''}{row['sw']}  {row['meaning']}")
    for line in template_lines(data):
        click.echo(f"    {line}")


def template_lines(data: bytes, depth: int = 0) -> list[str]:
    """Return the BER-TLV tree of an answer, one line an object; nothing if it is no template."""
    try:
        objects = tlv.parse(data, padding=b"\xff")
    except EncodingError:
        return []
    found: list[str] = []
    for item in objects:
        inner = template_lines(item.value, depth + 1) if item.constructed else []
        shown = "" if inner else f" {item.value.hex().upper()}"
        found += [f"{'  ' * depth}{item.tag:02X}{shown}", *inner]
    return found

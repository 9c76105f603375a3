"""``cardkit payment decode``: templates, data object lists and bits in words."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from cardkit.apps.emv.decode import DataObject, decode, decode_value, object_document, object_lines
from cardkit.cli import options
from cardkit.cli.hexadecimal import from_hex
from cardkit.cli.render import print_json
from cardkit.errors import EncodingError

CONTEXTS = ("C-2", "C-3", "C-4", "C-5", "C-6", "C-7", "C-8", "M/Chip", "ISO", "GP")


@click.command("decode")
@click.argument("data", metavar="HEX|FILE")
@click.option("--tag", "tag_text", metavar="TAG", help="Take the data as the bare value of this tag: 95, 8C, 9F10.")
@click.option("--kernel", type=click.Choice(CONTEXTS), help="Whose meaning counts where a tag has several.")
@options.as_json
def decode_command(data: str, tag_text: str | None, kernel: str | None, as_json: bool) -> None:
    """Say what payment data mean.

    HEX is TLV, blanks allowed when quoted; FILE holds hex digits or the bytes themselves, - is standard input. What
    names a cardholder is masked.
    """
    objects = _decoded(_data(data), tag_text, kernel or "")
    if as_json:
        print_json(list(map(object_document, objects)))
        return
    for line in object_lines(objects):
        click.echo(line)


def _decoded(data: bytes, tag_text: str | None, kernel: str) -> tuple[DataObject, ...]:
    if tag_text is not None:
        return (decode_value(from_hex(tag_text), data, kernel),)
    try:
        return decode(data, kernel)
    except EncodingError as error:
        raise EncodingError(f"{error}; a bare value is decoded with --tag TAG") from None


def _data(text: str) -> bytes:
    if text == "-":
        return _content(sys.stdin.buffer.read(), "standard input")
    path = Path(text)
    if path.exists():
        return _content(path.read_bytes(), text)
    try:
        return from_hex(text)
    except EncodingError:
        size = len(text)  # and not the text: it may be a track
        raise EncodingError(f"{size} characters: no such file, and no hex, expected digits 0-9 A-F in pairs") from None


def _content(raw: bytes, where: str) -> bytes:
    """Return the bytes a file's hex digits stand for, or the file's own where they are no digits."""
    if not raw.strip():
        raise EncodingError(f"{where}: empty, expected hex digits or TLV")
    try:
        return from_hex(raw.decode("ascii"))
    except (UnicodeDecodeError, EncodingError):
        return raw

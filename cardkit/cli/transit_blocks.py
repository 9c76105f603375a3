"""``cardkit transit blocks``: the blocks of a Classic card that one key opens."""

from __future__ import annotations

import click

from cardkit.apps.storage import dump
from cardkit.apps.storage.client import KeyKind
from cardkit.cli import options
from cardkit.cli.keys_option import keystore as with_keystore
from cardkit.cli.render import print_json
from cardkit.crypto import KeyStore
from cardkit.target import open_card


@click.command("blocks")
@options.reader
@click.option("--key", "reference", required=True, metavar="REF", help="A card secret of 6 bytes.")
@click.option("--key-b", "second", is_flag=True, help="It is key B of its sectors; by default key A.")
@with_keystore
@options.as_json
def blocks(reader: str, reference: str, second: bool, keystore: KeyStore, as_json: bool) -> None:
    """Show the blocks of a MIFARE Classic card that a key opens, and who may do what with them.

    The key goes into the reader's memory for as long as it has power. Nothing is written.
    """
    key = keystore.card_secret(reference)
    with open_card(reader) as card:
        document = dump.look_with_key(card.channel, key, KeyKind.B if second else KeyKind.A)
    if as_json:
        print_json(document)
        return
    for line in dump.lines(document):
        click.echo(line)

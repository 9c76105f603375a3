"""``cardkit transit prove``: a Calypso card signs a session, under a chain of certificates."""

from __future__ import annotations

import os
from pathlib import Path

import click

from cardkit.apps.calypso.certificates import PRODUCTION, TEST, Expected
from cardkit.apps.calypso.client import CalypsoClient, RootKey
from cardkit.apps.calypso.dump import AIDS
from cardkit.apps.pki import publickey
from cardkit.apps.pki.publickey import RsaKey
from cardkit.cli import options
from cardkit.cli.card import today
from cardkit.cli.render import facts, print_json
from cardkit.errors import EncodingError
from cardkit.target import open_card

_ROOT_BITS = 2048
_SCOPES = {"production": PRODUCTION, "test": TEST}


@click.command("prove")
@options.reader
@click.option(
    "--root", required=True, type=click.Path(path_type=Path, exists=True, dir_okay=False), metavar="FILE",
    help="Public key of the authority above the card's: SubjectPublicKeyInfo, DER.",
)  # fmt: skip
@click.option("--aid", default=AIDS[0], show_default=True, metavar="HEX", help="Application, or its beginning.")
@click.option(
    "--scope",
    type=click.Choice(list(_SCOPES)),
    default="production",
    show_default=True,
    help="For which cards the authority must be.",
)
@options.as_json
def prove(reader: str, root: Path, aid: str, scope: str, as_json: bool) -> None:
    """Let a Calypso card of the PKI mode sign a session, and check its certificates up to a root.

    Rights, scope, both days of both certificates, AID and serial number are checked, too. Nothing is written.
    """
    key = _root(root)
    with open_card(reader) as card:
        client = CalypsoClient(card.channel)
        fci = client.select(bytes.fromhex(aid))
        expected = Expected(fci.aid, fci.serial, today(), _SCOPES[scope])
        found = client.prove(key, expected, fci, os.urandom)
    document = {
        "aid": fci.aid.hex().upper(),
        "serial": fci.serial.hex().upper(),
        "valid": f"{found.term.start.hex()} to {found.term.end.hex()}",
        "signature": "right",
    }
    if as_json:
        print_json(document)
        return
    facts(document.items())


def _root(path: Path) -> RootKey:
    key = publickey.parse(path.read_bytes())
    if not isinstance(key, RsaKey) or key.bits != _ROOT_BITS:
        raise EncodingError(f"{path}: expected a public RSA key of {_ROOT_BITS} bits")
    return RootKey(key.n.to_bytes(_ROOT_BITS // 8), key.e)

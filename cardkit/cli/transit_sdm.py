"""``cardkit transit sdm``: what an NFC card has mirrored into a URL, opened and checked."""

from __future__ import annotations

from contextlib import AbstractContextManager

import click

from cardkit.apps.desfire.diversification import join_parts
from cardkit.apps.desfire.sun import SunMessage, check_rising, open_sun, template_of
from cardkit.cli import options
from cardkit.cli.keys_option import keystore as with_keystore
from cardkit.cli.render import facts, print_json
from cardkit.crypto import Key, KeyStore
from cardkit.crypto.cardkeys import CardKey, Scheme
from cardkit.errors import EncodingError


@click.command("sdm")
@click.argument("urls", metavar="URL [URL]", nargs=-1, required=True)
@click.option(
    "--key", "reference", required=True, metavar="REF", help="SDMFileReadKey, or the master key it comes from."
)
@click.option("--meta-key", "meta", default="", metavar="REF", help="SDMMetaReadKey; by default the same as --key.")
@click.option("--diversify", "parts", default="", metavar="PARTS", help="M of AN10922: uid,ascii:NTAG01,hex:00.")
@click.option("--template", default="", metavar="TEXT", help="The text with {picc} {uid} {ctr} {enc} {mac} {start}.")
@click.option("--lrp", is_flag=True, help="The card works with LRP, and mirrors UID and counter in clear.")
@with_keystore
@options.as_json
def sdm(
    urls: tuple[str, ...],
    reference: str,
    meta: str,
    parts: str,
    template: str,
    lrp: bool,
    keystore: KeyStore,
    as_json: bool,
) -> None:
    """Open and check what NTAG 424 DNA or DESFire cards mirror into a URL (SUN, SDM).

    Two URLs are two readings of one card: the counter must have risen by one. Where parameters have names of their own,
    --template shows the text of the file with a mark in each place; {start} is where the MAC begins to count.
    """
    if len(urls) > 2:
        raise EncodingError(f"{len(urls)} texts, expected one or two readings of one card")
    with keystore.card_key(CardKey(meta or reference)) as meta_key:
        found = [
            open_sun(
                url,
                template or template_of(url),
                meta_key,
                lambda uid: _file_key(keystore, reference, parts, uid),
                lrp=lrp,
            )
            for url in urls
        ]
    if len(found) == 2:
        check_rising(*found)
    if as_json:
        print_json([_document(message) for message in found])
        return
    for message in found:
        facts(_document(message).items())


def _document(message: SunMessage) -> dict[str, str]:
    return {
        "uid": message.uid.hex().upper(),
        "counter": "not mirrored" if message.counter is None else str(message.counter),
        "mac": "right, LRP" if message.lrp else "right, AES",
        "data": message.data.hex().upper() or "none",
    }


def _file_key(keystore: KeyStore, reference: str, parts: str, uid: bytes) -> AbstractContextManager[Key]:
    if not parts:
        return keystore.card_key(CardKey(reference))
    m = join_parts(parts.split(","), {"uid": uid})
    return keystore.card_key(CardKey(reference, Scheme.AN10922, m))

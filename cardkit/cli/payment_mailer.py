"""``cardkit payment mailer``: the file for whoever prints and posts PIN letters."""

from __future__ import annotations

from pathlib import Path

import click

from cardkit.cli import options
from cardkit.cli.keys_option import open_keystore, profile_keys
from cardkit.cli.people import opened
from cardkit.cli.render import print_json, say
from cardkit.production.printing import mail_batch
from cardkit.profile import load_profile


@click.command("mailer")
@click.argument("batch")
@click.option("--out", required=True, type=click.Path(dir_okay=False, path_type=Path), metavar="FILE", help="The file.")
@click.option("--pin-key", required=True, metavar="REF", help="Key the printer has too; 3DES, usage pin-enc.")
@profile_keys
@options.store
@options.as_json
def mailer(
    batch: str,
    out: Path,
    pin_key: str,
    keys_url: str,
    descriptor: int | None,
    store_url: str,
    operator: str,
    as_json: bool,
) -> None:
    """Write the PIN letters of BATCH: for each card its row, the holder's name, four digits of the PAN, the PIN block.

    The blocks are of format 1 under --pin-key; no PAN and no PIN in clear is in the file.
    """
    with opened(store_url, operator) as store:
        profile = load_profile(store.batch(batch).profile_path)
        with open_keystore(keys_url, descriptor) if keys_url else profile.test_keystore() as keystore:
            done = mail_batch(store, profile, batch, keystore, out, pin_key)
    if as_json:
        print_json({"batch": batch, "file": str(done.path), "cards": done.cards, "sha256": done.sha256.hex()})
        return
    click.echo(done.path)
    say(f"batch {batch}: {done.cards} letters, SHA-256 {done.sha256.hex()}")

"""``cardkit payment print``: the file for the machine that prints, embosses and encodes the plastic."""

from __future__ import annotations

from pathlib import Path

import click

from cardkit.cli import options
from cardkit.cli.keys_option import open_keystore, profile_keys
from cardkit.cli.people import opened
from cardkit.cli.render import print_json, say
from cardkit.production.printing import print_batch
from cardkit.profile import load_profile


@click.command("print")
@click.argument("batch")
@click.option("--out", required=True, type=click.Path(dir_okay=False, path_type=Path), metavar="FILE", help="The file.")
@profile_keys
@options.store
@options.as_json
def print_command(
    batch: str, out: Path, keys_url: str, descriptor: int | None, store_url: str, operator: str, as_json: bool
) -> None:
    """Write what stands on the plastic of BATCH: PAN, dates, name, CVV2, both tracks, and the chip's clear data.

    The file is for the machine behind the line and for nobody else: it holds PANs with their verification values.
    """
    with opened(store_url, operator) as store:
        profile = load_profile(store.batch(batch).profile_path)
        with open_keystore(keys_url, descriptor) if keys_url else profile.test_keystore() as keystore:
            done = print_batch(store, profile, batch, keystore, out)
    if as_json:
        print_json({"batch": batch, "file": str(done.path), "cards": done.cards, "sha256": done.sha256.hex()})
        return
    click.echo(done.path)
    say(f"batch {batch}: {done.cards} cards, SHA-256 {done.sha256.hex()}")

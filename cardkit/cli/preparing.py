"""An order becomes prepared records in the store: what ``cardkit payment prepare`` and ``cardkit id prepare`` share."""

from __future__ import annotations

from pathlib import Path

import click

from cardkit import production
from cardkit.cli import options
from cardkit.cli.batch_files import quarantined_row
from cardkit.cli.keys_option import open_keystore, profile_keys
from cardkit.cli.people import opened
from cardkit.cli.render import print_json, say
from cardkit.crypto import KeyStore
from cardkit.errors import RecordError
from cardkit.production.preparation import Preparation
from cardkit.production.store.preparing import is_of_file
from cardkit.profile import BadRow, Profile, load_profile, read_order


def preparing_command(text: str) -> click.Command:
    """Return a family's command ``prepare``.

    :param text: its help.
    """

    @click.command("prepare", help=text)
    @click.argument("profile")
    @click.argument("order", type=click.Path(path_type=Path))
    @click.option("--name", help="Name of the batch; by default that of the file.")
    @profile_keys
    @click.option("--processes", type=click.IntRange(min=1), help="That make RSA keys; by default one a processor.")
    @options.store
    @options.as_json
    def prepare(
        profile: str,
        order: Path,
        name: str | None,
        keys_url: str,
        descriptor: int | None,
        processes: int | None,
        store_url: str,
        operator: str,
        as_json: bool,
    ) -> None:
        loaded = load_profile(profile)
        keystore = open_keystore(keys_url, descriptor) if keys_url else loaded.test_keystore()
        with keystore, opened(store_url, operator, create=True) as store:
            batch, refused = imported(store, loaded, keystore, order, name)
            done = production.prepare_batch(store, loaded, batch, keystore, processes=processes, progress=tell)
        if as_json:
            print_json(document(done, order, refused))
            return
        for row in refused:
            say(f"{order}:{row.line}: {row.field}: {row.code}: {row.message}")
        click.echo(done.batch)
        say(f"batch {done.batch}: {done.made} records prepared, {done.before} were, {len(refused)} quarantined")

    return prepare


def imported(
    store: production.Store, profile: Profile, keystore: KeyStore, order: Path, name: str | None
) -> tuple[str, tuple[BadRow, ...]]:
    """Put an order into the store unless it is there; return the name of its batch and the rows that were refused.

    :raises RecordError: when the file is bad, or a batch of that name is of another file.
    """
    rows = read_order(profile, order, keystore)
    try:
        done = production.import_batch(store, profile, rows, keystore, order, name=name, prepared=False)
    except RecordError as error:
        batch = name or order.stem
        if error.code != "SEEN" or not is_of_file(store, batch, rows.sha256):
            raise
        return batch, ()
    return done.batch, done.quarantined


def tell(made: int, todo: int) -> None:
    """Say how far it is."""
    say(f"{made} of {todo} prepared")


def document(done: Preparation, order: Path, refused: tuple[BadRow, ...]) -> dict[str, object]:
    """Return the result as ``--json`` prints it."""
    return {
        "batch": done.batch,
        "prepared": done.made,
        "before": done.before,
        "quarantined": [quarantined_row(order, row) for row in refused],
    }

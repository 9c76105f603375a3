"""``cardkit batch import`` and ``batch output``: the files of an order, in and out."""

from __future__ import annotations

import os
import secrets
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, nullcontext
from pathlib import Path

import click

from cardkit import production
from cardkit.cli import options
from cardkit.cli.keys_option import URL_HELP, open_keystore, passphrase_fd
from cardkit.cli.people import opened
from cardkit.cli.render import facts, print_json, say
from cardkit.crypto import KeyStore
from cardkit.errors import RecordError
from cardkit.production.quarantine import quarantine_path
from cardkit.profile import BadRow, Profile, load_profile

SHOWN = 20
LARGE_BYTES = 4_000_000


def transport_keys(command: options.Command) -> options.Command:
    """Add ``--keys`` and ``--passphrase-fd``: where the order's transport keys are."""
    option = click.option(
        "--keys", "keys_url", metavar="URL", help=f"Where transport keys are, by default with the profile: {URL_HELP}"
    )
    return option(passphrase_fd(command))


def gpg_home(command: options.Command) -> options.Command:
    """Add ``--gpg-home``."""
    option = click.option("--gpg-home", type=click.Path(path_type=Path), metavar="DIR", help="Home folder of gpg.")
    return option(command)


@contextmanager
def keys_of(profile: Profile, url: str | None, descriptor: int | None) -> Iterator[KeyStore]:
    """Open the key store an option names, or that of a TEST profile."""
    with nullcontext(profile.test_keystore()) if url is None else open_keystore(url, descriptor) as keystore:
        yield keystore


@click.command("import")
@click.argument("profile")
@click.argument("order", type=click.Path(path_type=Path))
@click.option("--name", help="Name of the batch; by default that of the file.")
@click.option(
    "--processes", type=click.IntRange(min=1), help="That read rows; by default one a processor, if they pay."
)
@click.option("--order", "under", metavar="NAME", help="The customer's order the file belongs to.")
@click.option("--sender", metavar="FINGERPRINT", help="Whose OpenPGP message the file must be, where no order says so.")
@click.option(
    "--gpg-passphrase-fd",
    "gpg_descriptor",
    type=click.IntRange(min=0),
    metavar="N",
    help="Where gpg reads the passphrase of the plant's key from.",
)
@gpg_home
@transport_keys
@options.store
@options.as_json
def import_(
    profile: str,
    order: Path,
    name: str | None,
    processes: int | None,
    under: str | None,
    sender: str | None,
    gpg_descriptor: int | None,
    gpg_home: Path | None,
    keys_url: str | None,
    descriptor: int | None,
    store_url: str,
    operator: str,
    as_json: bool,
) -> None:
    """Read ORDER with the layout of PROFILE and put its records into the store, as one batch.

    A bad row is quarantined, listed in ORDER.quarantine.csv, and the rest goes on; a bad file imports nothing. Where a
    sender is known, by the customer's order or --sender, ORDER is read only if it is encrypted and that key signed it.
    """
    loaded = load_profile(profile)
    if not order.is_file():
        raise RecordError(f"{order}: cannot be read: no file there", code="FILE")
    with (
        opened(store_url, operator, create=True) as store,
        keys_of(loaded, keys_url, descriptor) as keystore,
        ExitStack() as stack,
    ):
        pinned = sender if under is None else production.order_of(store, under).terms.sender
        message = None if pinned is None else production.Sender(pinned, gpg_home, gpg_descriptor)
        rows = stack.enter_context(
            production.opened_order(store, loaded, order, keystore, secrets.token_bytes, message)
        )
        done = production.import_batch(
            store,
            loaded,
            rows,
            keystore,
            order,
            name=name,
            quarantine=quarantine_path(order),
            processes=processes or readers_for(order.stat().st_size),
            under=under,
            sender=pinned,
        )
    if as_json:
        print_json(imported_document(order, done))
        return
    for row in done.quarantined[:SHOWN]:
        say(f"{order}:{row.line}: {row.field}: {row.code}: {row.message}")
    refused = done.rows - done.imported
    click.echo(done.batch)
    say(f"batch {done.batch} {done.state}: {done.rows} rows, {done.imported} imported, {refused} quarantined")
    if refused:
        say(f"refused rows: {quarantine_path(order)}")


def readers_for(size_bytes: int) -> int:
    """Return how many processes read a file: starting one takes as long as reading some megabytes."""
    return (os.cpu_count() or 1) if size_bytes >= LARGE_BYTES else 1


def imported_document(order: Path, done: production.Imported) -> dict[str, object]:
    """Return what ``batch import --json`` prints."""
    return {
        "batch": done.batch,
        "state": done.state,
        "rows": done.rows,
        "imported": done.imported,
        "quarantined": [quarantined_row(order, row) for row in done.quarantined],
    }


def quarantined_row(order: Path, row: BadRow) -> dict[str, object]:
    """Return a quarantined row as ``--json`` shows it; its value is masked already."""
    return {"file": str(order), "line": row.line, "field": row.field, "code": row.code, "message": row.message}


@click.command()
@click.argument("batch_name", metavar="BATCH")
@click.option("--template", required=True, metavar="T", help="Name of a layout with direction out, or a TOML file.")
@click.option("--out", required=True, type=click.Path(path_type=Path), metavar="FILE", help="Where the file goes.")
@click.option("--partial", is_flag=True, help="Write the file although records are left.")
@click.option(
    "--recipient", metavar="FINGERPRINT", help="Encrypt the file to this OpenPGP key (gpg), a full fingerprint."
)
@click.option("--signer", metavar="FINGERPRINT", help="Sign the encrypted file with this OpenPGP key of gpg.")
@gpg_home
@transport_keys
@options.store
@options.as_json
def output(
    batch_name: str,
    template: str,
    out: Path,
    partial: bool,
    recipient: str | None,
    signer: str | None,
    gpg_home: Path | None,
    keys_url: str | None,
    descriptor: int | None,
    store_url: str,
    operator: str,
    as_json: bool,
) -> None:
    """Write the customer's output file of BATCH: what became of each record, secrets under the order's transport keys.

    The keys are output:NAME-INDEX, such as output:auc_key-3 for key 3 of the order's auc_key. An order that names none
    gets its secrets in clear if it is a TEST order, and nothing if it is LIVE.
    """
    envelope = envelope_of(recipient, signer, gpg_home)
    with opened(store_url, operator) as store:
        loaded = load_profile(store.batch(batch_name).profile_path)
        chosen = production.load_template(loaded, template)
        with keys_of(loaded, keys_url, descriptor) as keystore:
            done = production.write_output(store, batch_name, chosen, keystore, out, partial=partial, envelope=envelope)
    if as_json:
        print_json(
            {
                "batch": done.batch,
                "file": str(done.path),
                "rows": done.rows,
                "states": dict(done.counts),
                "left": done.left,
                "sha256": done.sha256.hex(),
            }
        )
        return
    counted = ", ".join(f"{count} {state}" for state, count in done.counts.items() if count)
    facts(
        [("file", done.path), ("rows", f"{done.rows}: {counted}"), ("left", done.left), ("sha256", done.sha256.hex())]
    )


def envelope_of(recipient: str | None, signer: str | None, home: Path | None) -> production.Envelope | None:
    """Return who may read a file and who signs it; None for one that is not encrypted as a whole."""
    if recipient is None and signer is None:
        return None
    if recipient is None or signer is None:
        raise click.UsageError("--recipient and --signer belong together: what is encrypted is signed, too")
    return production.Envelope(recipient, signer, home)

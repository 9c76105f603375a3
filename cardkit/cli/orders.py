"""``cardkit order``: what customers bought, who approved it, the batches it is made in, and the files they get back."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

import click

from cardkit import production
from cardkit.cli import options
from cardkit.cli.batch_files import gpg_home, keys_of, transport_keys
from cardkit.cli.people import opened, people
from cardkit.cli.render import facts, print_json, say
from cardkit.profile import load_profile

_DAY = click.DateTime(["%Y-%m-%d"])


@click.group()
def order() -> None:
    """Keep customers' orders: create, approve, watch and close them, and write their output files.

    An order's files come in by `cardkit batch import --order NAME`; each becomes a batch of the order.
    """


@order.command()
@click.argument("name")
@click.option("--customer", required=True, metavar="WHO", help="Who bought it.")
@click.option("--profile", required=True, help="The product.")
@click.option("--quantity", required=True, type=click.IntRange(min=1), help="Records at most, over all batches.")
@click.option("--due", type=_DAY, metavar="YYYY-MM-DD", help="When it is to be delivered.")
@click.option("--acceptance", default="every card", show_default=True, metavar="PLAN", help="How cards are accepted.")
@click.option("--sender", metavar="FINGERPRINT", help="OpenPGP key that signs the files of this order.")
@click.option("--recipient", metavar="FINGERPRINT", help="OpenPGP key that its output files are encrypted to.")
@click.option("--signer", metavar="FINGERPRINT", help="OpenPGP key of the plant that signs them.")
@options.store
def create(
    name: str,
    customer: str,
    profile: str,
    quantity: int,
    due: datetime | None,
    acceptance: str,
    sender: str | None,
    recipient: str | None,
    signer: str | None,
    store_url: str,
    operator: str,
) -> None:
    """Put an order NAME into the store, as a draft: the operator is its author, somebody else approves it."""
    loaded = load_profile(profile)
    new = production.NewOrder(
        name, customer, loaded.name, loaded.sha256, quantity, due.date() if due else None, acceptance,
        sender, recipient, signer,
    )  # fmt: skip
    with opened(store_url, operator, create=True) as store:
        made = production.create_order(store, new)
    say(f"order {name}: {made.state}, content {new.subject.sha256.hex()[:16]}")


@order.command()
@click.argument("name")
@options.store
def approve(name: str, store_url: str, operator: str) -> None:
    """Approve the order NAME exactly as it is. Its author cannot; in a LIVE store a security officer and QA do."""
    with opened(store_url, operator) as store:
        approved = production.approve_order(store, name, people(store))
    say(f"order {name}: {approved.state}")


@order.command()
@click.argument("name")
@options.store
def close(name: str, store_url: str, operator: str) -> None:
    """Close the order NAME: all its batches are closed, and no file of it is taken any more."""
    with opened(store_url, operator) as store:
        closed = production.close_order(store, name)
    say(f"order {name}: {closed.state}")


@order.command()
@click.argument("name", required=False)
@options.store
@options.as_json
def status(name: str | None, store_url: str, operator: str, as_json: bool) -> None:
    """Show where the order NAME stands, or every order of the store."""
    with opened(store_url, operator) as store:
        names = [name] if name else production.order_names(store)
        found = [_standing(store, each) for each in names]
    if as_json:
        print_json(found[0] if name else found)
        return
    for one in found:
        facts([(key.replace("_", " "), value) for key, value in _shown(one)])


@order.command()
@click.argument("name")
@click.option("--template", required=True, metavar="T", help="Name of a layout with direction out, or a TOML file.")
@click.option(
    "--out", required=True, type=click.Path(file_okay=False, path_type=Path), metavar="DIR", help="Where files go."
)
@click.option("--partial", is_flag=True, help="Write files although records are left.")
@gpg_home
@transport_keys
@options.store
@options.as_json
def export(
    name: str,
    template: str,
    out: Path,
    partial: bool,
    gpg_home: Path | None,
    keys_url: str | None,
    descriptor: int | None,
    store_url: str,
    operator: str,
    as_json: bool,
) -> None:
    """Write the customer's output files of the order NAME into DIR: one for each batch, encrypted and signed.

    Count and hash total stand in the file where the template has them, and are printed. In clear only where the order
    names no recipient, and then never secrets of a LIVE order.
    """
    with opened(store_url, operator) as store:
        found = production.order_of(store, name)
        loaded = load_profile(store.batch(found.batches[0][0]).profile_path) if found.batches else None
        written = []
        if loaded is not None:
            chosen = production.load_template(loaded, template)
            with keys_of(loaded, keys_url, descriptor) as keystore:
                written = production.export_order(
                    store, found, chosen, keystore, out, partial=partial, gpg_home=gpg_home
                )
    if as_json:
        print_json([_file(each) for each in written])
        return
    for each in written:
        facts(_file(each).items())
    if not written:
        say(f"order {name}: no batch yet, nothing to write")


def _file(written: production.Written) -> dict[str, object]:
    return {
        "batch": written.batch,
        "file": str(written.path),
        "rows": written.rows,
        "hash_total": written.hash_total,
        "left": written.left,
        "sha256": written.sha256.hex(),
    }


def _standing(store: production.Store, name: str) -> dict[str, object]:
    """Return what ``--json`` prints of an order."""
    found = production.order_of(store, name)
    terms, counts = found.terms, dict.fromkeys(("GOOD", "IN_DOUBT", "REJECTED"), 0)
    quarantined = 0
    for batch, _ in found.batches:
        status = production.batch_status(store, batch)
        quarantined += status.quarantined
        for state in counts:
            counts[state] += status.counts[state]
    return {
        "order": terms.name,
        "state": found.state,
        "customer": terms.customer,
        "profile": terms.profile,
        "profile_sha256": terms.profile_sha256.hex(),
        "quantity": terms.quantity,
        "due": None if terms.due is None else terms.due.isoformat(),
        "acceptance": terms.acceptance,
        "imported": found.imported,
        "quarantined": quarantined,
        "good": counts["GOOD"],
        "in_doubt": counts["IN_DOUBT"],
        "rejected": counts["REJECTED"],
        "batches": dict(found.batches),
        "sender": terms.sender,
        "recipient": terms.recipient,
        "signer": terms.signer,
    }


def _shown(one: dict[str, object]) -> Iterator[tuple[str, object]]:
    for key, value in one.items():
        if isinstance(value, dict):
            yield key, ", ".join(f"{batch} {state}" for batch, state in value.items()) or "none"
        elif value is not None:
            yield key, value

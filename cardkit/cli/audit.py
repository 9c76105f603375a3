"""``cardkit audit``: what happened, whether the chain is unbroken, and its copy for somebody without the store."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click

from cardkit.cli import options
from cardkit.cli.keys_option import open_managed
from cardkit.cli.people import opened, passwords, people
from cardkit.cli.render import print_json, say, table
from cardkit.crypto import auditsign
from cardkit.errors import EncodingError
from cardkit.production.audit import browse
from cardkit.production.audit.catalogue import KINDS
from cardkit.production.audit.checkpoints import change_key, signer_of
from cardkit.production.audit.export import export_audit, verify_store
from cardkit.production.audit.offline import Verified, verify_export
from cardkit.production.audit.report import read_report
from cardkit.production.audit.statement import Signer
from cardkit.production.store.audit import OFFICE

FINDINGS = {
    "HASH": "an event was changed",
    "ORDER": "events are not in order",
    "GAP": "an event is missing",
    "CHECKPOINT": "the chain is not what a checkpoint signed",
    "CHECKPOINT_BEYOND_END": "the chain ends before what a checkpoint signed",
    "CHECKPOINT_LINK": "a checkpoint is missing or was replaced",
    "SIGNATURE": "not signed by a key that may sign",
    "HEAD": "it ends otherwise than is known",
    "CLOCK": "time goes back without notice",
}


@click.group()
def audit() -> None:
    """Show, export and verify the audit: hash chains with signed checkpoints."""


@audit.command()
@click.option("--chain", metavar="C", help="Of a station, or of the office.")
@click.option("--kind", metavar="K", help="Events of one kind, such as SCRAP.")
@click.option(
    "--record", "record_id", type=int, metavar="ID", help="Events about one record, by its number in the store."
)
@click.option("--last", type=click.IntRange(min=1), default=50, show_default=True, help="How many at most.")
@options.store
@options.as_json
def show(
    chain: str | None, kind: str | None, record_id: int | None, last: int, store_url: str, operator: str, as_json: bool
) -> None:
    """Show the latest events, oldest first."""
    with opened(store_url, operator) as store:
        found = browse.events(store, browse.Filter(chain, kind, record_id), last)
    if as_json:
        print_json(
            [
                {"chain": one.chain, "seq": one.seq, "at": one.at, "actor": one.actor, "event": one.kind,
                 "data": one.data}
                for one in found
            ]
        )  # fmt: skip
        return
    table(
        ["at", "chain", "seq", "actor", "event", "data"],
        [(one.at, one.chain, one.seq, one.actor, one.kind, _words(one.data)) for one in found],
    )


def _words(data: dict[str, Any]) -> str:
    return ", ".join(f"{name} {value}" for name, value in data.items() if value not in (None, [], ""))


@audit.command()
@click.option("--out", required=True, type=click.Path(dir_okay=False, path_type=Path), metavar="FILE", help="The file.")
@options.store
def export(out: Path, store_url: str, operator: str) -> None:
    """Write all chains with their checkpoints into one file that `audit verify` checks without the store."""
    with opened(store_url, operator) as store:
        done = export_audit(store, out)
    click.echo(out)
    for chain, (seq, digest) in done.heads.items():
        say(f"chain {chain}: {seq} events, head {digest.hex()[:16]}")


@audit.command()
@click.argument("file", required=False, type=click.Path(dir_okay=False, exists=True, path_type=Path))
@click.option(
    "--key", "key_file", type=click.Path(dir_okay=False, exists=True, path_type=Path), metavar="PUB",
    help="With FILE: a public key of the office, PEM or DER, from elsewhere than the file.",
)  # fmt: skip
@click.option(
    "--head", "heads", multiple=True, metavar="CHAIN=HEX",
    help="A head known from elsewhere, such as 16 digits of a shift report; several times.",
)  # fmt: skip
@options.store
@options.as_json
def verify(
    file: Path | None, key_file: Path | None, heads: Sequence[str], store_url: str, operator: str, as_json: bool
) -> int:
    """Verify an exported FILE, or a signed report, with a public key and nothing else; without FILE: the store."""
    if (file is None) != (key_file is None):
        raise click.UsageError("FILE and --key belong together")
    known = dict(_head(text) for text in heads)
    if file is None or key_file is None:
        with opened(store_url, operator) as store:
            return _judged(verify_store(store), as_json=as_json)
    public = auditsign.public_key(key_file.read_bytes())
    report = read_report(file, public)
    if report is not None:
        print_json(report)
        say(f"{file}: signed by this key, unchanged")
        return 0
    with file.open("rb") as stream:
        return _judged(verify_export(stream, public, known), as_json=as_json)


def _head(text: str) -> tuple[str, str]:
    chain, found, digits = text.partition("=")
    if not found or len(digits) < 16:
        raise EncodingError(f"--head {text!r}: expected CHAIN=HEX, 16 digits or more")
    return chain, digits


def _judged(done: Verified, *, as_json: bool) -> int:
    if as_json:
        print_json(
            {
                "installation": done.installation,
                "batch": done.batch,
                "chains": {
                    chain: {"events": seq, "head": done.heads[chain].hex(), "checkpoints": done.checkpoints[chain]}
                    for chain, seq in done.events.items()
                },
                "findings": [{"chain": one.chain, "code": one.code, "seq": one.seq} for one in done.findings],
            }
        )
        return 1 if done.findings else 0
    for chain, seq in done.events.items():
        say(f"chain {chain}: {seq} events, {done.checkpoints[chain]} checkpoints, head {done.heads[chain].hex()[:16]}")
    if done.findings:
        table(
            ["chain", "finding", "at", "what"],
            [(one.chain or "(file)", one.code, one.seq, FINDINGS[one.code]) for one in done.findings],
        )
        return 1
    say("audit is sound" if done.batch is None else f"the audit's part about batch {done.batch} is sound")
    return 0


@audit.command()
@options.as_json
def kinds(as_json: bool) -> None:
    """List the kinds of events, and what each says happened."""
    if as_json:
        print_json(KINDS)
        return
    table(["event", "what happened"], KINDS.items())


@audit.command()
@options.store
def key(store_url: str, operator: str) -> None:
    """Print the public key that the audit is verified with, as PEM: keep it elsewhere than the store."""
    with opened(store_url, operator) as store:
        click.echo(auditsign.to_pem(signer_of(store).public).decode(), nl=False)


@audit.command()
@click.argument("reference", metavar="REF")
@click.option("--keys", "keys_url", required=True, metavar="URL", help="Where the new key is: file:PATH or pkcs11:...")
@click.option("--chain", default=OFFICE, show_default=True, metavar="C", help="The chain of one station alone.")
@options.store
def rotate(reference: str, keys_url: str, chain: str, store_url: str, operator: str) -> None:
    """Let key REF (usage audit-sign) sign from now on; the old key, if it is not the store's own, by --audit-keys."""
    with opened(store_url, operator) as store, open_managed(keys_url, passwords()) as keys:
        change_key(store, Signer(keys, reference), people(store), chain)
    say(f"audit of {chain}: signed by {reference} from now on; name its key store with --audit-keys")

"""``cardkit batch evidence``: what proves how a batch was made, in one file; and its check on another machine."""

from __future__ import annotations

from pathlib import Path

import click

from cardkit.cli import options
from cardkit.cli.people import opened
from cardkit.cli.render import facts, print_json, say, table
from cardkit.crypto import auditsign
from cardkit.production.evidence.offline import Checked, verify_evidence
from cardkit.production.evidence.pack import write_evidence

FINDINGS = {
    "SEAL": "a byte of the pack was changed, added or cut off, or another key sealed it",
    "UNREADABLE": "no archive that can be read",
    "SIGNATURE": "the manifest was changed, or is not signed by this key",
    "CHANGED": "not the file that was packed",
    "MISSING": "listed in the manifest and not there",
    "ADDED": "there and not listed in the manifest",
    "AUDIT": "the audit inside is not sound; unpack it and see `audit verify`",
    "DIGEST": "a card's digest is not in the audit",
    "PROFILE": "not the files of the batch's profile",
}


@click.command()
@click.argument("batch_name", metavar="[BATCH]", required=False)
@click.option("--out", type=click.Path(dir_okay=False, path_type=Path), metavar="FILE", help="Where the pack goes.")
@click.option(
    "--verify", "pack", type=click.Path(dir_okay=False, exists=True, path_type=Path), metavar="FILE",
    help="Verify this pack instead: needs no store.",
)  # fmt: skip
@click.option(
    "--key", "key_file", type=click.Path(dir_okay=False, exists=True, path_type=Path), metavar="PUB",
    help="With --verify: the public key of the audit, PEM or DER, from elsewhere than the pack.",
)  # fmt: skip
@options.store
@options.as_json
def evidence(
    batch_name: str | None,
    out: Path | None,
    pack: Path | None,
    key_file: Path | None,
    store_url: str,
    operator: str,
    as_json: bool,
) -> int:
    """Write the evidence pack of BATCH, signed by the key of the audit, or verify one with that key's public half.

    The pack holds the report, the digest of every card, the profile, the reconciliation, the software with what it
    stands on, and the audit with its checkpoints. Secrets are not in it, personal data only masked.
    """
    if pack is not None and key_file is not None and batch_name is None and out is None:
        return _judged(pack, verify_evidence(pack, auditsign.public_key(key_file.read_bytes())), as_json=as_json)
    if batch_name is None or out is None or pack is not None or key_file is not None:
        raise click.UsageError("expected BATCH and --out FILE, or --verify FILE and --key PUB")
    with opened(store_url, operator) as store:
        done = write_evidence(store, batch_name, out)
    if as_json:
        print_json({"batch": done.batch, "state": done.state, "file": str(done.path), "sha256": done.sha256})
    else:
        facts([("batch", f"{done.batch} {done.state}"), ("file", done.path), ("sha256", done.sha256)])
    if done.state != "CLOSED":
        say(f"batch {done.batch} is {done.state}: the pack has no counts by hand and does not say that it balances")
    return 0


def _judged(path: Path, done: Checked, *, as_json: bool) -> int:
    told = done.manifest
    if as_json:
        print_json(
            {
                "file": str(path),
                "sha256": done.sha256,
                "batch": told and told.batch,
                "installation": told and told.installation,
                "state": told and told.state,
                "at": told and told.at,
                "files": len(told.files) if told else 0,
                "cards": done.cards,
                "findings": [{"code": finding.code, "file": finding.file} for finding in done.findings],
            }
        )
        return 1 if done.findings else 0
    if done.findings:
        rows = [(finding.code, finding.file or "(pack)", FINDINGS[finding.code]) for finding in done.findings]
        table(["finding", "file", "what"], rows)
        return 1
    assert told is not None
    facts(
        [
            ("batch", f"{told.batch} {told.state}, {told.kind}, of installation {told.installation}"),
            ("packed", f"{told.at} by {told.by}"),
            ("profile", f"{told.profile.name} version {told.profile.version}, {told.profile.sha256}"),
            ("cards", done.cards),
            ("sha256", done.sha256),
        ]
    )
    say(f"{path}: signed by this key, unchanged; {len(told.files)} files and the audit are sound")
    return 0

"""``cardkit purge``: the data of a closed batch is destroyed, and a signed report says so."""

from __future__ import annotations

from pathlib import Path

import click

from cardkit.cli import options
from cardkit.cli.people import opened, people
from cardkit.cli.render import facts, print_json
from cardkit.production.purge import purge_batch


@click.command()
@click.option("--batch", "batch_name", required=True, metavar="BATCH", help="A closed batch.")
@click.option(
    "--out", type=click.Path(dir_okay=False, path_type=Path), metavar="FILE", help="purge-BATCH.json if absent."
)
@click.option("--yes", is_flag=True, help="Do it without asking again.")
@options.store
@options.as_json
def purge(batch_name: str, out: Path | None, yes: bool, store_url: str, operator: str, as_json: bool) -> None:
    """Destroy the key of BATCH, empty its cells, and write a signed report: backups of the database open no more.

    What remains: counts, verdicts, keyed digests of identities, and the audit. In a LIVE store a security officer and
    QA do it. `cardkit audit verify REPORT --key PUB` checks the report.
    """
    with opened(store_url, operator) as store:
        lot = store.batch(batch_name)
        if not yes:
            click.confirm(
                f"Destroy the data of batch {batch_name}, {lot.imported} records, for good?", abort=True, err=True
            )
        done = purge_batch(store, batch_name, people(store), out or Path(f"purge-{batch_name}.json"))
    emptied = done.emptied
    if as_json:
        print_json(
            {
                "batch": done.batch,
                "records": emptied.records,
                "prepared": emptied.prepared,
                "findings": emptied.findings,
                "quarantined": emptied.quarantined,
                "key_destroyed": done.key_destroyed,
                "database_scrubbed": done.scrubbed,
                "report": str(done.report),
            }
        )
        return
    facts(
        [
            ("batch", f"{done.batch} purged by {' and '.join(done.by)}"),
            ("emptied", f"{emptied.records} records, {emptied.prepared} prepared, {emptied.findings} findings, "
                        f"{emptied.quarantined} quarantined"),
            ("key", "destroyed" if done.key_destroyed else "destroyed by an earlier purge"),
            ("database", "written anew" if done.scrubbed else "not written anew: its owner's VACUUM does it"),
            ("report", done.report),
        ]
    )  # fmt: skip

"""``cardkit retention``: what should have been purged, and how long data may be kept."""

from __future__ import annotations

import click

from cardkit.cli import options
from cardkit.cli.people import opened, people
from cardkit.cli.render import print_json, say, table
from cardkit.production.store.retention import Kept, overdue, retention_days, set_retention

ABOUT = {
    Kept.CLOSED: "closed batches",
    Kept.OPEN: "open batches",
    Kept.SECRET: "secret fields of closed batches",
    Kept.PERSONAL: "personal fields of closed batches",
}


@click.command()
@click.option(
    "--set",
    "changes",
    multiple=True,
    metavar="KIND=DAYS",
    help="closed, open, secret or personal=DAYS; two people in LIVE.",
)
@options.store
@options.as_json
def retention(changes: tuple[str, ...], store_url: str, operator: str, as_json: bool) -> int:
    """List batches whose data is kept too long; 1 where there is one: its customer gets no further batch before.

    `closed` counts from the close of a batch to its purge, `open` from its import where nobody closed it. Secret and
    personal fields of closed batches may have a shorter time; they are purged together, with what is due first.
    """
    wanted = [_change(text) for text in changes]
    with opened(store_url, operator) as store:
        for kept, days in wanted:
            set_retention(store, kept, days, people(store))
        with store.reading() as connection:
            late, limits = overdue(connection, store.clocks.wall()), retention_days(connection)
    if as_json:
        rows = [
            {"batch": item.batch, "customer": item.customer, "kept": item.kept.value, "due": item.due.isoformat()}
            for item in late
        ]
        print_json({"days": {kept.value: days for kept, days in limits.items()}, "overdue": rows})
        return 1 if late else 0
    say(", ".join(f"{ABOUT[kept]}: {days} days" for kept, days in limits.items()))
    if late:
        table(
            ["batch", "customer", "kept", "due"],
            [(item.batch, item.customer or "", item.kept, f"{item.due:%Y-%m-%d}") for item in late],
        )
        say("overdue: close and purge these batches (`cardkit purge --batch`)")
        return 1
    say("no data is overdue")
    return 0


def _change(text: str) -> tuple[Kept, int]:
    name, _, days = text.partition("=")
    if name not in list(Kept) or not days.isdecimal():
        raise click.UsageError(f"--set: expected {'=DAYS, '.join(Kept)}=DAYS, got {text!r}")
    return Kept(name), int(days)

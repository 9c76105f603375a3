"""``cardkit sim``: a plant on virtual cards, to see how production behaves when things go wrong."""

from __future__ import annotations

import re
import sys
from pathlib import Path
from typing import Any

import click

from cardkit.cli.render import facts, say
from cardkit.errors import StoreError
from cardkit.production.reconcile import CardCounts
from cardkit.production.sim.faults import FaultPlan
from cardkit.production.sim.plant import PlantResult, PlantSpec, Progress, run_plant

SHOWN = 10


class Rate(click.ParamType[float]):
    """So many a second: ``1/s``, ``0.5/s``."""

    name = "rate"
    _form = re.compile(r"(\d+(?:\.\d+)?)/s")

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float:
        """Return events a second."""
        found = self._form.fullmatch(str(value))
        if found is None:
            self.fail(f"got {value!r}, expected a rate as 1/s or 0.5/s", param, ctx)
        return float(found[1])


@click.group()
def sim() -> None:
    """Run production on virtual cards while things go wrong."""


@sim.command()
@click.option("--machines", type=click.IntRange(1, 64), default=1, show_default=True, help="More than 1: PostgreSQL.")
@click.option("--couplers", type=click.IntRange(1, 64), default=4, show_default=True, help="Of each machine.")
@click.option(
    "--kill", type=Rate(), default="1/s", show_default=True, metavar="RATE/s", help="Couplers killed; 0/s: none."
)
@click.option("--cards", type=click.IntRange(1, 9_999_999), default=1_000, show_default=True, help="Records to make.")
@click.option("--store", "store_url", metavar="URL", help="By default a new SQLite file in the folder.")
@click.option(
    "--out",
    type=click.Path(file_okay=False, path_type=Path),
    default=Path("cardkit-sim"),
    show_default=True,
    metavar="DIR",
    help="Where order, chips and logs go.",
)
def plant(machines: int, couplers: int, kill: float, cards: int, store_url: str | None, out: Path) -> int:
    """Run a whole plant on virtual cards, kept in files, and close its books. Linux only.

    A coupler is killed up to RATE times a second and a station every 30 s, stations stop for longer than a lease,
    readers are pulled out. With one machine each coupler is a process; with more they are threads of their machine, and
    each kill takes the machine. At the end all chips are presented again: what is in doubt is finished, and what the
    chips hold is compared with the store. Exit code 1 when that does not come out at zero.
    """
    if sys.platform != "linux":
        raise StoreError(f"sim plant: this is {sys.platform}, expected Linux: it stops processes and looks for them")
    if machines > 1 and (store_url is None or store_url.startswith("sqlite:")):
        raise click.UsageError("SQLite has one machine; more need --store postgresql://...")
    url = store_url or f"sqlite:///{_new_file(out)}"
    spec = PlantSpec(
        url, out.absolute(), machines, couplers, cards, FaultPlan(kill_every=1 / kill if kill else float("inf"))
    )
    done = run_plant(spec, _show)
    _conclude(done, cards)
    return 0 if done.balances else 1


def _new_file(out: Path) -> Path:
    """Return a file that is not there yet."""
    out.mkdir(parents=True, exist_ok=True)
    number = len(list(out.glob("plant-*.db"))) + 1
    return out.absolute() / f"plant-{number}.db"


def _show(now: Progress) -> None:
    faults, rate = now.faults, now.good / max(now.seconds, 1e-9)
    say(
        f"{now.good}/{now.cards} good, {now.bound - now.good} in work or in doubt, {rate:.0f} cards/s;"
        f" killed: {faults.couplers} couplers, {faults.stations} stations; {faults.stalls} stations stopped,"
        f" {faults.readers} readers pulled out"
    )


def _conclude(done: PlantResult, cards: int) -> None:
    judged = done.judgement
    for text in [*judged.duplicates[:SHOWN], *judged.lost[:SHOWN], *done.closing.why]:
        say(text)
    records = ", ".join(f"{count} {state}" for state, count in done.records.items() if count)
    facts(
        [
            ("made", f"{done.made} cards in {done.seconds:.0f} s, {done.made / done.seconds:.0f} cards/s"),
            ("in doubt", f"{done.in_doubt}, presented again"),
            ("killed", f"{done.faults.couplers} couplers, {done.faults.stations} stations"),
            ("stopped for longer than a lease", f"{done.faults.stalls} stations"),
            ("pulled out", f"{done.faults.readers} readers"),
            ("records", f"{cards} imported: {records}"),
        ]
    )
    balance = equation(judged.cards, done.closing.difference)
    click.echo(f"duplicates {len(judged.duplicates)}, lost {len(judged.lost)}: {balance}")


def equation(cards: CardCounts, difference: int) -> str:
    """Return where the issued cards went, as an equation."""
    return (
        f"issued {cards.issued} = good {cards.good} + rejected {cards.rejected_personalized + cards.rejected_blank}"
        f" + in doubt {cards.in_doubt} + returned blank {cards.returned}, difference {difference}"
    )

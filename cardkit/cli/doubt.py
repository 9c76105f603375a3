"""``cardkit doubt``: cards that may carry a record's data, and what people decide about finished and broken ones."""

from __future__ import annotations

from collections.abc import Callable

import click

from cardkit import production
from cardkit.cli import options
from cardkit.cli.batch import batch, office
from cardkit.cli.people import opened, people
from cardkit.cli.render import print_json, say
from cardkit.production.store.reading import record_id_of, record_state


@click.group()
def doubt() -> None:
    """Bring cards in doubt to an end, and scrap, re-make, recall or cancel.

    A LIVE store asks two different people for each of these steps (--by), a TEST store one.
    """


doubt.add_command(batch.commands["doubt"], "list")
doubt.add_command(batch.commands["resume"], "present")

Deed = Callable[[production.Office, int], None]


def step(command: options.Command) -> options.Command:
    """Add what every step on one record needs."""
    command = click.option("--record", "record_no", required=True, type=click.IntRange(min=1), help="Its row number.")(
        options.as_json(options.store(command))
    )
    return click.argument("batch_name", metavar="BATCH")(command)


def take(deed: Deed, batch_name: str, record_no: int, store_url: str, operator: str, *, as_json: bool) -> None:
    """Take one step of people and say where the record stands."""
    with opened(store_url, operator) as store:
        lot = store.batch(batch_name)
        deed(office(store, batch_name), record_id_of(store, lot, record_no))
        state = record_state(store, lot, record_no)
    if as_json:
        print_json({"batch": batch_name, "record": record_no, "state": state})
    else:
        say(f"batch {batch_name}, record {record_no}: {state}")


@doubt.command()
@step
@click.option("--chip", required=True, metavar="ID", help="Identity of the chip in hand, as `doubt list` has it.")
@click.option("--code", required=True, help="Why it is rejected.")
def resolve(
    batch_name: str, record_no: int, chip: str, code: str, store_url: str, operator: str, as_json: bool
) -> None:
    """Reject a card in doubt that no reader can read; what it is, its print says. `doubt present` does all others."""

    def deed(desk: production.Office, record_id: int) -> None:
        desk.resolve(record_id, chip, "REJECTED", code)

    take(deed, batch_name, record_no, store_url, operator, as_json=as_json)


@doubt.command()
@step
@click.option("--witness", required=True, metavar="REFERENCE", help="Reference of the destruction.")
def scrap(batch_name: str, record_no: int, witness: str, store_url: str, operator: str, as_json: bool) -> None:
    """Note that a rejected card was destroyed."""
    take(lambda desk, row: desk.scrap(row, witness), batch_name, record_no, store_url, operator, as_json=as_json)


@doubt.command()
@step
@click.option("--incident", required=True, metavar="NUMBER", help="Number of the incident.")
def lost(batch_name: str, record_no: int, incident: str, store_url: str, operator: str, as_json: bool) -> None:
    """Declare a card lost, for ever: its credentials are reported compromised."""
    take(lambda desk, row: desk.lost(row, incident), batch_name, record_no, store_url, operator, as_json=as_json)


@doubt.command()
@step
def remake(batch_name: str, record_no: int, store_url: str, operator: str, as_json: bool) -> None:
    """Let a second card be made for a record whose first one was scrapped."""
    take(production.Office.remake, batch_name, record_no, store_url, operator, as_json=as_json)


@doubt.command()
@step
@click.option("--code", required=True, help="What quality assurance found.")
def recall(batch_name: str, record_no: int, code: str, store_url: str, operator: str, as_json: bool) -> None:
    """Turn a good card into a rejected one."""
    take(lambda desk, row: desk.recall(row, code), batch_name, record_no, store_url, operator, as_json=as_json)


@doubt.command()
@step
def cancel(batch_name: str, record_no: int, store_url: str, operator: str, as_json: bool) -> None:
    """Let no card be made for a record that is still READY."""
    take(production.Office.cancel, batch_name, record_no, store_url, operator, as_json=as_json)


@doubt.command("dead-station")
@click.argument("station")
@options.store
def dead_station(station: str, store_url: str, operator: str) -> None:
    """Declare STATION dead: it said nothing for its lease's time. What it had BOUND is in doubt, the rest goes on."""
    with opened(store_url, operator) as store:
        done = production.declare_dead(store, station, people(store))
    say(f"station {station}: {len(done.in_doubt)} cards in doubt, {len(done.released)} records given back")

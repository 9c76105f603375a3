"""``cardkit payment store``: data groupings for applications that take them in clear, as simulators and samples do."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import click

from cardkit.apps.emv.commands import select
from cardkit.apps.gp.storedata import LAST, Packing, pack, store_commands
from cardkit.cli import options
from cardkit.cli.gp_content import override, read_groupings
from cardkit.cli.gp_task import aid_from, confirm
from cardkit.cli.render import print_json
from cardkit.target import open_card

_LONGEST = 255


@click.command("store")
@click.argument("aid")
@click.option(
    "--dgi", "files", multiple=True, required=True, type=click.Path(exists=True, dir_okay=False, path_type=Path),
    metavar="FILE", help="Data groupings, one DGIxxxx=hex a line; sent as they are.",
)  # fmt: skip
@click.option(
    "--packing", type=click.Choice([item.value for item in Packing]), default=Packing.WHOLE.value, show_default=True,
    help="One grouping a command, several, or cut wherever a command is full.",
)  # fmt: skip
@click.option("--p1", "single", multiple=True, metavar="N=HEX", help="All of P1 of block N, or of the 'last' one.")
@click.option("--open", "stay_open", is_flag=True, help="Do not close the personalization with the last block.")
@click.option("--yes", is_flag=True, help="Write without asking; without it the plan is shown first.")
@options.reader
@options.as_json
def store_command(
    aid: str,
    files: tuple[Path, ...],
    packing: str,
    single: tuple[str, ...],
    stay_open: bool,
    yes: bool,
    reader: str,
    as_json: bool,
) -> None:
    """Personalize the application AID by bare STORE DATA, without a secure channel.

    For simulators and sample cards. A card of a plant's takes no such command: there `personalize` and
    `gp store-data` open a channel first.
    """
    name = aid_from(aid)
    groupings = [replace(item, secret=False) for path in files for item in read_groupings(path)]
    blocks = pack(groupings, _LONGEST, packing=Packing(packing))
    commands = store_commands(blocks, p1=dict(map(override, single)))
    if stay_open:
        commands[-1] = replace(commands[-1], p1=commands[-1].p1 & ~LAST)
    steps = [f"select {name.hex().upper()}", *(f"{c.nc} bytes in clear, P1 {c.p1:02X} P2 {c.p2:02X}" for c in commands)]
    with open_card(reader) as card:
        confirm(reader, steps, yes=yes)
        card.channel.require(select(name), what="SELECT")
        for number, command in enumerate(commands, 1):
            card.channel.require(command, what=f"STORE DATA {number} of {len(commands)} (P1 {command.p1:02X})")
    if as_json:
        sent = [{"p1": f"{command.p1:02X}", "bytes": command.nc} for command in commands]
        print_json({"reader": reader, "stored": name.hex().upper(), "blocks": sent})
    else:
        click.echo(f"stored {len(groupings)} groupings in {len(commands)} blocks")

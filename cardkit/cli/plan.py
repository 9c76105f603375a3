"""``cardkit plan``: what would be done to a card, before any card is touched."""

from __future__ import annotations

import secrets
from pathlib import Path
from typing import Any

import click

from cardkit.cli import options
from cardkit.cli.keys_option import profile_keys
from cardkit.cli.order import open_job
from cardkit.cli.render import facts, print_json, say, table
from cardkit.errors import ProfileError
from cardkit.perso import Plan, prepare
from cardkit.perso import plan as make_plan
from cardkit.profile import Profile
from cardkit.target import open_card
from cardkit.transport.base import TransmissionProtocol

BIT_RATES = (0x11, 0x94, 0x95, 0x96, 0x97)
PROTOCOLS = (TransmissionProtocol.T0, TransmissionProtocol.T1)


@click.command()
@click.argument("profile")
@options.order
@options.record
@click.option("--reader", metavar="R", help="Also say whether the card in this reader is the profile's chip.")
@profile_keys
@options.as_json
def plan(
    profile: str,
    order_path: Path,
    record_no: int,
    reader: str | None,
    keys_url: str,
    descriptor: int | None,
    as_json: bool,
) -> None:
    """Show the desired states of one card, the APDUs and bytes they cost, and the seconds they take."""
    job = open_job(profile, order_path, keys_url, descriptor)
    with job.keystore:
        record = job.record(record_no)
        prepared = prepare(job.profile, record, job.keystore, secrets.token_bytes)
        todo = make_plan(job.profile, record, prepared, job.keystore)
    if reader is not None:
        check_chip(job.profile, reader)
    if as_json:
        print_json(document(job.profile, todo))
    else:
        show(job.profile, todo)


def check_chip(profile: Profile, reader: str) -> None:
    """Refuse to plan for a card that is not the profile's chip.

    :raises ProfileError: naming both ATRs.
    """
    with open_card(reader) as card:
        if not profile.chip.matches(card.atr):
            got, expected = card.atr.hex().upper(), f"{profile.chip.atr}, mask {profile.chip.atr_mask}"
            raise ProfileError(f"{reader}: ATR {got}, expected chip {profile.chip.name} ({expected})")


def document(profile: Profile, todo: Plan) -> dict[str, Any]:
    """Return the plan as ``--json`` prints it."""
    return {
        "profile": {
            "name": profile.name,
            "version": profile.version,
            "sha256": profile.sha256.hex(),
            "chip": profile.chip.name,
        },
        **todo.to_json(),
        "totals": todo.totals(),
        "seconds": {
            f"T={protocol.value}": {f"{ta1:02X}": round(todo.seconds(ta1, protocol), 4) for ta1 in BIT_RATES}
            for protocol in PROTOCOLS
        },
    }


def show_scripts(todo: Plan) -> None:
    """Print what was computed beforehand: for which card and moment, and every command by header and digest."""
    for script in todo.scripts:
        click.echo()
        click.echo(f"{script.name}, computed beforehand: " + "  ".join(f"{k} {v}" for k, v in script.terms.items()))
        table(
            ["no", "header", "bytes", "SHA-256"],
            [
                (number, command["header"], command["bytes"], command["sha256"])
                for number, command in enumerate(script.to_json()["commands"], 1)
            ],
        )


def show(profile: Profile, todo: Plan) -> None:
    """Print the plan for people."""
    click.echo(
        f"profile {profile.name} {profile.version}  sha256 {profile.sha256.hex()[:12]}  chip {profile.chip.name}  "
        f"states {len(todo.states)}"
    )
    table(
        ["phase", "state", "access", "seen by", "what"],
        [
            (state.phase, state.name, state.access.name if state.access else "-", state.seen, state.title)
            for state in todo.states
        ],
    )
    click.echo()
    totals = todo.totals()
    table(
        ["phase", "APDUs", "bytes in", "bytes out"],
        [
            *((phase, part["apdus"], part["bytes_in"], part["bytes_out"]) for phase, part in totals.items()),
            ("all", *(sum(part[key] for part in totals.values()) for key in ("apdus", "bytes_in", "bytes_out"))),
        ],
    )
    show_scripts(todo)
    click.echo()
    facts(todo.remarks.items())
    facts(
        (
            f"card time T={protocol.value}",
            "  ".join(f"TA1={ta1:02X} {todo.seconds(ta1, protocol):.2f} s" for ta1 in BIT_RATES),
        )
        for protocol in PROTOCOLS
    )
    facts([("software", f"{software_budget_us(todo):.0f} us an APDU are 1 % of the card time at TA1=97, T=1")])
    say("nothing was sent to a card; bind happens before the first command of the fence that writes")


def software_budget_us(todo: Plan) -> float:
    """Return how long software may take beside each APDU to cost 1 % of a fast card's time; production.md 19."""
    return todo.seconds(BIT_RATES[-1], TransmissionProtocol.T1) / max(len(todo.steps), 1) * 1e6 / 100

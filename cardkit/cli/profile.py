"""``cardkit profile``: check a profile, show it, print its JSON Schema, compare two versions."""

from __future__ import annotations

import click

from cardkit.cli import options
from cardkit.cli.render import facts, print_json, say, table
from cardkit.perso.planner import compiled
from cardkit.profile import Profile, diff_profiles, json_schema, load_profile
from cardkit.profile.field import Field


@click.group()
def profile() -> None:
    """Check, show and compare profiles."""


@profile.command()
@click.argument("profiles", nargs=-1, required=True, metavar="PROFILE...")
def check(profiles: tuple[str, ...]) -> None:
    """Load each PROFILE, plan it for its chip, and say that it is right, or where it is not."""
    for path in profiles:
        loaded = load_profile(path)
        compiled(loaded)
        click.echo(f"{path}: {loaded.name} {loaded.version} is right, sha256 {loaded.sha256.hex()}")


@profile.command()
@click.argument("path", metavar="PROFILE")
@options.as_json
def show(path: str, as_json: bool) -> None:
    """Show what a profile makes of a card."""
    loaded = load_profile(path)
    if as_json:
        print_json(document(loaded))
        return
    facts(
        [
            ("profile", f"{loaded.name} {loaded.version}: {loaded.title}"),
            ("kind", loaded.kind),
            ("sha256", loaded.sha256.hex()),
            ("chip", f"{loaded.chip.name}: {loaded.chip.title}"),
            ("applications", ", ".join(loaded.apps)),
        ]
    )
    click.echo()
    table(
        ["record field", "type", "class", "unique"],
        [(name, field.type, secrecy(field), field.key or "") for name, field in loaded.record.fields.items()],
    )


def secrecy(field: Field) -> str:
    """Return a field's class; a key is always secret."""
    return "secret" if field.is_secret else field.class_


def document(loaded: Profile) -> dict[str, object]:
    """Return a profile as ``--json`` shows it."""
    return {
        "name": loaded.name,
        "version": loaded.version,
        "title": loaded.title,
        "kind": loaded.kind,
        "sha256": loaded.sha256.hex(),
        "chip": loaded.chip.name,
        "apps": list(loaded.apps),
        "record": {
            name: {"type": field.type, "class": secrecy(field), "unique": field.key}
            for name, field in loaded.record.fields.items()
        },
    }


@profile.command()
def schema() -> None:
    """Print the JSON Schema of profile.toml, for editors."""
    print_json(json_schema())


@profile.command()
@click.argument("left")
@click.argument("right")
@options.as_json
def diff(left: str, right: str, as_json: bool) -> int:
    """Show what two profiles say differently; exit code 1 if anything."""
    changes = diff_profiles(load_profile(left), load_profile(right))
    if as_json:
        print_json([{"where": item.where, "left": item.left, "right": item.right} for item in changes])
    elif changes:
        table(["where", "left", "right"], [(item.where, item.left, item.right) for item in changes])
    else:
        say("the profiles say the same")
    return 1 if changes else 0

"""``cardkit users`` and ``cardkit roles``: named accounts and what they may do."""

from __future__ import annotations

from collections.abc import Sequence

import click

from cardkit.cli import options
from cardkit.cli.people import opened, passwords
from cardkit.cli.render import print_json, say, table
from cardkit.production.people import accounts
from cardkit.production.people.roles import ABOUT, NEEDS, Role, Step, asked

_NAME = click.argument("name")
_ROLES = click.option(
    "--role",
    "roles",
    required=True,
    multiple=True,
    type=click.Choice([role.value for role in Role]),
    help="What the account may do; may be given several times.",
)


@click.group()
def users() -> None:
    """Add, lock and list the accounts of a store.

    Passwords are asked for without echo, or read from --login-fd: first the operator's, then a new one.
    """


@users.command()
@_NAME
@_ROLES
@click.option("--person", metavar="ID", help="Staff number or the like, one account each; by default the name.")
@click.option("--live", is_flag=True, help="Make a LIVE store if there is none; its first account administrates.")
@options.store
def add(name: str, roles: Sequence[str], person: str | None, live: bool, store_url: str, operator: str) -> None:
    """Make account NAME."""
    kind = "LIVE" if live else None
    with opened(store_url, operator, create=live, kind=kind) as store:
        password = passwords().twice(f"new password of {name}")
        accounts.add(store, name, person or name, [Role(role) for role in roles], password)
    say(f"account {name}: {', '.join(sorted(roles))}")


@users.command("list")
@options.store
@options.as_json
def list_(store_url: str, operator: str, as_json: bool) -> None:
    """List all accounts."""
    with opened(store_url, operator) as store:
        found = accounts.accounts(store)
    if as_json:
        print_json(
            [
                {"name": one.name, "person": one.person, "state": one.state, "failures": one.failures,
                 "roles": one.roles, "changed_at": one.changed_at.isoformat()}
                for one in found
            ]
        )  # fmt: skip
        return
    table(
        ["name", "person", "state", "failures", "roles"],
        [(one.name, one.person, one.state, one.failures, ", ".join(one.roles)) for one in found],
    )


@users.command()
@_NAME
@options.store
def lock(name: str, store_url: str, operator: str) -> None:
    """Let account NAME log in no more."""
    with opened(store_url, operator) as store:
        accounts.lock(store, name)
    say(f"account {name}: locked")


@users.command()
@_NAME
@options.store
def unlock(name: str, store_url: str, operator: str) -> None:
    """Let locked account NAME log in again."""
    with opened(store_url, operator) as store:
        accounts.unlock(store, name)
    say(f"account {name}: unlocked")


@users.command()
@_NAME
@options.store
def password(name: str, store_url: str, operator: str) -> None:
    """Give account NAME another password: its own person, or an administrator."""
    with opened(store_url, operator) as store:
        accounts.set_password(store, name, passwords().twice(f"new password of {name}"))
    say(f"account {name}: password changed")


@users.command("roles")
@_NAME
@_ROLES
@options.store
def set_roles(name: str, roles: Sequence[str], store_url: str, operator: str) -> None:
    """Give account NAME these roles instead of those it has."""
    with opened(store_url, operator) as store:
        accounts.set_roles(store, name, [Role(role) for role in roles])
    say(f"account {name}: {', '.join(sorted(roles))}")


@click.group()
def roles() -> None:
    """Say what roles there are, and whom each step needs."""


@roles.command("list")
@options.as_json
def list_roles(as_json: bool) -> None:
    """List roles, and the steps with whom they need in a LIVE store."""
    if as_json:
        print_json(
            {
                "roles": {role.value: ABOUT[role] for role in Role},
                "steps": {step.name: [sorted(place) for place in NEEDS[step]] for step in Step},
            }
        )
        return
    table(["role", "what it is for"], [(role, ABOUT[role]) for role in Role])
    click.echo()
    table(["step", "needs"], [(step, asked(step)) for step in Step])

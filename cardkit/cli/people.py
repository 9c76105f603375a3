"""Who stands behind a command: the operator and, by ``--by``, further people; in a LIVE store each logs in."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import click

from cardkit import production
from cardkit.cli.options import BY, LOGIN_FD
from cardkit.cli.secrets_input import SecretSource, source
from cardkit.production.people.accounts import has_accounts, log_in, log_out


@contextmanager
def opened(
    store_url: str, operator: str, *, create: bool = False, kind: str | None = None
) -> Iterator[production.Store]:
    """Open the store for one command; in a LIVE store everybody the command names logs in, and out at its end."""
    store = production.open_store(store_url, operator=operator, create=create, kind=kind)
    try:
        if store.terms.kind == "LIVE" and has_accounts(store):
            secrets = passwords()
            for name in people(store):
                log_in(store, name, secrets.secret(f"password of {name}"))
        yield store
    finally:
        for name in store.presence.names():
            log_out(store, name)
        store.close()


def people(store: production.Store) -> tuple[str, ...]:
    """Return whom a command names, the operator first."""
    return tuple(dict.fromkeys((store.operator, *click.get_current_context().meta.get(BY, ()))))


def passwords() -> SecretSource:
    """Return where passwords come from: the descriptor of ``--login-fd``, or the terminal."""
    return source(click.get_current_context().meta.get(LOGIN_FD), "--login-fd")

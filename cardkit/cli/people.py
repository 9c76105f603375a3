"""Who stands behind a command: the operator and, by ``--by``, further people; in a LIVE store each logs in."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

import click

from cardkit import production
from cardkit.cli.keys_option import open_managed
from cardkit.cli.options import AUDIT_KEYS, BY, LOGIN_FD
from cardkit.cli.secrets_input import SecretSource, source
from cardkit.production.people.accounts import has_accounts, log_in, log_out


@contextmanager
def opened(
    store_url: str, operator: str, *, create: bool = False, kind: str | None = None
) -> Iterator[production.Store]:
    """Open the store for one command; in a LIVE store everybody the command names logs in, and out at its end."""
    with ExitStack() as stack:
        store = stack.enter_context(production.open_store(store_url, operator=operator, create=create, kind=kind))
        stack.callback(_leave, store)
        if store.terms.kind == "LIVE" and has_accounts(store):
            secrets = passwords()
            for name in people(store):
                log_in(store, name, secrets.secret(f"password of {name}"))
        keys_url = click.get_current_context().meta.get(AUDIT_KEYS)
        if keys_url is not None:
            store.audit_keys = stack.enter_context(open_managed(keys_url, passwords()))
        yield store


def _leave(store: production.Store) -> None:
    for name in store.presence.names():
        log_out(store, name)


def people(store: production.Store) -> tuple[str, ...]:
    """Return whom a command names, the operator first."""
    return tuple(dict.fromkeys((store.operator, *click.get_current_context().meta.get(BY, ()))))


def passwords() -> SecretSource:
    """Return where passwords come from: the descriptor of ``--login-fd``, or the terminal."""
    return source(click.get_current_context().meta.get(LOGIN_FD), "--login-fd")

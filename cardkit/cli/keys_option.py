"""The ``--keys`` option of every verb that needs keys, and how its store is opened."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, TypeVar

import click

from cardkit.cli.secrets_input import SecretSource, source
from cardkit.crypto import MemoryKeyStore
from cardkit.crypto.keysource import KeySource, OpenKeyStore, OpenManagedKeyStore, what_opens

Command = TypeVar("Command", bound=Callable[..., Any])
TEST_KEYS = "test"
URL_HELP = "test (published test keys), file:PATH, or pkcs11:token=LABEL?module-path=LIBRARY."


def passphrase_fd(command: Command) -> Command:
    """Add ``--passphrase-fd``."""
    return click.option(
        "--passphrase-fd",
        "descriptor",
        type=click.IntRange(min=0),
        metavar="N",
        help="Read passphrases and PINs from this file descriptor, a line each, instead of asking.",
    )(command)


def profile_keys(command: Command) -> Command:
    """Add ``--keys`` with the profile's test keys as default, and ``--passphrase-fd``."""
    named = click.option(
        "--keys", "keys_url", default="", metavar="URL",
        help="Key store: file:PATH or pkcs11:...; by default the profile's test keys.",
    )  # fmt: skip
    return named(passphrase_fd(command))


def keystore(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add ``--keys`` and ``--passphrase-fd``; the command gets the open store as ``keystore``, closed afterwards."""

    @functools.wraps(command)
    def opening(*args: object, keys_url: str, descriptor: int | None, **options: object) -> object:
        with open_keystore(keys_url, descriptor) as opened:
            return command(*args, keystore=opened, **options)

    option = click.option("--keys", "keys_url", default=TEST_KEYS, show_default=True, metavar="URL", help=URL_HELP)
    return option(passphrase_fd(opening))


def open_keystore(url: str, descriptor: int | None = None) -> OpenKeyStore:
    """Open a key store.

    :param url: ``test`` or nothing, ``file:PATH``, or ``pkcs11:...`` (RFC 7512).
    :param descriptor: where passphrase, PIN or shares come from; None asks at the terminal.
    :raises KeyStoreError: on another form, or where the store does not open.
    """
    if url in ("", TEST_KEYS):
        return MemoryKeyStore.with_published_test_keys()
    return open_managed(url, source(descriptor))


@contextmanager
def named_keys(url: str, descriptor: int | None) -> Iterator[KeySource | None]:
    """Give what ``--keys`` names, not open yet, and what opens it; None where it names nothing.

    :param descriptor: where passphrase, PIN or shares come from; None asks at the terminal.
    """
    if not url:
        yield None
        return
    with key_source(url, source(descriptor)) as keys:
        yield keys


def open_managed(url: str, secrets: SecretSource) -> OpenManagedKeyStore:
    """Open a key store that keeps its keys: a file or a token.

    :raises KeyStoreError: on another form, or where the store does not open.
    """
    with key_source(url, secrets) as keys:
        return keys.open()


@contextmanager
def key_source(url: str, secrets: SecretSource) -> Iterator[KeySource]:
    """Ask for what opens a key store and give both for the length of a ``with`` block; then they are forgotten.

    :raises KeyStoreError: on another form, or where there is no key file.
    """
    keys = KeySource(url, tuple(secrets.secret(what) for what in what_opens(url)))
    try:
        yield keys
    finally:
        keys.wipe()

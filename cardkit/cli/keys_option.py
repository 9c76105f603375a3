"""The ``--keys`` option of every verb that needs keys, and how its store is opened."""

from __future__ import annotations

import functools
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any, Protocol, TypeVar

import click

from cardkit.cli.secrets_input import SecretSource, source
from cardkit.crypto import KeyStore, MemoryKeyStore
from cardkit.crypto.filestore import FileKeyStore, unlocking
from cardkit.crypto.management import ManagedKeyStore
from cardkit.crypto.shamir import Share
from cardkit.errors import KeyStoreError

Command = TypeVar("Command", bound=Callable[..., Any])
TEST_KEYS = "test"
FILE = "file:"
PKCS11 = "pkcs11:"
URL_HELP = "test (published test keys), file:PATH, or pkcs11:token=LABEL?module-path=LIBRARY."


class OpenKeyStore(KeyStore, AbstractContextManager["OpenKeyStore"], Protocol):
    """A key store that a ``with`` block closes."""


class OpenManagedKeyStore(ManagedKeyStore, AbstractContextManager["OpenManagedKeyStore"], Protocol):
    """A key store whose keys are kept, and that a ``with`` block closes."""


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


def open_managed(url: str, secrets: SecretSource) -> OpenManagedKeyStore:
    """Open a key store that keeps its keys: a file or a token.

    :raises KeyStoreError: on another form, or where the store does not open.
    """
    if url.startswith(FILE):
        return open_file(file_path(url), secrets)
    if url.startswith(PKCS11):
        from cardkit.crypto.pkcs11store import Pkcs11KeyStore  # noqa: PLC0415  an extra: not everybody has it

        return Pkcs11KeyStore.open(url, secrets.secret("PIN of the token"))
    raise KeyStoreError(f"key store {url!r}: expected test, file:PATH or pkcs11:...")


def open_file(path: Path, secrets: SecretSource) -> FileKeyStore:
    """Open a key file with a passphrase, or with as many shares as it asks for."""
    unlock = unlocking(path)
    if unlock.by == "passphrase":
        return FileKeyStore.open(path, secrets.secret(f"passphrase of {path}"))
    shares = []
    for number in range(1, unlock.m + 1):
        with secrets.secret(f"share {number} of {unlock.m} for {path}").reveal() as text:
            shares.append(Share.from_text(text.decode("utf-8", "replace")))
    return FileKeyStore.open(path, shares)


def file_path(url: str) -> Path:
    """Return the path of a ``file:`` URL, or of a bare path; KeyStoreError where there is none."""
    path = url.removeprefix(FILE)
    if not path:
        raise KeyStoreError(f"key store {url!r}: expected file:PATH")
    return Path(path)

"""How the command line takes secrets: typed without echo, or line by line from a file descriptor; never as arguments.

Nothing is written anywhere: neither command line, environment, history nor a temporary file sees them.
"""

from __future__ import annotations

import io
import os
import sys
from typing import Protocol

import click

from cardkit.crypto import Secret
from cardkit.errors import KeyStoreError

MOST_BYTES = 4096


class SecretSource(Protocol):
    """Where secrets come from."""

    def secret(self, what: str) -> Secret:
        """Return one secret, asked for by name."""
        ...

    def twice(self, what: str) -> Secret:
        """Return one secret that is typed twice, so that a slip is noticed."""
        ...


class Prompt:
    """A person at a terminal; what is typed is not shown.

    :param option: names a file descriptor instead, where there is no terminal.
    """

    def __init__(self, option: str = "--passphrase-fd") -> None:
        self._option = option

    def secret(self, what: str) -> Secret:
        """Ask once."""
        if not _has_terminal():
            raise KeyStoreError(f"{what}: no terminal to ask at: expected {self._option} N")
        return _secret(click.prompt(what, hide_input=True, default="", show_default=False, err=True), what)

    def twice(self, what: str) -> Secret:
        """Ask twice, and refuse two different answers."""
        first, second = self.secret(what), self.secret(f"{what} (again)")
        if first != second:
            raise KeyStoreError(f"{what}: typed differently the second time")
        return first


class Lines:
    """A file descriptor another program holds: one secret a line, in the order they are asked for.

    :param descriptor: open for reading; 0 is standard input.
    """

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor

    def secret(self, what: str) -> Secret:
        """Take the next line."""
        line = bytearray()
        try:
            while len(line) < MOST_BYTES:
                byte = os.read(self._descriptor, 1)  # unbuffered: nothing stays behind, nothing is read too far
                if byte in (b"", b"\n"):
                    break
                line += byte
        except OSError as error:
            raise KeyStoreError(f"file descriptor {self._descriptor}: {error.strerror or error}") from None
        if line.endswith(b"\r"):
            line.pop()
        if not line:
            raise KeyStoreError(f"file descriptor {self._descriptor}: ended, expected a line with {what}")
        try:
            return Secret(line, what)
        finally:
            line[:] = bytes(len(line))

    def twice(self, what: str) -> Secret:
        """Take the next line: nobody types it, so that it comes once."""
        return self.secret(what)


def source(descriptor: int | None, option: str = "--passphrase-fd") -> SecretSource:
    """Return a file descriptor's lines, or the terminal.

    :param option: the one that names the descriptor.
    """
    return Prompt(option) if descriptor is None else Lines(descriptor)


def _has_terminal() -> bool:
    try:
        return sys.stdin.isatty()
    except (AttributeError, ValueError, io.UnsupportedOperation):
        return False


def _secret(text: str, what: str) -> Secret:
    if not text:
        raise KeyStoreError(f"{what}: nothing was typed")
    return Secret(text.encode(), what)

"""GnuPG 2.2 or later as a subprocess: what its calls for orders and for output files share. security.md 10"""

from __future__ import annotations

import re
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from cardkit.errors import KeyStoreError, StoreError

_FINGERPRINT = re.compile(r"[0-9A-F]{40}")
_QUIET = (
    "--batch", "--no-tty", "--no-auto-key-retrieve", "--disable-dirmngr", "--trust-model", "always",
)  # fmt: skip


def check_fingerprint(what: str, text: str) -> None:
    """Refuse anything but a full fingerprint; KeyStoreError."""
    if not _FINGERPRINT.fullmatch(text):
        raise KeyStoreError(f"{what}: expected a full fingerprint, 40 capital hex digits, got {len(text)}")


@contextmanager
def command(home: Path | None) -> Iterator[list[str]]:
    """Give the words every call begins with; the agent that a call starts for a home folder is ended afterwards.

    :param home: folder with the keys; None for the user's own, whose agent goes on.
    :raises StoreError: where there is no ``gpg``.
    """
    program = shutil.which("gpg")
    if program is None:
        raise StoreError("gpg is not installed; orders and output files are encrypted with it")
    if home is None:
        yield [program, *_QUIET]
        return
    try:
        yield [program, "--homedir", str(home), *_QUIET]
    finally:
        _end_agent(home)


def _end_agent(home: Path) -> None:
    gpgconf = shutil.which("gpgconf")
    if gpgconf is not None:
        words = [gpgconf, "--homedir", str(home), "--kill", "gpg-agent"]
        subprocess.run(words, capture_output=True, check=False)  # noqa: S603  a program of the system, a folder

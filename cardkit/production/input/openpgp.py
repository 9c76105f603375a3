"""Order files in OpenPGP: nobody reads a byte of one before ``gpg`` has proved who signed it. Linux only. D1, D5

The plaintext goes into anonymous memory (``memfd_create``), never to a disk; what is refused is dropped unread.
"""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import BinaryIO

from cardkit.errors import RecordError, StoreError
from cardkit.production.gpg import check_fingerprint, command
from cardkit.production.input.signature import Pinned, Status, judge

MOST_BYTES = 1 << 30
MOST_STATUS = 1 << 20


@dataclass(frozen=True, slots=True)
class Sender:
    """Who sends an order, and how it is opened.

    :param fingerprint: of the primary key that must have signed it.
    :param home: folder of ``gpg`` with the plant's key and this customer's; None for the user's own.
    :param passphrase_fd: descriptor that ``gpg`` reads the plant's passphrase from, where its key has one.
    :param most_bytes: that an order may have.
    :raises KeyStoreError: on anything but a full fingerprint.
    """

    fingerprint: str
    home: Path | None = None
    passphrase_fd: int | None = None
    most_bytes: int = MOST_BYTES

    def __post_init__(self) -> None:
        check_fingerprint("signer of the order", self.fingerprint)


@contextmanager
def decrypted(path: Path, sender: Sender, now: datetime) -> Iterator[BinaryIO]:
    """Give the plaintext of an order file that its customer has signed for us; gone when the block ends.

    :param now: aware; signatures are of the last days.
    :raises RecordError: why the file is refused, with its code; FILE where it cannot be read.
    :raises StoreError: where there is no ``gpg``, or this is not Linux.
    """
    if not hasattr(os, "memfd_create"):
        raise StoreError("orders in OpenPGP are read on Linux: elsewhere their plaintext would touch the disk")
    with os.fdopen(os.memfd_create("order", os.MFD_CLOEXEC), "w+b") as plain:
        status = _decrypt(path, sender, plain)
        try:
            judge(status, Pinned(sender.fingerprint), now)
        except RecordError as error:
            raise RecordError(f"{path}: {error.code}: {error}; nothing of it was read", code=error.code) from None
        plain.seek(0)
        yield plain


def _decrypt(path: Path, sender: Sender, plain: BinaryIO) -> Status:
    """Run gpg; return what it said."""
    passphrase = sender.passphrase_fd
    ends, theirs = os.pipe()
    words = ["--status-fd", str(theirs), "--max-output", str(sender.most_bytes)]
    given = [theirs]
    if passphrase is not None:
        words += ["--pinentry-mode", "loopback", "--passphrase-fd", str(passphrase)]
        given.append(passphrase)
    with command(sender.home) as gpg, os.fdopen(ends, "rb") as status:
        try:
            with path.open("rb") as file:
                process = subprocess.Popen(  # noqa: S603  a program of the system, nothing of the file in its words
                    [*gpg, *words, "--decrypt"], stdin=file, stdout=plain, stderr=subprocess.DEVNULL, pass_fds=given
                )
        except OSError as error:
            raise RecordError(f"{path}: cannot be read: {error.strerror or error}", code="FILE") from None
        finally:
            os.close(theirs)
        with process:
            said = status.read(MOST_STATUS)
            if len(said) == MOST_STATUS:
                process.kill()
    return Status(said.decode("utf-8", "replace").split("\n")[:-1], process.returncode)

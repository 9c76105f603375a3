"""OpenPGP through ``gpg``: an output file is signed, and encrypted to one recipient, on its way to the disk.

No plaintext touches the disk. GnuPG 2.2 or later, own home folder, full fingerprints. security.md 10, D6
"""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, BinaryIO

from cardkit.errors import StoreError
from cardkit.production.gpg import check_fingerprint, command


@dataclass(frozen=True, slots=True)
class Envelope:
    """Who may read a file, and who answers for it.

    :param recipient: fingerprint of the customer's key.  :param signer: fingerprint of the plant's key.
    :param home: folder of ``gpg`` with both; None for its usual one.
    :raises KeyStoreError: on anything but full fingerprints of 40 capital hex digits.
    """

    recipient: str
    signer: str
    home: Path | None = None

    def __post_init__(self) -> None:
        check_fingerprint("recipient", self.recipient)
        check_fingerprint("signer", self.signer)

    @contextmanager
    def around(self, stream: BinaryIO) -> Iterator[IO[bytes]]:
        """Give a stream for plaintext; what stands in ``stream`` after the block is signed and encrypted.

        :raises StoreError: where there is no ``gpg``, or it refuses.
        """
        with command(self.home) as words:
            process = subprocess.Popen(  # noqa: S603  a program of the system, arguments checked above
                [*words, *self._words()], stdin=subprocess.PIPE, stdout=stream, stderr=subprocess.PIPE
            )
            with process:
                try:
                    yield _pipe(process.stdin)
                except BrokenPipeError:
                    pass  # gpg has ended: it says why below
                except BaseException:
                    process.kill()
                    raise
                _, said = process.communicate()
        if process.returncode:
            raise StoreError(f"gpg ended with {process.returncode}: {_last_line(said)}")

    def _words(self) -> list[str]:
        keys = ["--local-user", f"{self.signer}!", "--recipient", self.recipient]
        return [*keys, "--cipher-algo", "AES256", "--digest-algo", "SHA512", "--sign", "--encrypt"]


def _pipe(stdin: IO[bytes] | None) -> IO[bytes]:
    if stdin is None:
        raise StoreError("gpg takes no input")
    return stdin


def _last_line(said: bytes) -> str:
    lines = said.decode("utf-8", "replace").strip().splitlines()
    return ascii(lines[-1][:200])[1:-1] if lines else "no reason given"

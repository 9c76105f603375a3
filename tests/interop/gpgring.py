"""A folder of gpg with keys that are made quickly and have no passphrase."""

from __future__ import annotations

import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


class Ring:
    """A folder of gpg."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        folder.mkdir(mode=0o700)

    def run(self, *words: str, given: bytes = b"") -> bytes:
        command = ["gpg", "--homedir", str(self.folder), "--batch", "--no-tty", "--disable-dirmngr", "--yes"]
        done = subprocess.run(
            [*command, "--trust-model", "always", "--passphrase", "", *words],
            input=given, capture_output=True, check=False,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr.decode()
        return done.stdout

    def make(self, name: str, *words: str, expires: str = "never") -> str:
        self.run(*words, "--quick-gen-key", name, "future-default", "default", expires)
        listed = self.run("--with-colons", "--list-keys", f"={name}" if "@" not in name else name).decode()
        return next(line.split(":")[9] for line in listed.splitlines() if line.startswith("fpr"))

    def end(self) -> None:
        subprocess.run(["gpgconf", "--homedir", str(self.folder), "--kill", "gpg-agent"], check=False)


@contextmanager
def two_rings() -> Iterator[tuple[Ring, Ring, str, str]]:
    """Give the rings of a plant and its customer, who know each other, and the fingerprints of both."""
    with tempfile.TemporaryDirectory(prefix="ck", dir="/tmp") as folder:  # sockets want short paths
        plant, customer = Ring(Path(folder) / "p"), Ring(Path(folder) / "c")
        ours, theirs = plant.make("plant@example.test"), customer.make("customer@example.test")
        plant.run("--import", given=customer.run("--export"))
        customer.run("--import", given=plant.run("--export"))
        yield plant, customer, ours, theirs
        plant.end()
        customer.end()

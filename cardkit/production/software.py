"""Which software this is: one digest over all its files, for transcripts and whoever compares two installations."""

from __future__ import annotations

import hashlib
from functools import cache
from importlib.resources import files
from importlib.resources.abc import Traversable

LEFT_OUT = ("__pycache__",)


@cache
def software_sha256() -> str:
    """Return the digest of every file of the package as it is installed, lower hex.

    It is that of the text ``sha256sum`` prints for them, sorted by path.
    """
    lines = sorted(_lines(files("cardkit"), ""))
    return hashlib.sha256("".join(lines).encode()).hexdigest()


def _lines(folder: Traversable, path: str) -> list[str]:
    found: list[str] = []
    for entry in folder.iterdir():
        name = f"{path}{entry.name}"
        if entry.is_dir():
            found += _lines(entry, f"{name}/") if entry.name not in LEFT_OUT else []
        else:
            found.append(f"{hashlib.sha256(entry.read_bytes()).hexdigest()}  {name}\n")
    return found

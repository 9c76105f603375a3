"""What a disk holds at each moment, and what of it a power cut may leave.

A file's contents are durable as of its last sync, its name as of the last sync of its folder. Of all later writes any
sectors may have reached the disk, of all later changes of names any beginning.
"""

from __future__ import annotations

import random
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import PurePosixPath
from typing import Any

ACKNOWLEDGED = "/acknowledged"
"""What is written to this file was told to the world; it is no part of the disk."""
SECTOR = 512
Event = tuple[Any, ...]
Image = dict[str, bytes]
"""Contents of files by path, as found after a crash."""


@dataclass
class File:
    """One file, or a folder's name: what is durable, and what was written since."""

    durable: bytes = b""
    folder: bool = False
    since: list[tuple[int, bytes | None]] = field(default_factory=list)

    def whole(self) -> bytes:
        """Return the contents as programs see them."""
        return self._with(self.since)

    def torn(self, dice: random.Random) -> bytes:
        """Return the durable contents with any sectors of what was written since."""
        kept: list[tuple[int, bytes | None]] = []
        for offset, data in self.since:
            if data is None:
                kept += [(offset, None)] * dice.getrandbits(1)
            else:
                kept += [piece for piece in _sectors(offset, data) if dice.getrandbits(1)]
        return self._with(kept)

    def _with(self, writes: list[tuple[int, bytes | None]]) -> bytes:
        found = bytearray(self.durable)
        for offset, data in writes:
            if data is None:
                found = found[:offset] + bytes(max(0, offset - len(found)))
            else:
                found[len(found) : offset] = bytes(max(0, offset - len(found)))
                found[offset : offset + len(data)] = data
        return bytes(found)


def _sectors(offset: int, data: bytes) -> Iterator[tuple[int, bytes]]:
    """Cut a write at the disk's sectors."""
    at = 0
    while at < len(data):
        size = SECTOR - (offset + at) % SECTOR
        yield offset + at, data[at : at + size]
        at += size


class Disk:
    """A disk to which events happen.

    :param found: what is on it before, all durable.
    """

    def __init__(self, found: Mapping[str, bytes]) -> None:
        self._names = {path: File(contents) for path, contents in found.items()}
        self._durable_names = dict(self._names)
        self._name_changes: list[tuple[str, File | None]] = []

    def happen(self, event: Event) -> None:
        """Let one event happen."""
        kind, path, *rest = event
        match kind:
            case "create" | "create folder":
                self._name(path, File(folder=kind != "create"))
            case "write" | "truncate":
                self._names[path].since.append((rest[0], rest[1] if kind == "write" else None))
            case "unlink":
                self._name(path, None)
            case "rename":
                self._name(rest[0], self._names[path])
                self._name(path, None)
            case "sync":
                file = self._names.get(path, File())
                file.durable, file.since = file.whole(), []
            case "sync folder":
                self._sync_folder(path)

    def _name(self, path: str, file: File | None) -> None:
        if file is None:
            self._names.pop(path, None)
        else:
            self._names[path] = file
        self._name_changes.append((path, file))

    def _sync_folder(self, folder: str) -> None:
        left = []
        for path, file in self._name_changes:
            if str(PurePosixPath(path).parent) != folder:
                left.append((path, file))
            elif file is None:
                self._durable_names.pop(path, None)
            else:
                self._durable_names[path] = file
        self._name_changes = left

    def images(self, dice: random.Random, torn: int) -> Iterator[Image]:
        """Yield what a power cut may leave now: nothing that was not synced, all of it, and random parts."""
        yield {path: file.durable for path, file in _reached(self._durable_names)}
        yield {path: file.whole() for path, file in _reached(self._names)}
        for _ in range(torn):
            names = dict(self._durable_names)
            for path, file in self._name_changes[: dice.randint(0, len(self._name_changes))]:
                if file is None:
                    names.pop(path, None)
                else:
                    names[path] = file
            yield {path: file.torn(dice) for path, file in _reached(names)}


def _reached(names: Mapping[str, File]) -> Iterator[tuple[str, File]]:
    """Yield the files but those in a folder whose own name was lost."""
    for path, file in names.items():
        if not file.folder and PurePosixPath(path).parent.as_posix() in ("/", *names):
            yield path, file

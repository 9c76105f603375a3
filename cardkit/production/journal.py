"""The station's journal: second witness of every bind and verdict, one file a session. production.md 5

It holds no personal data and no keys.

A record is ``length u32 | crc32 u32 | canonical JSON``, big endian, written with one ``write``; it is durable when
:meth:`Journal.sync` has returned.
"""

from __future__ import annotations

import os
import struct
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cardkit.errors import EncodingError, StoreError
from cardkit.production.canonical import canonical, parse_canonical

HEADER = struct.Struct(">II")
MAX_ENTRY_BYTES = 64 * 1024
VERSION = 1

# Windows and macOS have no fdatasync.
_flush = getattr(os, "fdatasync", os.fsync)


def frame(entry: Mapping[str, Any]) -> bytes:
    """Return the bytes of one entry."""
    text = canonical(dict(entry))
    return HEADER.pack(len(text), zlib.crc32(text)) + text


class Journal:
    """Appends entries to one session's file. After a failed write it takes no more: what follows would be unreadable.

    One thread at a time may use it.

    :raises StoreError: when the file cannot be made, written or made durable; the station must stop then.
    """

    def __init__(self, path: Path, session: Mapping[str, Any]) -> None:
        self.path = path
        self._broken = False
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_APPEND | getattr(os, "O_BINARY", 0)
            self._file = os.open(path, flags, 0o600)
        except OSError as error:
            raise StoreError(f"{path}: journal cannot be made: {error.strerror}") from error
        self.append({"v": VERSION, "event": "session", **session})
        self.sync()
        for folder in (path.parent, path.parent.parent):  # the folder may be new, too
            _flush_folder(folder)

    def append(self, entry: Mapping[str, Any]) -> None:
        """Write one entry; it may still be lost with the power until :meth:`sync`."""
        data = frame(entry)
        if self._broken:
            raise StoreError(f"{self.path}: journal takes no more entries after a failed write")
        try:
            written = os.write(self._file, data)
        except OSError as error:
            self._broken = True
            raise StoreError(f"{self.path}: journal write failed: {error.strerror}") from error
        if written != len(data):
            self._broken = True
            raise StoreError(f"{self.path}: journal write failed: {written} of {len(data)} bytes written")

    def sync(self) -> None:
        """Return when everything appended so far is durable."""
        try:
            _flush(self._file)
        except OSError as error:
            self._broken = True
            raise StoreError(f"{self.path}: journal cannot be made durable: {error.strerror}") from error

    def close(self) -> None:
        """Close the file; entries not synced are left to the system."""
        os.close(self._file)


def _flush_folder(folder: Path) -> None:
    """Make a new file's name durable where folders can be flushed (POSIX)."""
    if os.name != "posix":
        return
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


@dataclass(frozen=True, slots=True)
class Replay:
    """What a journal file holds.

    :param torn_bytes: length of an unfinished record that was cut off at the end.
    """

    entries: tuple[dict[str, Any], ...]
    torn_bytes: int = 0


def _entry_at(data: bytes, offset: int) -> tuple[dict[str, Any], int] | None:
    """Return the entry at an offset and where the next one starts, or None where there is no whole entry."""
    start = offset + HEADER.size
    if start > len(data):
        return None
    length, checksum = HEADER.unpack_from(data, offset)
    text = data[start : start + length]
    if length == 0 or length > MAX_ENTRY_BYTES or len(text) != length or zlib.crc32(text) != checksum:
        return None
    try:
        entry = parse_canonical(text)
    except EncodingError:
        return None
    return (entry, start + length) if isinstance(entry, dict) else None


def read_journal(path: Path) -> Replay:
    """Read a journal file; errors as :func:`parse_journal`, and StoreError when it cannot be read."""
    try:
        data = path.read_bytes()
    except OSError as error:
        raise StoreError(f"{path}: journal cannot be read: {error.strerror}") from error
    return parse_journal(data, path)


def parse_journal(data: bytes, path: Path) -> Replay:
    """Read the bytes of a journal.

    :param path: where they came from, for messages.
    :raises StoreError: when a whole entry follows a broken one: then it is not a torn tail but damage, and nothing
        after it may be trusted.
    """
    entries: list[dict[str, Any]] = []
    offset = 0
    while offset < len(data):
        found = _entry_at(data, offset)
        if found is None:
            if any(_entry_at(data, later) for later in range(offset + 1, len(data))):
                raise StoreError(f"{path}: journal is damaged at byte {offset}, whole entries follow")
            return Replay(tuple(entries), len(data) - offset)
        entry, offset = found
        entries.append(entry)
    return Replay(tuple(entries))


def journal_files(folder: Path) -> Iterator[Path]:
    """Yield the journals of a store, by station and session."""
    return iter(sorted(folder.glob("*.journal"))) if folder.is_dir() else iter(())

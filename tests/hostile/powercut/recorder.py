"""A file system that passes everything through and writes down, in order, what was done to it.

    python -m tests.hostile.powercut.recorder FOLDER MOUNT LOG

Each event is a pickled tuple: its kind, a path, and what it needs. What is written to ``ACKNOWLEDGED`` is an event of
its own: what a program has told the world by then.
"""

from __future__ import annotations

import os
import pickle
import sys
from pathlib import Path
from typing import Any

from mfusepy import FUSE, Operations

from tests.hostile.powercut.disk import ACKNOWLEDGED


class Recorder(Operations):
    """FUSE operations on a folder below.

    :param log: gets the events.
    """

    use_ns = True

    def __init__(self, folder: Path, log: Path) -> None:
        self._folder = folder
        self._log = log.open("ab", buffering=0)

    def _real(self, path: str) -> str:
        return f"{self._folder}{path}"

    def _note(self, *event: Any) -> None:
        self._log.write(pickle.dumps(event))

    # What a crash can undo

    def create(self, path: str, mode: int, fi: Any = None) -> int:
        self._note("create", path)
        return os.open(self._real(path), os.O_RDWR | os.O_CREAT | os.O_TRUNC, mode)

    def write(self, path: str, data: bytes, offset: int, fh: int) -> int:
        self._note("acknowledged" if path == ACKNOWLEDGED else "write", path, offset, bytes(data))
        return os.pwrite(fh, data, offset)

    def truncate(self, path: str, length: int, fh: int | None = None) -> int:
        self._note("truncate", path, length)
        os.truncate(self._real(path), length)
        return 0

    def unlink(self, path: str) -> int:
        self._note("unlink", path)
        Path(self._real(path)).unlink()
        return 0

    def rename(self, old: str, new: str) -> int:
        self._note("rename", old, new)
        Path(self._real(old)).rename(self._real(new))
        return 0

    def mkdir(self, path: str, mode: int) -> int:
        self._note("create folder", path)
        Path(self._real(path)).mkdir(mode)
        return 0

    # What makes it durable

    def fsync(self, path: str, datasync: int, fh: int) -> int:
        self._note("sync", path)
        return 0

    def fsyncdir(self, path: str, datasync: int, fh: int) -> int:
        self._note("sync folder", path)
        return 0

    # All else

    def getattr(self, path: str, fh: int | None = None) -> dict[str, Any]:
        found = os.lstat(self._real(path))
        names = ("st_mode", "st_nlink", "st_size", "st_uid", "st_gid", "st_ino")
        times = {f"st_{kind}": getattr(found, f"st_{kind}_ns") for kind in ("atime", "mtime", "ctime")}
        return {name: getattr(found, name) for name in names} | times

    def readdir(self, path: str, fh: int) -> list[str]:
        return [".", "..", *(found.name for found in Path(self._real(path)).iterdir())]

    def open(self, path: str, flags: int) -> int:
        return os.open(self._real(path), flags & ~os.O_APPEND)  # the kernel says where

    def read(self, path: str, size: int, offset: int, fh: int) -> bytes:
        return os.pread(fh, size, offset)

    def release(self, path: str, fh: int) -> int:
        os.close(fh)
        return 0

    def chmod(self, path: str, mode: int) -> int:
        Path(self._real(path)).chmod(mode)
        return 0


if __name__ == "__main__":
    folder, mount, log = map(Path, sys.argv[1:])
    FUSE(Recorder(folder, log), str(mount), foreground=True, nothreads=True)

"""Stores for tests: founded once in a process, copied for each test."""

from __future__ import annotations

import atexit
import shutil
import tempfile
from functools import cache
from pathlib import Path

from cardkit.production.store import Clocks, Store
from cardkit.production.store.sqlite import SQLiteDatabase
from cardkit.production.store.store import create_or_open


def new_store(path: Path, *, persons: int, clocks: Clocks) -> Store:
    """A store without batches in a new file."""
    shutil.copy(_founded(persons), path)
    shutil.copy(f"{_founded(persons)}.key", f"{path}.key")
    return create_or_open(SQLiteDatabase(path), "ana", persons=persons, clocks=clocks)


@cache
def _founded(persons: int) -> Path:
    folder = tempfile.mkdtemp(prefix="cardkit-store-")
    atexit.register(shutil.rmtree, folder)
    path = Path(folder) / "founded.db"
    create_or_open(SQLiteDatabase(path), "ana", persons=persons).close()
    return path

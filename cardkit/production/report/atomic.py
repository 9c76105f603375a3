"""Files that are there whole or not at all, and a place to keep text until its turn comes."""

from __future__ import annotations

import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from io import TextIOWrapper
from pathlib import Path
from tempfile import TemporaryFile
from typing import BinaryIO, TextIO, cast

from cardkit.errors import StoreError

_CHUNK_CHARACTERS = 1 << 16
_NEW = os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0)
_OF_OWNER, _OF_ALL = 0o600, 0o666  # of all whom the process's mask leaves


@contextmanager
def replacing_bytes(path: Path, *, private: bool = False) -> Iterator[BinaryIO]:
    """Open a neighbour of `path` for writing; it takes the place of `path` when the block ends well, else it goes.

    :param private: readable by its owner only, where the platform has modes.
    :raises StoreError: if the file cannot be written; `path` is then as it was before.
    """
    neighbour = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    try:
        handle = os.open(neighbour, _NEW, _OF_OWNER if private else _OF_ALL)
        with os.fdopen(handle, "wb") as stream:
            yield stream
            stream.flush()
            os.fsync(stream.fileno())
        neighbour.replace(path)
    except OSError as error:
        raise StoreError(f"{path}: cannot be written, {error.strerror or error}") from error
    finally:
        neighbour.unlink(missing_ok=True)


@contextmanager
def replacing(path: Path) -> Iterator[TextIO]:
    """Open a neighbour of `path` for UTF-8 text with LF, as :func:`replacing_bytes`."""
    with replacing_bytes(path) as binary:
        stream = TextIOWrapper(binary, encoding="utf-8", newline="\n")
        try:
            yield stream
        finally:
            stream.detach()  # flushes, and leaves the file open for its fsync


class Spool:
    """Text written now and read once later, in an unnamed temporary file: memory stays flat."""

    def __init__(self) -> None:
        self._file = cast(TextIO, TemporaryFile("w+", encoding="utf-8", newline="\n"))  # noqa: SIM115  # closed by close()

    def write(self, text: str) -> None:
        """Append text."""
        self._file.write(text)

    def chunks(self) -> Iterator[str]:
        """Give back what was written, piece by piece."""
        self._file.seek(0)
        while chunk := self._file.read(_CHUNK_CHARACTERS):
            yield chunk

    def close(self) -> None:
        """Forget the text; idempotent."""
        self._file.close()

"""Text files that a user names."""

from __future__ import annotations

from pathlib import Path

from cardkit.errors import EncodingError


def read_text(path: Path) -> str:
    """Return the text of a UTF-8 file.

    :raises EncodingError: when it is none, naming file and byte.  :raises OSError: as the platform does.
    """
    try:
        return path.read_text(encoding="utf-8")
    except UnicodeDecodeError as error:
        raise EncodingError(f"{path}: byte {error.start} is not UTF-8 text") from None

"""The quarantine file: the refused rows of an order, for the customer, without a value in it (production.md 9)."""

from __future__ import annotations

import csv
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import Self, TextIO

from cardkit.production.report.atomic import replacing
from cardkit.profile import BadRow

COLUMNS = ("row", "line", "field", "code", "message")


def quarantine_path(order: Path) -> Path:
    """Return where the quarantine file of an order lies: beside it.

    >>> quarantine_path(Path("in/lot-7.csv")).name
    'lot-7.csv.quarantine.csv'
    """
    return order.with_name(f"{order.name}.quarantine.csv")


class QuarantineFile:
    """Refused rows as CSV, row by row; there whole when the ``with`` block ends well, and only if a row was refused.

    :param path: None writes no file.
    """

    def __init__(self, path: Path | None) -> None:
        self._path = path
        self._stack = ExitStack()
        self._stream: TextIO | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._stack.__exit__(kind, error, at)

    def add(self, bad: BadRow) -> None:
        """Write one row; StoreError where the file cannot be written."""
        if self._path is None:
            return
        if self._stream is None:
            self._stream = self._stack.enter_context(replacing(self._path))
            csv.writer(self._stream, lineterminator="\n").writerow(COLUMNS)
        values = (bad.row_no, bad.line, bad.field, bad.code, bad.message)
        csv.writer(self._stream, lineterminator="\n").writerow(values)

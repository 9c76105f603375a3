"""Delimited order files: columns found by name or by place, quotes only where declared (production.md 9)."""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator
from itertools import islice

from cardkit.errors import RecordError
from cardkit.profile.layout import HeaderLines, Layout
from cardkit.profile.reading import printable
from cardkit.profile.rows import HeaderValue, Rows, header_values, trailer_values
from cardkit.profile.source import Source, text_lines, without_last

_VALUE = re.compile(r"\d{4}")  # no column name holds so long a number; a PIN does


def cut(layout: Layout, required: tuple[str, ...], possible: tuple[str, ...], source: Source) -> Rows:
    """Cut a delimited file into rows.

    :param required: fields that need a column.  :param possible: all fields that may have one.
    :raises RecordError: what refuses the whole file, at once or when the rows are read: ENCODING, ENCODING_BOM, EMPTY,
        HEADER, COLUMN_UNKNOWN, COLUMN_MISSING, TRAILER_MISSING, QUOTE, LINE.
    """
    lines = text_lines(layout, source)
    trailer: dict[str, int] = {}
    if layout.trailer is not None:
        end = layout.trailer
        lines = without_last(lines, lambda line: trailer.update(trailer_values(end, line or "")))
    header: dict[str, HeaderValue] = {}
    first = 0
    if isinstance(layout.header, HeaderLines):
        first = layout.header.lines
        header = header_values(layout.header, list(islice(lines, first)), layout.sep)
    rows = _split(layout, lines, first + 1)
    columns = tuple(column.name for column in sorted(layout.fields, key=lambda column: int(column.at or 0)))
    if layout.header == "names":
        _, names = next(rows, (1, [""]))
        columns = columns_named(layout, names, required, possible)
    return Rows(header, columns, rows, trailer)


def _split(layout: Layout, lines: Iterator[str], first: int) -> Iterator[tuple[int, list[str]]]:
    if layout.quote is None:
        yield from ((number, line.split(layout.sep)) for number, line in enumerate(lines, first))
        return
    reader = csv.reader((f"{line}\n" for line in lines), delimiter=layout.sep, quotechar=layout.quote, strict=True)
    begin = first
    try:
        for cells in reader:
            yield begin, cells
            begin = first + reader.line_num
    except csv.Error:
        raise RecordError(f"line {begin}: quotes do not close, or stand inside a value", code="QUOTE") from None


def columns_named(
    layout: Layout, names: list[str], required: tuple[str, ...], possible: tuple[str, ...], line: int = 1
) -> tuple[str, ...]:
    """Return the field of each column that a line names.

    :param required: fields that need a column.  :param possible: all fields that may have one.
    :raises RecordError: EMPTY, COLUMN_UNKNOWN, COLUMN_MISSING.
    """
    if names == [""]:
        raise RecordError("no header line", code="EMPTY")
    declared = {layout.named(column.label): column for column in layout.fields}
    fields: list[str] = []
    for place, name in enumerate(names, 1):
        column = declared.get(layout.named(name))
        field = column.name if column else layout.named(name)
        if (declared and column is None) or field not in possible or field in fields:
            again = " a second time" if field in fields else ""
            raise RecordError(
                f"line {line}: column {_shown(name, place)}{again}: not in the layout", code="COLUMN_UNKNOWN"
            )
        if column and column.at not in (None, place):
            raise RecordError(
                f'line {line}: column "{name}" is number {place}, expected {column.at}', code="COLUMN_UNKNOWN"
            )
        fields.append(field)
    for field in required:
        if field not in fields:
            label = next((column.label for column in layout.fields if column.name == field), field)
            raise RecordError(f'line {line}: column "{label}" is missing', code="COLUMN_MISSING")
    return tuple(fields)


def _shown(name: str, place: int) -> str:
    """Return a column's name for a message; its place where the line holds values: a file without header line."""
    is_name = name[:1].isalpha() and not _VALUE.search(name)
    return f'"{printable(name)}"' if is_name else f"number {place}, which is no name"

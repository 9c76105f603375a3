"""Fixed-width order files: places count bytes in the declared encoding, never characters (production.md 9)."""

from __future__ import annotations

from itertools import islice

from cardkit.errors import RecordError
from cardkit.profile.column import Column
from cardkit.profile.layout import HeaderLines, Layout
from cardkit.profile.reading import FieldError
from cardkit.profile.rows import Cells, HeaderValue, Rows, header_values, trailer_values
from cardkit.profile.source import Source, byte_lines, decode, without_last


def cut(layout: Layout, source: Source) -> Rows:
    """Cut a fixed-width file into rows; a row of another length has no cells and is never resynchronized.

    :raises RecordError: what refuses the whole file, at once or when the rows are read: ENCODING, ENCODING_BOM,
        HEADER, TRAILER_MISSING, LINE.
    """
    lines = byte_lines(layout, source)
    trailer: dict[str, int] = {}
    if layout.trailer is not None:
        end = layout.trailer
        lines = without_last(
            lines, lambda line: trailer.update(trailer_values(end, decode(line or b"", layout.encoding)))
        )
    header: dict[str, HeaderValue] = {}
    first = 0
    if isinstance(layout.header, HeaderLines):
        first = layout.header.lines
        header = header_values(
            layout.header, [decode(line, layout.encoding) for line in islice(lines, first)], layout.sep
        )
    rows = ((number, _cells(layout, line)) for number, line in enumerate(lines, first + 1))
    return Rows(header, tuple(column.name for column in layout.fields), rows, trailer)


def _cells(layout: Layout, line: bytes) -> Cells:
    if len(line) != layout.record_bytes:
        return FieldError("RECORD_LENGTH", f"got {len(line)} bytes, expected {layout.record_bytes}")
    cells = []
    for column in layout.fields:
        first, length = column.place
        try:
            cells.append(_unpad(column, decode(line[first - 1 : first - 1 + length], layout.encoding)))
        except RecordError:
            reason = f'"{column.name}", bytes {first} to {first + length - 1}, is not {layout.encoding}'
            return FieldError("CHARSET", reason)
    return cells


def _unpad(column: Column, text: str) -> str:
    if column.pad == "right":
        return text.rstrip(column.fill)
    return text.lstrip(column.fill) if column.pad == "left" else text

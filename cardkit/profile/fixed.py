"""Fixed-width order files: places count bytes in the declared encoding, never characters (production.md 9)."""

from __future__ import annotations

from cardkit.errors import RecordError
from cardkit.profile.layout import Column, HeaderLines, Layout
from cardkit.profile.reading import FieldError
from cardkit.profile.rows import Rows, cut_lines, decode, header_values, trailer_values, without_bom


def cut(layout: Layout, data: bytes) -> Rows:
    """Cut a fixed-width file into rows; a row of another length has no cells and is never resynchronized.

    :raises RecordError: what refuses the whole file: ENCODING, ENCODING_BOM, HEADER, TRAILER_MISSING.
    """
    lines = cut_lines(layout, without_bom(layout, data))
    trailer = {}
    if layout.trailer is not None:
        trailer = trailer_values(layout.trailer, decode(lines.pop() if lines else b"", layout.encoding))
    header = {}
    first = 0
    if isinstance(layout.header, HeaderLines):
        first = layout.header.lines
        header = header_values(layout.header, [decode(line, layout.encoding) for line in lines[:first]], layout.sep)
    rows = [(number, _cells(layout, line)) for number, line in enumerate(lines[first:], first + 1)]
    return Rows(header, trailer, tuple(column.name for column in layout.fields), rows)


def _cells(layout: Layout, line: bytes) -> list[str] | FieldError:
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

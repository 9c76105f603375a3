"""Order files of sections: headings, lines ``Name: value``, then rows under the line that names their columns.

The widespread text form of operators, unverified; its dialects are layouts (sim.md 19)::

    *HEADER DESCRIPTION                 *HEADER DESCRIPTION
    Quantity: 3                         Quantity: 3
    Transport_key: 3                    Transport_key: 3
    *INPUT VARIABLES                    *OUTPUT VARIABLES
    Var_In List:                        Var_Out: ICCID/IMSI/KI
    IMSI: 001010000000001               8999901000000000013 001010000000001 0F...

With ``starts`` the file gives first values, and the header's quantity says how many rows are counted from them.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from cardkit.encoding.digits import luhn_digit
from cardkit.errors import RecordError
from cardkit.profile.column import Column
from cardkit.profile.delimited import columns_named
from cardkit.profile.layout import HeaderLines, Layout
from cardkit.profile.rows import Cells, HeaderValue, Rows, header_value
from cardkit.profile.source import Source, text_lines

HEADING = "*"
NAMES_SEP = "/"
MOST_LINES = 1000
MOST_ROWS = 100_000_000

_SPACES = re.compile(r"[ -]+")


def variable(name: str) -> str:
    """Return a name of the file as the layout has it.

    >>> variable("Transport key")
    'transport_key'
    """
    return _SPACES.sub("_", name.strip()).casefold()


def cut(layout: Layout, required: tuple[str, ...], possible: tuple[str, ...], source: Source) -> Rows:
    """Cut a file of sections into rows.

    :param required: fields that need a column.  :param possible: all fields that may have one.
    :raises RecordError: what refuses the whole file, at once or when the rows are read: ENCODING, ENCODING_BOM, HEADER,
        COLUMN_UNKNOWN, COLUMN_MISSING, LINE.
    """
    numbered = enumerate(text_lines(layout, source), 1)
    said = _Said(layout)
    for number, line in numbered:
        names = said.take(number, line)
        if names is not None:
            columns = columns_named(layout, names.split(NAMES_SEP), required, possible, number)
            rows = ((number, list(line.split(layout.sep))) for number, line in numbered)
            return Rows(said.header(), columns, rows, {})
    if layout.rows is not None:
        raise RecordError(f'no line "{layout.rows}: names of the columns"', code="HEADER")
    header = said.header()
    return Rows(header, tuple(column.name for column in layout.fields), _counted(layout, said, header), {})


class _Said:
    """What the lines before the rows say."""

    def __init__(self, layout: Layout) -> None:
        self._layout = layout
        self._known = {variable(name): name for name in layout.header_fields}
        self._starting = {variable(column.label): column for column in layout.fields if column.start}
        self._values: dict[str, str] = {}
        self.starts: dict[str, tuple[int, str]] = {}
        self._in_starts = False

    def take(self, number: int, line: str) -> str | None:
        """Take one line; the column names where it is the line above the rows."""
        if number > MOST_LINES:
            raise RecordError(f"{MOST_LINES} lines and no rows", code="HEADER")
        if not line.strip() or line.startswith(HEADING):
            return None
        word, colon, text = line.partition(":")
        if not colon:
            raise RecordError(f'line {number}: expected "Name: value" or a heading "{HEADING}..."', code="HEADER")
        if self._layout.rows is not None and variable(word) == variable(self._layout.rows):
            return text.strip()
        if self._layout.starts is not None and variable(word) == variable(self._layout.starts):
            self._in_starts = True
            return None
        self._keep(number, word, text.strip())
        return None

    def _keep(self, number: int, word: str, text: str) -> None:
        column = self._starting.get(variable(word)) if self._in_starts else None
        if column is not None:
            known = column.name in self.starts
            self.starts[column.name] = (number, text)
        else:
            name = self._known.get(variable(word))
            if name is None:
                raise RecordError(f"line {number}: a name that is not in the layout's header", code="HEADER")
            known = name in self._values
            self._values[name] = text
        if known:
            raise RecordError(f"line {number}: a value for the second time", code="HEADER")

    def header(self) -> dict[str, HeaderValue]:
        """Return the header's values by name; None for an optional one that is absent."""
        lines = self._layout.header
        optional = lines.optional if isinstance(lines, HeaderLines) else ()
        missing = [name for name in self._layout.header_fields if name not in self._values and name not in optional]
        if missing:
            raise RecordError(f'header: no line "{missing[0]}: ..."', code="HEADER")
        return {name: header_value(name, self._values.get(name)) for name in self._layout.header_fields}


def _counted(layout: Layout, said: _Said, header: dict[str, HeaderValue]) -> Iterator[tuple[int, Cells]]:
    """Yield the rows that are counted from first values."""
    quantity = header[(layout.totals.count or "").partition(".")[2]]
    if not isinstance(quantity, int) or quantity > MOST_ROWS:
        raise RecordError(f"{layout.totals.count}: expected a number of {MOST_ROWS} or fewer", code="COUNT")
    firsts: list[tuple[Column, int, int]] = []
    line = 0
    for column in layout.fields:
        line, text = said.starts.get(column.name, (0, ""))
        if not (text.isascii() and text.isdecimal()):
            raise RecordError(f'no first value "{column.label}: digits"', code="HEADER")
        firsts.append((column, int(text), len(text)))
    for step in range(quantity):
        yield line, [_next(column, first + step, width) for column, first, width in firsts]


def _next(column: Column, value: int, width: int) -> str:
    text = f"{value:0{width}}"
    return text + luhn_digit(text) if column.start == "luhn" else text

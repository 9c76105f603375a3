"""The forms of output files: head, rows and foot in the way of a layout, each the text its reader takes."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Protocol
from xml.sax.saxutils import escape, quoteattr

from cardkit.errors import RecordError
from cardkit.profile.column import Column
from cardkit.profile.layout import HeaderLines, Layout
from cardkit.profile.sections import HEADING, NAMES_SEP

NO_XML = re.compile("[^\t\n\r -\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")  # XML 1.0 2.2

HeaderTexts = Mapping[str, str | None]


class Form(Protocol):
    """How one kind of file is written."""

    def head(self, header: HeaderTexts, count: int) -> str:
        """Return what stands before the rows.

        :param header: value of each name of the layout's header; None for one that is absent.
        """
        ...

    def row(self, cells: Sequence[str]) -> str:
        """Return one row; RecordError where a cell cannot stand in this form."""
        ...

    def foot(self, totals: Mapping[str, int]) -> str:
        """Return what stands after the rows.

        :param totals: value of each name of the layout's trailer.
        """
        ...


def form_of(layout: Layout) -> Form:
    """Return the form of a layout."""
    kinds: dict[str, Callable[[Layout], Form]] = {
        "delimited": Delimited,
        "fixed": Fixed,
        "sections": Sections,
        "xml": Markup,
    }
    return kinds[layout.kind](layout)


class Lines:
    """What all forms of lines share."""

    def __init__(self, layout: Layout) -> None:
        self._layout = layout
        self._end = "\r\n" if layout.newline == "crlf" else "\n"
        self._columns = columns_in_order(layout)

    def head(self, header: HeaderTexts, count: int) -> str:  # noqa: ARG002  the form's signature
        """Return the header's line of values or of column names."""
        if isinstance(self._layout.header, HeaderLines):
            texts = [header[name] for name in self._layout.header.fields]
            said = [text for text in texts if text is not None]
            if texts[len(said) :] != [None] * (len(texts) - len(said)):
                raise RecordError("header: a value is missing before others", code="HEADER")
            return self._line(said)
        return self._line([column.label for column in self._columns]) if self._layout.header == "names" else ""

    def foot(self, totals: Mapping[str, int]) -> str:
        """Return the trailer's line."""
        trailer = self._layout.trailer
        if trailer is None:
            return ""
        return trailer.sep.join([trailer.prefix, *(str(totals[name]) for name in trailer.fields)]) + self._end

    def _line(self, texts: Sequence[str]) -> str:
        sep = self._layout.sep
        for text in texts:
            if sep in text or "\n" in text or "\r" in text:
                raise RecordError(f"a value of {len(text)} characters holds the separator", code="CHARSET")
        return sep.join(texts) + self._end


class Delimited(Lines):
    """Columns with a separator between them."""

    def row(self, cells: Sequence[str]) -> str:
        """Return one row, quoted where the layout says so."""
        quote = self._layout.quote
        if quote is None:
            return self._line(cells)
        return self._layout.sep.join(f"{quote}{cell.replace(quote, 2 * quote)}{quote}" for cell in cells) + self._end


class Fixed(Lines):
    """Columns of fixed width, counted in bytes of the declared encoding."""

    def row(self, cells: Sequence[str]) -> str:
        """Return one row, each cell filled up to its column."""
        return (
            "".join(self._filled(column, cell) for column, cell in zip(self._columns, cells, strict=True)) + self._end
        )

    def _filled(self, column: Column, cell: str) -> str:
        missing = column.place[1] - len(cell.encode(self._layout.encoding))
        if missing < 0 or (missing and column.pad is None):
            raise RecordError(f"{column.name}: {-missing} bytes too many, {column.place[1]} fit", code="LENGTH")
        at_edge = cell[-1:] if column.pad == "right" else cell[:1]
        if column.pad is not None and at_edge == column.fill:
            raise RecordError(f"{column.name}: would lose its {column.fill!r} when read", code="CHARSET")
        return cell + missing * column.fill if column.pad == "right" else missing * column.fill + cell


class Sections(Lines):
    """Headings, header variables, and rows under the line that names their columns (sim.md 19)."""

    def head(self, header: HeaderTexts, count: int) -> str:  # noqa: ARG002  the form's signature
        """Return the header's section and the line above the rows."""
        lines = [f"{HEADING}HEADER DESCRIPTION"]
        for name, text in header.items():
            if text is not None:
                lines.append(f"{name.capitalize()}: {text}")
        names = NAMES_SEP.join(column.label for column in self._columns)
        lines += [f"{HEADING}OUTPUT VARIABLES", f"{self._layout.rows}: {names}"]
        return "".join(line + self._end for line in lines)

    def row(self, cells: Sequence[str]) -> str:
        """Return one row."""
        return self._line(cells)


class Markup:
    """XML: one element for each row."""

    def __init__(self, layout: Layout) -> None:
        self._columns = layout.fields
        *self._above, self._record = (layout.record or "").strip("/").split("/")
        self._count = layout.totals.count
        self._encoding = layout.encoding.removesuffix("-sig")

    def head(self, header: HeaderTexts, count: int) -> str:
        """Return the declaration and the elements above the rows."""
        text, path = f'<?xml version="1.0" encoding="{self._encoding}"?>\n', ""
        for depth, name in enumerate(self._above):
            path += f"/{name}"
            attributes = {key: value for key, value in header.items() if value is not None} if depth == 0 else {}
            if self._count is not None and self._count.startswith(f"{path}/@"):
                attributes[self._count.rpartition("@")[2]] = str(count)
            text += f"<{name}{_attributes(attributes)}>\n"
        return text

    def row(self, cells: Sequence[str]) -> str:
        """Return the element of one row."""
        attributes: dict[str, str] = {}
        inner: list[str] = []
        for column, cell in zip(self._columns, cells, strict=True):
            path = str(column.at or column.name)
            if NO_XML.search(cell):
                raise RecordError(f"{column.name}: a character that XML does not have", code="CHARSET")
            if path.startswith("@"):
                attributes[path[1:]] = cell
            else:
                inner.append(_nested(path, cell))
        return f"<{self._record}{_attributes(attributes)}>{''.join(inner)}</{self._record}>\n"

    def foot(self, totals: Mapping[str, int]) -> str:  # noqa: ARG002  the form's signature
        """Return the ends of the elements above the rows."""
        return "".join(f"</{name}>\n" for name in reversed(self._above))


def columns_in_order(layout: Layout) -> tuple[Column, ...]:
    """Return a layout's columns in the order of a row's cells."""
    if layout.kind == "delimited":
        return tuple(sorted(layout.fields, key=lambda column: int(column.at or 0)))
    return layout.fields


def _attributes(values: Mapping[str, str]) -> str:
    return "".join(f" {name}={quoteattr(text)}" for name, text in values.items())


def _nested(path: str, text: str) -> str:
    *above, name = path.split("/")
    inner = f"<{name}>{escape(text)}</{name}>"
    for outer in reversed(above):
        inner = f"<{outer}>{inner}</{outer}>"
    return inner

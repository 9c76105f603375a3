"""Order files in XML: no DOCTYPE and so no entities, read as a stream, nothing in it that the layout does not name.

production.md 9
"""

from __future__ import annotations

import codecs
from collections.abc import Iterator
from typing import NoReturn
from xml.parsers import expat

from cardkit.errors import RecordError
from cardkit.profile.layout import HeaderLines, Layout
from cardkit.profile.reading import FieldError, printable
from cardkit.profile.rows import Cells, HeaderValue, Rows, header_value, number
from cardkit.profile.source import Source, texts

MOST_DEPTH = 16
MOST_CHARACTERS = 1 << 16
MOST_PENDING = 1 << 20


def cut(layout: Layout, source: Source) -> Rows:
    """Cut an XML file into rows: one for each element at the layout's ``record`` path.

    :raises RecordError: what refuses the whole file, at once or when the rows are read: ENCODING, ENCODING_BOM,
        HEADER, XML (not well-formed, or too deep or long), XML_DOCTYPE, ELEMENT_UNKNOWN.
    """
    reader = _Reader(layout)
    chunks = texts(layout, source)
    for chunk in chunks:
        reader.feed(chunk)
        if reader.started:
            break
    return Rows(reader.header, tuple(column.name for column in layout.fields), _rows(reader, chunks), reader.totals)


def _rows(reader: _Reader, chunks: Iterator[str]) -> Iterator[tuple[int, Cells]]:
    yield from reader.taken()
    for chunk in chunks:
        reader.feed(chunk)
        yield from reader.taken()
    reader.end()
    yield from reader.taken()


class _Reader:
    """One file on its way through expat.

    :ivar header: attributes of the outermost element.  :ivar totals: the attributes named by ``totals``, by path.
    """

    def __init__(self, layout: Layout) -> None:
        self._layout = layout
        self._record = layout.record or ""
        self._places = {str(column.at or column.name): place for place, column in enumerate(layout.fields)}
        self._inner = {path.rsplit("/", 1)[0] for path in self._places if "/" in path}
        self._count = layout.totals.count if layout.totals.count and layout.totals.count.startswith("/") else None
        self._path: list[str] = []
        self._cells: list[str | None] = []
        self._text: list[str] | None = None
        self._line = self._fed = 0
        self._twice = ""
        self._done: list[tuple[int, Cells]] = []
        self.header: dict[str, HeaderValue] = {}
        self.totals: dict[str, int] = {}
        self.started = False
        self._parser = expat.ParserCreate("utf-8")
        self._parser.buffer_text = True
        self._parser.XmlDeclHandler = self._declaration
        self._parser.StartDoctypeDeclHandler = self._doctype
        self._parser.StartElementHandler = self._start
        self._parser.EndElementHandler = self._end
        self._parser.CharacterDataHandler = self._characters

    def feed(self, text: str) -> None:
        """Take a piece of the file."""
        self._parse(text.encode("utf-8", "surrogatepass"), final=False)

    def end(self) -> None:
        """Take the end of the file."""
        self._parse(b"", final=True)

    def taken(self) -> list[tuple[int, Cells]]:
        """Return the rows read since the last time: line numbers, and cells or why there are none."""
        done, self._done = self._done, []
        return done

    def _parse(self, data: bytes, *, final: bool) -> None:
        self._fed += len(data)
        try:
            self._parser.Parse(data, final)
        except expat.ExpatError as error:
            reason = expat.errors.messages[error.code]
            raise RecordError(f"line {error.lineno}: not XML: {reason}", code="XML") from None
        if self._fed - self._parser.CurrentByteIndex > MOST_PENDING:
            raise RecordError(f"line {self._parser.CurrentLineNumber}: a tag or value without end", code="XML")

    def _declaration(self, _version: str, encoding: str | None, _standalone: int) -> None:
        declared = self._layout.encoding.removesuffix("-sig")
        if encoding is not None and not _same_encoding(encoding, declared):
            raise RecordError(f"the file says {printable(encoding)}, the layout declares {declared}", code="ENCODING")

    def _doctype(self, *_parts: object) -> NoReturn:
        raise RecordError(f"line {self._parser.CurrentLineNumber}: a DOCTYPE; none is read", code="XML_DOCTYPE")

    def _start(self, name: str, attributes: dict[str, str]) -> None:
        self._path.append(name)
        if len(self._path) > MOST_DEPTH:
            raise RecordError(f"line {self._parser.CurrentLineNumber}: more than {MOST_DEPTH} levels", code="XML")
        path = "/" + "/".join(self._path)
        if path == self._record:
            self._line, self._twice = self._parser.CurrentLineNumber, ""
            self._cells = [None] * len(self._places)
            self._attributes("", attributes)
        elif path.startswith(f"{self._record}/"):
            self._inside(path[len(self._record) + 1 :], attributes)
        elif f"{self._record}/".startswith(f"{path}/"):
            self._above(path, attributes)
        else:
            self._unknown("element", name)

    def _inside(self, path: str, attributes: dict[str, str]) -> None:
        if path in self._places:
            self._text = []
        elif path not in self._inner:
            self._unknown("element", path.rsplit("/", 1)[-1])
        self._attributes(f"{path}/", attributes)

    def _above(self, path: str, attributes: dict[str, str]) -> None:
        lines = self._layout.header if len(self._path) == 1 else None
        values = attributes.copy()
        if isinstance(lines, HeaderLines):
            self.header = {name: header_value(name, values.pop(name, None)) for name in lines.fields}
            for name in lines.fields:
                if self.header[name] is None and name not in lines.optional:
                    raise RecordError(f'header: no attribute "{name}"', code="HEADER")
        for name, text in values.items():
            if f"{path}/@{name}" != self._count:
                self._unknown("attribute", name)
            self.totals[self._count] = number(self._count, text, "HEADER")
        self.started = True

    def _attributes(self, path: str, attributes: dict[str, str]) -> None:
        for name, text in attributes.items():
            if f"{path}@{name}" not in self._places:
                self._unknown("attribute", name)
            self._put(f"{path}@{name}", text)

    def _put(self, path: str, text: str) -> None:
        place = self._places[path]
        if self._cells[place] is not None:
            self._twice = path
        self._cells[place] = text

    def _characters(self, text: str) -> None:
        if self._text is not None:
            self._text.append(text)
            if sum(map(len, self._text)) > MOST_CHARACTERS:
                raise RecordError(
                    f"line {self._parser.CurrentLineNumber}: a value of more than {MOST_CHARACTERS} characters",
                    code="XML",
                )
        elif text.strip():
            raise RecordError(f"line {self._parser.CurrentLineNumber}: text between elements", code="ELEMENT_UNKNOWN")

    def _end(self, _name: str) -> None:
        path = "/" + "/".join(self._path)
        self._path.pop()
        if path == self._record:
            self._done.append((self._line, self._row()))
        elif self._text is not None:
            self._put(path[len(self._record) + 1 :], "".join(self._text))
            self._text = None

    def _row(self) -> Cells:
        if self._twice:
            return FieldError("FIELD_COUNT", f'"{self._twice}" a second time')
        cells = [cell for cell in self._cells if cell is not None]
        if len(cells) == len(self._cells):
            return cells
        missing = next(path for path, place in self._places.items() if self._cells[place] is None)
        return FieldError("FIELD_COUNT", f'no "{missing}"')

    def _unknown(self, what: str, name: str) -> NoReturn:
        raise RecordError(
            f'line {self._parser.CurrentLineNumber}: {what} "{printable(name)}": not in the layout',
            code="ELEMENT_UNKNOWN",
        )


def _same_encoding(left: str, right: str) -> bool:
    try:
        return codecs.lookup(left).name == codecs.lookup(right).name
    except LookupError:
        return False

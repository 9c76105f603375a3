"""One row of an order: a record, or a bad row for the quarantine (production.md 9)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from cardkit.crypto.keystore import KeyStore
from cardkit.crypto.pack import Value
from cardkit.crypto.wrap import Wrapping
from cardkit.profile.field import Field
from cardkit.profile.layout import Layout
from cardkit.profile.reading import FieldError, Reader, Transport, masked, printable, reader
from cardkit.profile.record import Record, RecordSchema
from cardkit.profile.rows import Cells, HeaderValue, Rows

WHOLE_ROW = "(row)"


@dataclass(frozen=True, slots=True)
class BadRow:
    """A row in quarantine.

    :param row_no: data row, from 1.  :param line: line of the file, from 1.
    :param field: its name, or ``(row)``.  :param code: LENGTH, CHARSET, CHECK_DIGIT ...
    :param message: got and expected, never the value.  :param value: printable, masked unless the field is public.
    :param first_row: of a DUPLICATE, the row that came first.
    """

    row_no: int
    line: int
    field: str
    code: str
    message: str
    value: str
    first_row: int | None = None


class RowReader:
    """Turns rows of cells into records.

    :param rows: whose header names the transport keys, and whose columns are read.
    :raises KeyStoreError: where a transport key is missing.
    """

    def __init__(self, layout: Layout, schema: RecordSchema, rows: Rows, keystore: KeyStore) -> None:
        rules = {column.name: rule for column in layout.fields if (rule := column.rule())} | dict(schema.fields)
        self._schema = schema
        self._rules = rules
        self._readers = [
            (name, reader(name, rules[name], _transport(rules[name], rows.header, keystore))) for name in rows.columns
        ]
        self._clear_readers = [
            reader(name, field, None)
            for name, field in schema.fields.items()
            if field.is_secret and not field.transport
        ]
        self._normal = [(place, name) for place, name in enumerate(rows.columns) if rules[name].normalize]
        self._supplied = _supplied(schema, rows.columns)
        self._dropped = [name for name in rows.columns if name not in schema.fields]
        self.normalized = 0

    def read(self, row_no: int, line: int, cells: Cells) -> Record | BadRow:
        """Read one row.

        :param row_no: data row, from 1.  :param line: line of the file, from 1.
        """
        if isinstance(cells, list) and len(cells) != len(self._readers):
            cells = FieldError("FIELD_COUNT", f"got {len(cells)} fields, expected {len(self._readers)}")
        if isinstance(cells, FieldError):
            return BadRow(row_no, line, WHOLE_ROW, cells.code, cells.reason, "")
        values = self._supplied.copy()
        name, cell = "", ""
        try:
            for (name, read), cell in zip(self._readers, cells, strict=True):
                values[name] = read(cell)
        except FieldError as error:
            return BadRow(row_no, line, name, error.code, error.reason, self._printable(name, cell))
        for name in self._dropped:
            del values[name]
        self.normalized += sum(values[name] != cells[place] for place, name in self._normal)
        return Record(self._schema, values, row_no)

    def duplicate(self, record: Record, line: int, kind: str, first_row: int) -> BadRow:
        """Return the bad row of a record whose business key stands in a row before."""
        name = next(name for name, field in self._schema.fields.items() if field.key == kind)
        shown = self._printable(name, str(record[name]))
        reason = f"the same {kind} as row {first_row}"
        return BadRow(record.row_no, line, name, "DUPLICATE", reason, shown, first_row)

    def _printable(self, name: str, cell: str) -> str:
        """Return a value for the report, masked unless public.

        Masked too if it could be a secret in the wrong column, or is longer than the field ever is: wrongly cut.
        """
        field = self._rules[name]
        too_long = field.max is not None and len(cell) > field.max
        if field.is_masked or too_long or any(_accepts(read, cell) for read in self._clear_readers):
            return masked(cell)
        return printable(cell)


def _supplied(schema: RecordSchema, columns: tuple[str, ...]) -> dict[str, Value]:
    """Return the values that each record has without a column: constants and defaults."""
    supplied: dict[str, Value] = {}
    for name, field in schema.fields.items():
        if name not in columns and field.type == "const":
            supplied[name] = field.value or ""
        elif name not in columns and field.default is not None:
            supplied[name] = reader(name, field, None)(field.default)
    return supplied


def _transport(field: Field, header: Mapping[str, HeaderValue], keystore: KeyStore) -> Transport | None:
    """Return the key a field is wrapped under in this order, known to the key store; None for clear values."""
    if not field.transport:
        return None
    place, _, name = field.transport.partition(".")
    reference = field.transport
    if place == "header":
        if header[name] in (0, None):
            return None
        reference = f"order:{name}-{header[name]}"
    keystore.find(reference)
    return Transport(keystore, reference, field.wrap or Wrapping.AES_KW)


def _accepts(read: Reader, text: str) -> bool:
    try:
        read(text)
    except FieldError:
        return False
    return True

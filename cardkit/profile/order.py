"""Reading an order: good rows become records, bad rows wait in quarantine, a bad file is refused (production.md 9)."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from cardkit.crypto.keystore import KeyStore
from cardkit.crypto.pack import Value
from cardkit.crypto.wrap import Wrapping
from cardkit.errors import RecordError
from cardkit.profile import delimited, fixed
from cardkit.profile.field import Field
from cardkit.profile.layout import HEADER_KEYS, Layout
from cardkit.profile.load import Profile
from cardkit.profile.reading import FieldError, Reader, Transport, masked, printable, reader
from cardkit.profile.record import Record, RecordSchema
from cardkit.profile.rows import HeaderValue, Rows

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


@dataclass(frozen=True, slots=True)
class OrderTotals:
    """What the rows add up to, quarantined ones included; both agree with the file's own totals, or it was refused.

    :param hash: sum of the last nine digits of the declared field, None where the layout declares none.
    """

    count: int
    hash: int | None


@dataclass(frozen=True, slots=True)
class Order:
    """An order file, read.

    :param header: values of the header's lines by name.  :param normalized: values changed to a declared normal form.
    :param sha256: of the file, 32 bytes.
    """

    records: Sequence[Record]
    quarantined: Sequence[BadRow]
    totals: OrderTotals
    header: Mapping[str, HeaderValue]
    normalized: int
    sha256: bytes

    @property
    def rows(self) -> int:
        """Number of data rows, quarantined ones included."""
        return self.totals.count

    @property
    def duplicates(self) -> tuple[BadRow, ...]:
        """The quarantined rows whose business key stands in the file before."""
        return tuple(bad for bad in self.quarantined if bad.code == "DUPLICATE")


def read_order(profile: Profile, path: Path | str, keystore: KeyStore) -> Order:
    """Read an order file with the profile's layout and record schema.

    :param keystore: opens values under transport keys.
    :raises RecordError: one line with the file and why nothing of it is imported.
    :raises KeyStoreError: where a transport key is missing.
    """
    try:
        data = Path(path).read_bytes()
    except OSError as error:
        raise RecordError(f"{path}: cannot be read: {error.strerror or error}", code="FILE") from None
    try:
        return parse_order(profile.layout, profile.record, data, keystore, live=profile.kind == "LIVE")
    except RecordError as error:
        raise RecordError(f"{path}: {error.code}: {error}", code=error.code) from None


def parse_order(layout: Layout, schema: RecordSchema, data: bytes, keystore: KeyStore, *, live: bool = False) -> Order:
    """Read the bytes of an order file.

    :param live: refuse key index 0, which means clear values.
    :raises RecordError: what refuses the whole file.  :raises KeyStoreError: where a transport key is missing.
    """
    rows = _cut(layout, schema, data)
    if not rows.rows:
        raise RecordError("no data row", code="EMPTY")
    totals = _totals(layout, rows)
    if live:
        _refuse_clear(rows.header)
    importer = _Importer(layout, schema, rows, keystore)
    for row_no, (line, cells) in enumerate(rows.rows, 1):
        importer.row(row_no, line, cells)
    sha256 = hashlib.sha256(data).digest()
    return Order(importer.records, importer.quarantined, totals, rows.header, importer.normalized, sha256)


def _cut(layout: Layout, schema: RecordSchema, data: bytes) -> Rows:
    if not data:
        raise RecordError("the file is empty", code="EMPTY")
    if layout.kind == "fixed":
        return fixed.cut(layout, data)
    consts = [column.name for column in layout.fields if column.name not in schema.fields]
    required = [name for name, field in schema.fields.items() if field.type != "const" and field.default is None]
    return delimited.cut(layout, (*required, *consts), (*schema.fields, *consts), data)


def _totals(layout: Layout, rows: Rows) -> OrderTotals:
    declared = {f"header.{name}": value for name, value in rows.header.items()}
    declared |= {f"trailer.{name}": value for name, value in rows.trailer.items()}
    count = len(rows.rows)
    if layout.totals.count is not None:
        _compare("COUNT", layout.totals.count, declared[layout.totals.count], count)
    if layout.totals.hash is None:
        return OrderTotals(count, None)
    place = rows.columns.index(layout.totals.hash.field) if layout.totals.hash.field in rows.columns else 0
    found = sum(_last_nine(cells, place) for _, cells in rows.rows)
    _compare("HASH_TOTAL", layout.totals.hash.of, declared[layout.totals.hash.of], found)
    return OrderTotals(count, found)


def _last_nine(cells: list[str] | FieldError, place: int) -> int:
    """Return the last nine digits of a cell as a number; 0 for one that is no number: the totals will then differ."""
    tail = cells[place][-9:] if isinstance(cells, list) and place < len(cells) else ""
    return int(tail) if tail.isascii() and tail.isdecimal() else 0


def _compare(code: str, source: str, declared: HeaderValue, found: int) -> None:
    if declared != found:
        raise RecordError(f"{source} declares {declared}, the rows give {found}", code=code)


def _refuse_clear(header: Mapping[str, HeaderValue]) -> None:
    for name in sorted(HEADER_KEYS & header.keys()):
        if header[name] in (0, None):
            raise RecordError(f"header.{name} is 0 or absent: a LIVE order has no clear values", code="KEY_INDEX_ZERO")


class _Importer:
    """Turns rows into records; holds what has been seen."""

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
        self._seen: dict[tuple[str, str], int] = {}
        self.records: list[Record] = []
        self.quarantined: list[BadRow] = []
        self.normalized = 0

    def row(self, row_no: int, line: int, cells: list[str] | FieldError) -> None:
        """Read one row: one more record, or one more bad row."""
        if isinstance(cells, list) and len(cells) != len(self._readers):
            cells = FieldError("FIELD_COUNT", f"got {len(cells)} fields, expected {len(self._readers)}")
        if isinstance(cells, FieldError):
            self.quarantined.append(BadRow(row_no, line, WHOLE_ROW, cells.code, cells.reason, ""))
            return
        values = self._supplied.copy()
        name, cell = "", ""
        try:
            for (name, read), cell in zip(self._readers, cells, strict=True):
                values[name] = read(cell)
        except FieldError as error:
            shown = self._printable(name, cell)
            self.quarantined.append(BadRow(row_no, line, name, error.code, error.reason, shown))
            return
        for name in self._dropped:
            del values[name]
        if self._is_new(row_no, line, values):
            self.normalized += sum(values[name] != cells[place] for place, name in self._normal)
            self.records.append(Record(self._schema, values, row_no))

    def _is_new(self, row_no: int, line: int, values: Mapping[str, Value]) -> bool:
        keys = list(self._schema.keys_of(values).items())
        for kind, value in keys:
            first = self._seen.get((kind, value))
            if first is not None:
                name = next(name for name, field in self._schema.fields.items() if field.key == kind)
                shown = self._printable(name, str(values[name]))
                reason = f"the same {kind} as row {first}"
                self.quarantined.append(BadRow(row_no, line, name, "DUPLICATE", reason, shown, first))
                return False
        self._seen.update((key, row_no) for key in keys)
        return True

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

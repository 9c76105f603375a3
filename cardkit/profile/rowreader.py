"""One row of an order: a record, or a bad row for the quarantine (production.md 9)."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from cardkit.crypto.kcv import KCVMethod
from cardkit.crypto.keystore import KeyStore
from cardkit.crypto.pack import Value
from cardkit.crypto.wrap import Wrapping
from cardkit.errors import RecordError
from cardkit.profile.field import Field
from cardkit.profile.layout import Layout
from cardkit.profile.making import RandomBytes, maker
from cardkit.profile.reading import FieldError, Transport, masked, opened_reader, opener, printable, reader
from cardkit.profile.record import Record, RecordSchema
from cardkit.profile.rowpacker import PackedRow, RowPacker
from cardkit.profile.rows import Cell, Cells, HeaderValue, Rows

WHOLE_ROW = "(row)"
CMAC_5_DIGITS = 10


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
    :param rng: size -> random bytes, for values the plant makes; None where none can be made.
    :param opened: columns whose cells another reader has opened (:meth:`opened`): no key is needed for them.
    :ivar wrapped: columns whose values are opened with keys of the key store.
    :raises KeyStoreError: where a transport key is missing.
    :raises RecordError: COLUMN_MISSING where a value would have to be made; KEY_CHECK.
    """

    def __init__(
        self,
        layout: Layout,
        schema: RecordSchema,
        rows: Rows,
        keystore: KeyStore,
        rng: RandomBytes | None,
        opened: Collection[str] = (),
    ) -> None:
        rules = {column.name: rule for column in layout.fields if (rule := column.rule())} | dict(schema.fields)
        self._schema = schema
        self._rules = rules
        self._identity = ""
        self._identity_place = rows.columns.index(layout.identity) if layout.identity in rows.columns else None
        transports = {
            name: transport
            for name in rows.columns
            if name not in opened and (transport := self._transport(name, rows.header, keystore)) is not None
        }
        self.wrapped = tuple(transports)
        self._openers = [(rows.columns.index(name), opener(rules[name], key)) for name, key in transports.items()]
        self._readers: list[tuple[str, Callable[[Any], Value]]] = [
            (name, _opened(name, rules[name]) if name in opened else reader(name, rules[name], transports.get(name)))
            for name in rows.columns
        ]
        self._clear_readers = [
            reader(name, field, None)
            for name, field in schema.fields.items()
            if field.is_secret and not field.transport
        ]
        self._normal = [(place, name) for place, name in enumerate(rows.columns) if rules[name].normalize]
        self._supplied = _supplied(schema, rows.columns)
        self._makers = _makers(schema, rows.columns, rng)
        self._dropped = [name for name in rows.columns if name not in schema.fields]
        unmatched = {*opened, *transports}
        self._packer = RowPacker(schema, rules, self._readers, unmatched, self._supplied, self._makers)
        self._normalized = 0

    @property
    def normalized(self) -> int:
        """Values changed to a declared normal form, so far."""
        return self._normalized + self._packer.normalized

    def opened(self, cells: Cells) -> list[Cell] | FieldError:
        """Return a row's cells with the wrapped ones in clear, for a reader that has no keys."""
        if isinstance(cells, FieldError) or len(cells) != len(self._readers):
            return cells if isinstance(cells, FieldError) else list(cells)
        if self._identity_place is not None:
            self._identity = cells[self._identity_place]
        clear: list[Cell] = list(cells)
        for place, unwrap in self._openers:
            try:
                clear[place] = unwrap(cells[place])
            except FieldError as error:
                clear[place] = [error.code, error.reason]
        return clear

    def read(self, row_no: int, line: int, cells: Sequence[Cell] | FieldError) -> Record | BadRow:
        """Read one row.

        :param row_no: data row, from 1.  :param line: line of the file, from 1.
        """
        if not isinstance(cells, FieldError) and len(cells) != len(self._readers):
            cells = FieldError("FIELD_COUNT", f"got {len(cells)} fields, expected {len(self._readers)}")
        if isinstance(cells, FieldError):
            return BadRow(row_no, line, WHOLE_ROW, cells.code, cells.reason, "")
        if self._identity_place is not None:
            self._identity = str(cells[self._identity_place])
        try:
            values = {name: read(cell) for (name, read), cell in zip(self._readers, cells, strict=True)}
        except FieldError as error:
            return self._refused(row_no, line, cells, error)
        values |= self._supplied
        for name in self._dropped:
            del values[name]
        for name, make in self._makers:
            values[name] = make()
        self._normalized += sum([values[name] != cells[place] for place, name in self._normal])
        return Record(self._schema, values, row_no)

    def packed(self, row_no: int, line: int, cells: Sequence[Cell] | FieldError) -> PackedRow | BadRow:
        """Read one row as :meth:`read` does, to what is sealed of its record."""
        if not isinstance(cells, FieldError):
            if self._identity_place is not None and self._identity_place < len(cells):
                self._identity = str(cells[self._identity_place])
            good = self._packer.packed(row_no, cells)
            if good is not None:
                return good
        found = self.read(row_no, line, cells)
        return found if isinstance(found, BadRow) else PackedRow(bytes(found.to_canonical()), found.business_keys())

    def _refused(self, row_no: int, line: int, cells: Sequence[Cell], error: FieldError) -> BadRow:
        """Return the bad row of cells one of which was refused: the first of them."""
        name, cell = next(
            (name, cell) for (name, read), cell in zip(self._readers, cells, strict=True) if not _accepts(read, cell)
        )
        return BadRow(row_no, line, name, error.code, error.reason, self._printable(name, cell))

    def duplicate(self, record: Record, line: int, kind: str, first_row: int) -> BadRow:
        """Return the bad row of a record whose business key stands in a row before."""
        name = next(name for name, field in self._schema.fields.items() if field.key == kind)
        shown = self._printable(name, str(record[name]))
        reason = f"the same {kind} as row {first_row}"
        return BadRow(record.row_no, line, name, "DUPLICATE", reason, shown, first_row)

    def _transport(self, name: str, header: Mapping[str, HeaderValue], keystore: KeyStore) -> Transport | None:
        """Return the key a field is wrapped under in this order, known to the key store; None for clear values."""
        field = self._rules[name]
        if not field.transport:
            return None
        place, _, source = field.transport.partition(".")
        reference = field.transport
        if place == "header":
            if header[source] in (0, None):
                return None
            reference = f"order:{source}-{header[source]}"
        keystore.find(reference)
        _check_kcv(name, field, header, keystore, reference)
        order = header.get("batch")
        return Transport(
            keystore, reference, field.wrap or Wrapping.AES_KW, lambda: bound_to(order, name, self._identity)
        )

    def _printable(self, name: str, cell: Cell) -> str:
        """Return a value for the report, masked unless public; nothing of one that was opened elsewhere.

        Masked too if it could be a secret in the wrong column, or is longer than the field ever is: wrongly cut.
        """
        if not isinstance(cell, str):
            return ""
        field = self._rules[name]
        too_long = field.max is not None and len(cell) > field.max
        if field.is_masked or too_long or any(_accepts(read, cell) for read in self._clear_readers):
            return masked(cell)
        return printable(cell)


def _opened(name: str, field: Field) -> Callable[[Cell], Value]:
    """Return what reads a cell that was opened before, or could not be: then it says why."""
    read = opened_reader(name, field)

    def read_opened(cell: Cell) -> Value:
        if isinstance(cell, list):
            raise FieldError(*cell)
        return read(cell.encode() if isinstance(cell, str) else cell)

    return read_opened


def _supplied(schema: RecordSchema, columns: tuple[str, ...]) -> dict[str, Value]:
    """Return the values that each record has without a column: constants and defaults."""
    supplied: dict[str, Value] = {}
    for name, field in schema.fields.items():
        if name not in columns and field.type == "const":
            supplied[name] = field.value or ""
        elif name not in columns and field.default is not None:
            supplied[name] = reader(name, field, None)(field.default)
    return supplied


def _makers(
    schema: RecordSchema, columns: tuple[str, ...], rng: RandomBytes | None
) -> list[tuple[str, Callable[[], Value]]]:
    """Return what makes the values that the order leaves to the plant."""
    left = [(name, field) for name, field in schema.fields.items() if field.make and name not in columns]
    if left and rng is None:
        raise RecordError(
            f"the order leaves {left[0][0]} to the plant: a batch import makes it, and keeps it", code="COLUMN_MISSING"
        )
    return [(name, maker(name, field, rng)) for name, field in left if rng is not None]


def bound_to(order: object, column: str, identity: str) -> bytes:
    """Return what AES-GCM binds a wrapped value to: order, column and identity of the row (sim.md 19)."""
    return "\0".join(("cardkit-field-1", str(order or ""), column, identity)).encode()


def _check_kcv(name: str, field: Field, header: Mapping[str, HeaderValue], keystore: KeyStore, reference: str) -> None:
    """Refuse a transport key that is not the one the customer means."""
    place, _, source = (field.kcv or "").partition(".")
    expected = header[source] if place == "header" else field.kcv
    if expected is None:
        return
    text = str(expected).upper()
    found = {keystore.find(reference).kcv}
    if len(text) == CMAC_5_DIGITS:
        found = {keystore.kcv(reference, KCVMethod.CMAC_5)}
    if text not in found:
        raise RecordError(f'"{name}": key {reference} has not the check value the order says', code="KEY_CHECK")


def _accepts(read: Callable[[Any], Value], cell: Cell) -> bool:
    try:
        read(cell)
    except FieldError:
        return False
    return True

"""Reading an order: good rows become records, bad rows wait in quarantine, a bad file is refused (production.md 9)."""

from __future__ import annotations

import io
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from heapq import merge
from pathlib import Path
from typing import BinaryIO

from cardkit.crypto.keystore import KeyStore
from cardkit.errors import RecordError
from cardkit.profile import delimited, fixed, markup, sections
from cardkit.profile.layout import HEADER_KEYS, Layout
from cardkit.profile.load import Profile
from cardkit.profile.making import RandomBytes
from cardkit.profile.record import Record, RecordSchema
from cardkit.profile.rowreader import BadRow, RowReader
from cardkit.profile.rows import Cells, HeaderValue, Rows
from cardkit.profile.source import Source


@dataclass(frozen=True, slots=True)
class OrderTotals:
    """What the rows add up to, quarantined ones included; both agree with the file's own totals, or it was refused.

    :param hash: sum of the last nine digits of the declared field, None where the layout declares none.
    """

    count: int
    hash: int | None


@dataclass(frozen=True, slots=True)
class Order:
    """An order file, read as a whole.

    :param header: values of the header's lines by name.  :param normalized: values changed to a declared normal form.
    :param sha256: of the file, 32 bytes.
    """

    records: Sequence[Record]
    quarantined: Sequence[BadRow]
    totals: OrderTotals
    header: Mapping[str, HeaderValue]
    normalized: int
    sha256: bytes

    def __iter__(self) -> Iterator[Record | BadRow]:
        """Yield good and bad rows in the order of the file."""
        return merge(self.records, self.quarantined, key=lambda row: row.row_no)

    @property
    def rows(self) -> int:
        """Number of data rows, quarantined ones included."""
        return self.totals.count

    @property
    def duplicates(self) -> tuple[BadRow, ...]:
        """The quarantined rows whose business key stands in the file before."""
        return tuple(bad for bad in self.quarantined if bad.code == "DUPLICATE")


class OrderRows:
    """An order file, read row by row and once: memory stays flat.

    Rows with the same business key are not noticed here: the store knows them, and :func:`read_order` does.

    :param stream: of the file; can seek, and stays open while rows are read.
    :param name: of the file, for messages; by default the stream's.
    :param live: refuse key index 0, which means clear values.
    :param rng: size -> random bytes, for values the plant makes; None where none can be made.
    :raises RecordError: what refuses the whole file; some of it, such as wrong totals, when the rows are read.
    :raises KeyStoreError: where a transport key is missing.
    """

    def __init__(  # noqa: PLR0913  (three are named, and have defaults)
        self,
        layout: Layout,
        schema: RecordSchema,
        stream: BinaryIO,
        keystore: KeyStore,
        *,
        name: str | None = None,
        live: bool = False,
        rng: RandomBytes | None = None,
    ) -> None:
        self.layout = layout
        self.schema = schema
        self._path = str(getattr(stream, "name", "")) if name is None else name  # bytes in memory have none
        self._totals: OrderTotals | None = None
        with _named(self._path):
            source = Source(stream)
            self.sha256 = source.sha256
            self._rows = _cut(layout, schema, source)
            self.header = self._rows.header
            if live:
                _refuse_clear(self.header)
            self.reader = RowReader(layout, schema, self._rows, keystore, rng)

    @property
    def totals(self) -> OrderTotals:
        """What the rows add up to, once they have been read.

        :raises RecordError: before the last row.
        """
        if self._totals is None:
            raise RecordError("the order has not been read to its end", code="COUNT")
        return self._totals

    @property
    def columns(self) -> tuple[str, ...]:
        """Names of the fields of each row, in the order of its cells."""
        return self._rows.columns

    @property
    def normalized(self) -> int:
        """Values changed to a declared normal form, so far."""
        return self.reader.normalized

    def __iter__(self) -> Iterator[Record | BadRow]:
        """Yield records and bad rows; RecordError at the end where the totals differ."""
        return (row for _, row in self.numbered())

    def numbered(self) -> Iterator[tuple[int, Record | BadRow]]:
        """Yield line numbers from 1, and records or bad rows."""
        with _named(self._path):
            yield from self._numbered()

    def cut(self) -> Iterator[tuple[int, int, Cells]]:
        """Yield row numbers and line numbers from 1, and cells that nobody has read yet.

        :raises RecordError: as :meth:`__iter__`.
        """
        with _named(self._path):
            yield from self._cut()

    def _numbered(self) -> Iterator[tuple[int, Record | BadRow]]:
        read = self.reader.read
        for row_no, line, cells in self._cut():
            yield line, read(row_no, line, cells)

    def _cut(self) -> Iterator[tuple[int, int, Cells]]:
        count = total = 0
        hashed = self._hash_place()
        for count, (line, cells) in enumerate(self._rows.rows, 1):
            if hashed is not None:
                total += _last_nine(cells, hashed)
            yield count, line, cells
        if not count:
            raise RecordError("no data row", code="EMPTY")
        self._totals = self._compared(count, total)

    def _hash_place(self) -> int | None:
        total, columns = self.layout.totals.hash, self._rows.columns
        return None if total is None else columns.index(total.field) if total.field in columns else 0

    def _compared(self, count: int, total: int) -> OrderTotals:
        declared = {f"header.{name}": value for name, value in self._rows.header.items()}
        declared |= {
            name if name.startswith("/") else f"trailer.{name}": value for name, value in self._rows.trailer.items()
        }
        totals = self.layout.totals
        if totals.count is not None:
            _compare("COUNT", totals.count, declared.get(totals.count), count)
        if totals.hash is None:
            return OrderTotals(count, None)
        _compare("HASH_TOTAL", totals.hash.of, declared[totals.hash.of], total)
        return OrderTotals(count, total)


@contextmanager
def open_order(
    profile: Profile, path: Path | str, keystore: KeyStore, *, rng: RandomBytes | None = None
) -> Iterator[OrderRows]:
    """Open an order file with the profile's layout and record schema, to be read row by row in the ``with`` block.

    :param keystore: opens values under transport keys.
    :param rng: size -> random bytes, for values the plant makes: they are kept nowhere but in what becomes of the rows.
    :raises RecordError: one line with the file and why nothing of it is imported.
    :raises KeyStoreError: where a transport key is missing.
    """
    try:
        stream = Path(path).open("rb")  # noqa: SIM115  closed below; only opening it may be refused here
    except OSError as error:
        raise RecordError(f"{path}: cannot be read: {error.strerror or error}", code="FILE") from None
    with stream:
        yield order_rows(profile, stream, keystore, rng=rng)


def order_rows(
    profile: Profile, stream: BinaryIO, keystore: KeyStore, *, name: str | None = None, rng: RandomBytes | None = None
) -> OrderRows:
    """Return the rows of an open order file with the profile's layout and record schema; else as :func:`open_order`.

    :param name: of the file, for messages; by default the stream's.
    """
    live = profile.kind == "LIVE"
    return OrderRows(profile.layout, profile.record, stream, keystore, name=name, live=live, rng=rng)


def read_order(profile: Profile, path: Path | str, keystore: KeyStore) -> Order:
    """Read an order file as a whole, with the profile's layout and record schema; parameters as :func:`open_order`."""
    with open_order(profile, path, keystore) as rows:
        return _collect(rows)


def parse_order(
    layout: Layout,
    schema: RecordSchema,
    data: bytes,
    keystore: KeyStore,
    *,
    live: bool = False,
    rng: RandomBytes | None = None,
) -> Order:
    """Read the bytes of an order file.

    :param live: refuse key index 0, which means clear values.
    :raises RecordError: what refuses the whole file.  :raises KeyStoreError: where a transport key is missing.
    """
    return _collect(OrderRows(layout, schema, io.BytesIO(data), keystore, live=live, rng=rng))


def _collect(rows: OrderRows) -> Order:
    """Read all rows; one whose business key stood in a row before goes to the quarantine."""
    records: list[Record] = []
    quarantined: list[BadRow] = []
    seen: dict[tuple[str, str], int] = {}
    for line, row in rows.numbered():
        if isinstance(row, BadRow):
            quarantined.append(row)
            continue
        keys = list(row.business_keys().items())
        again = next((key for key in keys if key in seen), None)
        if again is not None:
            quarantined.append(rows.reader.duplicate(row, line, again[0], seen[again]))
            continue
        seen.update((key, row.row_no) for key in keys)
        records.append(row)
    return Order(records, quarantined, rows.totals, rows.header, rows.normalized, rows.sha256)


def _cut(layout: Layout, schema: RecordSchema, source: Source) -> Rows:
    if layout.kind == "fixed":
        return fixed.cut(layout, source)
    if layout.kind == "xml":
        return markup.cut(layout, source)
    consts = [column.name for column in layout.fields if column.name not in schema.fields]
    required = [name for name, field in schema.fields.items() if not field.is_supplied]
    cut = sections.cut if layout.kind == "sections" else delimited.cut
    return cut(layout, (*required, *consts), (*schema.fields, *consts), source)


@contextmanager
def _named(path: str) -> Iterator[None]:
    """Put the file's name and the code before what refuses a file."""
    try:
        yield
    except RecordError as error:
        if not path:
            raise
        raise RecordError(f"{path}: {error.code}: {error}", code=error.code) from None


def _last_nine(cells: Cells, place: int) -> int:
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

"""How an order file is laid out: declared, not coded (production.md 9)."""

from __future__ import annotations

import codecs
from typing import Literal

import msgspec

from cardkit.profile.column import Column
from cardkit.profile.layoutcheck import check_layout

Encoding = Literal[
    "ascii", "utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be",
    "cp1251", "cp1252", "cp866", "koi8_r", "koi8_t", "kz1048", "ptcp154",
]  # fmt: skip
BOMS = (codecs.BOM_UTF8, codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)

# Values of the operators' header line that are not plain text.
HEADER_KEYS = frozenset({"auc_key", "ota_key", "transport_key"})
HEADER_NUMBERS = frozenset({"quantity", "imsi_per_iccid"}) | HEADER_KEYS
HEADER_TIMES = frozenset({"timestamp"})


class HeaderLines(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Values before the rows, such as the operators' header line.

    :param fields: their names in order.  :param optional: the names at the end that may be absent.
    In XML they are attributes of the outermost element, in sections lines ``Name: value`` in any case.
    """

    fields: tuple[str, ...]
    lines: int = 1
    optional: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        """Refuse what cannot be a header."""
        if not 1 <= self.lines <= 100:
            raise ValueError(f'"lines" is {self.lines}, expected 1 to 100')
        if len(set(self.fields)) != len(self.fields):
            raise ValueError('"fields" names one value twice')
        if not set(self.optional) <= set(self.fields):
            raise ValueError('"optional" names a value that "fields" does not')


class Trailer(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The last line: ``prefix`` and then numbers, such as ``T;3;73``."""

    prefix: str
    fields: tuple[str, ...]
    sep: str = ";"

    def __post_init__(self) -> None:
        """Refuse an empty separator or prefix."""
        if not self.sep or not self.prefix:
            raise ValueError('"sep" and "prefix" must not be empty')


class HashTotal(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The plain sum of the last nine digits of a field over all rows, and where the file declares it."""

    field: str
    of: str
    rule: Literal["sum-last-9"] = "sum-last-9"


class Totals(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """What the file declares about itself: ``header.NAME`` or ``trailer.NAME``."""

    count: str | None = None
    hash: HashTotal | None = None


class Layout(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """One form of order file, or with ``direction = "out"`` of output file.

    :param newline: ``any`` is LF or CRLF.  :param sep: one character.  :param quote: one character, or none.
    :param header: ``names`` (one line of column names), lines of values, or ``none``.
    :param names: whether names in the file are compared letter by letter, or in any case.
    :param record_bytes: length of a row without its line end (fixed).
    :param record: path of the element of a row, ``/order/card`` (XML).
    :param rows: word of the line that names the columns, ``Var_Out`` (sections).
    :param starts: word of the line above the first values, from which the rows are counted (sections).
    :param fields: the columns; empty means one per field of ``[record]``, found by name.
    :param identity: the field to whose value AES-GCM binds the wrapped values of a row.
    :param states: of an output file: which records it has, and the customer's word for each state.
    """

    kind: Literal["delimited", "fixed", "xml", "sections"]
    direction: Literal["in", "out"] = "in"
    name: str = ""
    version: int = 1
    encoding: Encoding
    newline: Literal["any", "lf", "crlf"] = "any"
    sep: str = ","
    quote: str | None = None
    header: Literal["names", "none"] | HeaderLines = "none"
    names: Literal["exact", "any-case"] = "exact"
    record_bytes: int | None = None
    record: str | None = None
    rows: str | None = None
    starts: str | None = None
    fields: tuple[Column, ...] = ()
    totals: Totals = Totals()
    trailer: Trailer | None = None
    identity: str | None = None
    states: dict[str, str] = {}

    def __post_init__(self) -> None:
        """Refuse a layout that contradicts itself."""
        check_layout(self)

    @property
    def header_fields(self) -> tuple[str, ...]:
        """Names of the header's values."""
        return self.header.fields if isinstance(self.header, HeaderLines) else ()

    def named(self, name: str) -> str:
        """Return a name of the file in the form in which names are compared."""
        return name.casefold() if self.names == "any-case" else name

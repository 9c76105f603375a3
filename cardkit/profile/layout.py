"""How an order file is laid out: declared, not coded (production.md 9)."""

from __future__ import annotations

import codecs
from typing import Literal

import msgspec

from cardkit.profile.field import OPTIONS, Field

Encoding = Literal[
    "ascii", "utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be",
    "cp1251", "cp1252", "cp866", "koi8_r", "koi8_t", "kz1048", "ptcp154",
]  # fmt: skip
WIDE = frozenset({"utf-16", "utf-16-le", "utf-16-be"})
BOMS = (codecs.BOM_UTF8, codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)

# Values of the operators' header line that are not plain text.
HEADER_NUMBERS = frozenset({"quantity", "imsi_per_iccid", "auc_key", "ota_key"})
HEADER_KEYS = frozenset({"auc_key", "ota_key"})
HEADER_TIMES = frozenset({"timestamp"})

Position = tuple[int, int]


class Column(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """Where a field stands in a row, and its rule where the profile's ``[record]`` has none.

    :param at: column of a delimited file, from 1.  :param column: its name in the file's header, where that is another.
    :param bytes: fixed files: first byte from 1 and length; else the option of the rule.
    :param pad: side that is filled up (fixed files).  :param fill: the character it is filled with.
    """

    name: str
    at: int | None = None
    column: str | None = None
    bytes: Position | int | None = None
    pad: Literal["left", "right"] | None = None
    fill: str = " "
    type: str | None = None
    min: int | None = None
    max: int | None = None
    check: str | None = None
    key: str | None = None
    class_: str | None = msgspec.field(default=None, name="class")
    values: tuple[str, ...] | None = None
    value: str | None = None
    format: str | None = None
    algorithm: str | None = None
    transport: str | None = None
    wrap: str | None = None
    normalize: str | None = None

    def __post_init__(self) -> None:
        """Refuse a rule that is no rule; msgspec turns ValueError into an error with the path."""
        if len(self.fill) != 1:
            raise ValueError(f'"fill" must be one character, got {len(self.fill)}')
        if self.at is not None and self.at < 1:
            raise ValueError(f'"at" is {self.at}, columns count from 1')
        if isinstance(self.bytes, tuple) and (self.bytes[0] < 1 or self.bytes[1] < 1):
            raise ValueError('"bytes" must be [first byte from 1, length of 1 or more]')
        self.rule()

    @property
    def place(self) -> Position:
        """First byte and length of a column in a fixed file; (0, 0) where it has none."""
        return self.bytes if isinstance(self.bytes, tuple) else (0, 0)

    def rule(self) -> Field | None:
        """Return the field's rule, or None where the profile's ``[record]`` has it; ValueError on a bad one."""
        options = {option: value for option in _RULE_OPTIONS if (value := getattr(self, option)) is not None}
        if not isinstance(self.bytes, int):
            options.pop("bytes", None)
        if self.class_ is not None:
            options["class"] = self.class_
        if self.type is None:
            if options:
                raise ValueError(f'"{min(options)}" needs a "type": a rule stands whole here or in [record]')
            return None
        try:
            return msgspec.convert(options, Field)
        except msgspec.ValidationError as error:
            raise ValueError(str(error).partition(" - at ")[0]) from None


_RULE_OPTIONS = frozenset().union(*OPTIONS.values(), {"type", "key"})


class HeaderLines(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Values before the rows, such as the operators' header line.

    :param fields: their names in order.  :param optional: the names at the end that may be absent.
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
        if self.optional and self.fields[-len(self.optional) :] != self.optional:
            raise ValueError('"optional" must be the last names of "fields"')


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
    """One form of order file.

    :param newline: ``any`` is LF or CRLF.  :param sep: one character.  :param quote: one character, or none.
    :param header: ``names`` (one line of column names), lines of values, or ``none``.
    :param record_bytes: length of a row without its line end (fixed).
    :param fields: the columns; empty means one per field of ``[record]``, found by name.
    """

    kind: Literal["delimited", "fixed"]
    name: str = ""
    version: int = 1
    encoding: Encoding
    newline: Literal["any", "lf", "crlf"] = "any"
    sep: str = ","
    quote: str | None = None
    header: Literal["names", "none"] | HeaderLines = "none"
    record_bytes: int | None = None
    fields: tuple[Column, ...] = ()
    totals: Totals = Totals()
    trailer: Trailer | None = None

    def __post_init__(self) -> None:
        """Refuse a layout that contradicts itself."""
        names = [column.name for column in self.fields]
        if len(set(names)) != len(names):
            raise ValueError('"fields" names one field twice')
        if self.kind == "fixed":
            self._check_fixed()
        else:
            self._check_delimited()
        if self.totals.count is not None:
            self._check_source(self.totals.count)
        if self.totals.hash is not None:
            self._check_source(self.totals.hash.of)

    def _check_delimited(self) -> None:
        if self.record_bytes is not None:
            raise ValueError('"record_bytes" is for kind "fixed"')
        if len(self.sep) != 1 or self.sep in "\r\n" or (self.quote is not None and len(self.quote) != 1):
            raise ValueError('"sep" and "quote" must be one character each')
        if self.quote is not None and (self.quote in "\r\n" or self.quote == self.sep):
            raise ValueError('"quote" must differ from "sep" and the line end')
        if any(isinstance(column.bytes, tuple) for column in self.fields):
            raise ValueError('"bytes = [first, length]" is for kind "fixed"')
        places = [column.at for column in self.fields]
        if self.header != "names" and (
            not places or sorted(place or 0 for place in places) != list(range(1, len(places) + 1))
        ):
            raise ValueError('without column names "fields" must say "at" for each column, 1, 2, 3 and so on')

    def _check_fixed(self) -> None:
        if self.record_bytes is None or not 1 <= self.record_bytes <= 1 << 16:
            raise ValueError('kind "fixed" needs "record_bytes" of 1 to 65536')
        if self.encoding in WIDE or self.header == "names" or self.quote is not None or not self.fields:
            raise ValueError('kind "fixed" needs "fields" and has no UTF-16, column names or quotes')
        end = 0
        for first, length in sorted(column.place for column in self.fields):
            if first != end + 1:
                raise ValueError(f'"fields": byte {end + 1} of the record belongs to no field, or to two')
            end = first + length - 1
        if end != self.record_bytes:
            raise ValueError(f'"fields" cover {end} bytes, "record_bytes" is {self.record_bytes}')

    def _check_source(self, source: str) -> None:
        place, _, name = source.partition(".")
        header = self.header.fields if isinstance(self.header, HeaderLines) else ()
        known = {"header": header, "trailer": self.trailer.fields if self.trailer else ()}.get(place, ())
        if name not in known:
            raise ValueError(f'"totals": "{source}" is no value of the header or trailer')

"""What a layout must not say: each refusal is a ValueError, which becomes a ProfileError with the path."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from cardkit.profile.layout import Layout

ENDED = ("GOOD", "SCRAPPED", "CANCELLED", "LOST")
_RECORD_PATH = re.compile(r"(/[A-Za-z_][\w.-]*){2,8}")
_WORDS = re.compile(r"[A-Za-z][\w ]{0,40}")

# Keys that only some kinds have.
_KINDS = {
    "record_bytes": ("fixed",),
    "record": ("xml",),
    "rows": ("sections",),
    "starts": ("sections",),
    "quote": ("delimited",),
    "trailer": ("delimited", "fixed"),
}


def check_layout(layout: Layout) -> None:
    """Refuse a layout that contradicts itself."""
    names = [column.name for column in layout.fields]
    if len(set(names)) != len(names):
        raise ValueError('"fields" names one field twice')
    for key, kinds in _KINDS.items():
        if getattr(layout, key) is not None and layout.kind not in kinds:
            raise ValueError(f'"{key}" is for kind {" or ".join(f"{kind!r}" for kind in kinds)}'.replace("'", '"'))
    _check_columns(layout)
    _check_header(layout)
    _CHECKS[layout.kind](layout)
    _check_totals(layout)
    _check_direction(layout)


def _check_columns(layout: Layout) -> None:
    for column in layout.fields:
        if isinstance(column.bytes, tuple) and layout.kind != "fixed":
            raise ValueError('"bytes = [first, length]" is for kind "fixed"')
        if isinstance(column.at, str) != (layout.kind == "xml" and column.at is not None):
            raise ValueError(f'"{column.name}": "at" is a path for kind "xml", else a number')
        if column.start is not None and layout.starts is None:
            raise ValueError(f'"{column.name}": "start" needs "starts"')


def _check_header(layout: Layout) -> None:
    """Values that are found by their place can only be absent at the end."""
    if isinstance(layout.header, str) or layout.kind in ("sections", "xml") or not layout.header.optional:
        return
    optional = layout.header.optional
    if layout.header.fields[-len(optional) :] != optional:
        raise ValueError('"optional" must be the last names of "fields"')


def _check_delimited(layout: Layout) -> None:
    if len(layout.sep) != 1 or layout.sep in "\r\n" or (layout.quote is not None and len(layout.quote) != 1):
        raise ValueError('"sep" and "quote" must be one character each')
    if layout.quote is not None and (layout.quote in "\r\n" or layout.quote == layout.sep):
        raise ValueError('"quote" must differ from "sep" and the line end')
    places = [column.at for column in layout.fields]
    if layout.header != "names" and (
        not places or sorted(int(place or 0) for place in places) != list(range(1, len(places) + 1))
    ):
        raise ValueError('without column names "fields" must say "at" for each column, 1, 2, 3 and so on')


def _check_fixed(layout: Layout) -> None:
    if layout.record_bytes is None or not 1 <= layout.record_bytes <= 1 << 16:
        raise ValueError('kind "fixed" needs "record_bytes" of 1 to 65536')
    if layout.encoding.startswith("utf-16") or layout.header == "names" or not layout.fields:
        raise ValueError('kind "fixed" needs "fields" and has no UTF-16, column names or quotes')
    end = 0
    for first, length in sorted(column.place for column in layout.fields):
        if first != end + 1:
            raise ValueError(f'"fields": byte {end + 1} of the record belongs to no field, or to two')
        end = first + length - 1
    if end != layout.record_bytes:
        raise ValueError(f'"fields" cover {end} bytes, "record_bytes" is {layout.record_bytes}')


def _check_xml(layout: Layout) -> None:
    if layout.record is None or not _RECORD_PATH.fullmatch(layout.record):
        raise ValueError('kind "xml" needs "record", the path of a row, such as "/order/card"')
    if layout.header == "names" or not layout.fields:
        raise ValueError('kind "xml" needs "fields" and has no column names')
    paths = [column.at or column.name for column in layout.fields]
    if len(set(paths)) != len(paths):
        raise ValueError('"fields" names one place twice')


def _check_sections(layout: Layout) -> None:
    if len(layout.sep) != 1 or layout.sep in "\r\n":
        raise ValueError('"sep" must be one character')
    words = [word for word in (layout.rows, layout.starts) if word is not None]
    if len(words) != 1 or not _WORDS.fullmatch(words[0]):
        raise ValueError('kind "sections" needs "rows" or "starts", the word of the line before the values')
    if layout.header in ("names", "none"):
        raise ValueError('kind "sections" needs a "header" of values')
    if layout.starts is not None and (layout.totals.count is None or any(not it.start for it in layout.fields)):
        raise ValueError('"starts" needs "totals.count", and "start" for each of "fields"')


def _check_totals(layout: Layout) -> None:
    hashed = layout.totals.hash
    for source in filter(None, (layout.totals.count, hashed.of if hashed else None)):
        place, _, name = source.partition(".")
        trailer = layout.trailer.fields if layout.trailer else ()
        known = {"header": layout.header_fields, "trailer": trailer}.get(place, ())
        if name not in known and not (layout.kind == "xml" and source.startswith("/") and "/@" in source):
            raise ValueError(f'"totals": "{source}" is no value of the header or trailer')


def _check_direction(layout: Layout) -> None:
    if layout.direction == "out":
        _check_out(layout)
    elif layout.states:
        raise ValueError('"states" is for direction "out"')


def _check_out(layout: Layout) -> None:
    unknown = sorted(set(layout.states) - set(ENDED))
    if unknown:
        raise ValueError(f'"states": "{unknown[0]}", expected some of {", ".join(ENDED)}')
    if not layout.fields or layout.starts is not None:
        raise ValueError('direction "out" needs "fields", and rows')
    if any("/@" in str(column.at) for column in layout.fields):
        raise ValueError('direction "out": attributes stand at the record itself')
    hashed = layout.totals.hash.of if layout.totals.hash else None
    for name in layout.trailer.fields if layout.trailer else ():
        if f"trailer.{name}" not in (layout.totals.count, hashed):
            raise ValueError(f'direction "out": "totals" do not say what "trailer.{name}" is')
    if hashed is not None and not hashed.startswith("trailer."):
        raise ValueError('direction "out": the hash total stands in the trailer')


_CHECKS = {"delimited": _check_delimited, "fixed": _check_fixed, "xml": _check_xml, "sections": _check_sections}

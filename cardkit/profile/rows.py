"""What all forms of order file share: rows of cells, header values, trailer (production.md 9)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime

from cardkit.errors import RecordError
from cardkit.profile.layout import HEADER_NUMBERS, HEADER_TIMES, HeaderLines, Trailer
from cardkit.profile.reading import FieldError

Cells = list[str] | FieldError
Cell = str | bytes | bytearray | list[str]
"""A cell as it stands in the file, a wrapped value in clear, or code and reason of one that could not be opened."""
HeaderValue = str | int | datetime | None
HEADER_TIME = "%y%m%d%H%M%S"
MAX_DIGITS = 18


@dataclass(frozen=True, slots=True)
class Rows:
    """An order file being cut up, nothing interpreted yet.

    :param columns: names of the fields, in order of the cells.
    :param rows: line number from 1, and the cells or why the row has none; to be read once.
    :param trailer: the numbers after the rows, there when the rows have been read.
    """

    header: Mapping[str, HeaderValue]
    columns: tuple[str, ...]
    rows: Iterator[tuple[int, Cells]]
    trailer: Mapping[str, int]


def header_values(header: HeaderLines, lines: list[str], sep: str) -> dict[str, HeaderValue]:
    """Return the values of the header's lines by name; None for an optional one that is absent.

    :raises RecordError: code HEADER, on another number of values or one that is no number or time.
    """
    values = sep.join(lines).split(sep)
    most, least = len(header.fields), len(header.fields) - len(header.optional)
    if not least <= len(values) <= most:
        raise RecordError(f"header: {len(values)} values, expected {least} to {most}", code="HEADER")
    texts = [*values, *[None] * (most - len(values))]
    return {name: header_value(name, text) for name, text in zip(header.fields, texts, strict=True)}


def header_value(name: str, text: str | None) -> HeaderValue:
    """Return one value of a header by its name; RecordError code HEADER where it is no number or time, and should."""
    if text is None:
        return None
    if name in HEADER_NUMBERS:
        return number(f"header.{name}", text, "HEADER")
    if name not in HEADER_TIMES:
        return text
    try:
        moment = datetime.strptime(text, HEADER_TIME)  # noqa: DTZ007  the operator's local time, zone unknown
    except ValueError:
        moment = None
    if moment is None or moment.strftime(HEADER_TIME) != text:
        raise RecordError(f"header.{name}: expected YYMMDDhhmmss, got {len(text)} characters", code="HEADER")
    return moment


def trailer_values(trailer: Trailer, line: str) -> dict[str, int]:
    """Return the numbers of the last line by name; RecordError code TRAILER_MISSING where it is no trailer."""
    prefix, *values = line.split(trailer.sep)
    if prefix != trailer.prefix or len(values) != len(trailer.fields):
        form = trailer.sep.join([trailer.prefix, *trailer.fields])
        raise RecordError(f"last line: expected the trailer {form}", code="TRAILER_MISSING")
    return {
        name: number(f"trailer.{name}", text, "TRAILER_MISSING")
        for name, text in zip(trailer.fields, values, strict=True)
    }


def number(what: str, text: str, code: str) -> int:
    """Return a number of the header or trailer; RecordError on anything but 1 to 18 digits."""
    if not (text.isascii() and text.isdecimal() and len(text) <= MAX_DIGITS):
        raise RecordError(f"{what}: expected a number of 1 to {MAX_DIGITS} digits", code=code)
    return int(text)

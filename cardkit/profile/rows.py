"""What all forms of order file share: declared encodings, line ends, header values, trailer (production.md 9)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from cardkit.errors import RecordError
from cardkit.profile.layout import BOMS, HEADER_NUMBERS, HEADER_TIMES, HeaderLines, Layout, Trailer
from cardkit.profile.reading import FieldError

HeaderValue = str | int | datetime | None
HEADER_TIME = "%y%m%d%H%M%S"
MAX_DIGITS = 18


@dataclass(frozen=True, slots=True)
class Rows:
    """An order file cut up, nothing interpreted yet.

    :param columns: names of the fields, in order of the cells.
    :param rows: line number from 1, and the cells or why the row has none.
    """

    header: Mapping[str, HeaderValue]
    trailer: Mapping[str, int]
    columns: tuple[str, ...]
    rows: list[tuple[int, list[str] | FieldError]]


def without_bom(layout: Layout, data: bytes) -> bytes:
    """Return the bytes to decode; RecordError on a byte-order mark nobody declared, or on a missing one."""
    found = next((bom for bom in BOMS if data.startswith(bom)), None)
    if layout.encoding == "utf-16":
        if found not in BOMS[1:]:
            raise RecordError("utf-16 needs its byte-order mark; declare utf-16-le or utf-16-be", code="ENCODING_BOM")
        return data
    if layout.encoding == "utf-8-sig" and found == BOMS[0]:
        return data[len(BOMS[0]) :]
    if found is not None:
        raise RecordError(f"a byte-order mark, but the layout declares {layout.encoding}", code="ENCODING_BOM")
    return data


def decode(data: bytes, encoding: str) -> str:
    """Return text in a declared encoding; RecordError with the line of the first wrong byte."""
    try:
        return data.decode("utf-8" if encoding == "utf-8-sig" else encoding)
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise RecordError(
            f"line {line}: byte {error.start + 1} of the file is not {encoding}", code="ENCODING"
        ) from None


def cut_lines(layout: Layout, data: bytes) -> list[bytes]:
    """Return the lines of a file in bytes, their ends as declared and removed."""
    lines = data.split(b"\r\n" if layout.newline == "crlf" else b"\n")
    if not lines[-1]:
        lines.pop()
    return [line.removesuffix(b"\r") for line in lines] if layout.newline == "any" else lines


def cut_text(layout: Layout, text: str) -> list[str]:
    """Return the lines of a text, their ends as declared and removed."""
    lines = text.split("\r\n" if layout.newline == "crlf" else "\n")
    if not lines[-1]:
        lines.pop()
    return [line.removesuffix("\r") for line in lines] if layout.newline == "any" else lines


def header_values(header: HeaderLines, lines: list[str], sep: str) -> dict[str, HeaderValue]:
    """Return the values of the header's lines by name; None for an optional one that is absent.

    :raises RecordError: code HEADER, on another number of values or one that is no number or time.
    """
    values = sep.join(lines).split(sep)
    most, least = len(header.fields), len(header.fields) - len(header.optional)
    if not least <= len(values) <= most:
        raise RecordError(f"header: {len(values)} values, expected {least} to {most}", code="HEADER")
    texts = [*values, *[None] * (most - len(values))]
    return {name: _header_value(name, text) for name, text in zip(header.fields, texts, strict=True)}


def _header_value(name: str, text: str | None) -> HeaderValue:
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

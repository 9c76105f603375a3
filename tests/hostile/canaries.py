"""Planted values and the shapes in which they could leak (security.md 12)."""

from __future__ import annotations

import base64
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from pypdf import PdfReader

MIN_NEEDLE = 8
"""Shorter byte strings turn up by chance in encrypted cells and digests."""


def _swapped(text: str) -> str:
    return "".join(text[start + 1] + text[start] for start in range(0, len(text), 2))


def _base64_cores(value: bytes) -> list[bytes]:
    """What base64 of any text around the value must contain, for the three alignments."""
    cores = []
    for shift in range(3):
        first = -(-shift * 8 // 6)
        last = (shift + len(value)) * 8 // 6
        cores.append(base64.b64encode(bytes(shift) + value)[first:last])
    return cores


def needles_of_bytes(value: bytes) -> dict[str, bytes]:
    """Shapes of a secret of 8 bytes or more."""
    text = value.hex()
    half = len(value) // 2
    halves = {"first half": value[:half], "last half": value[half:]} if half >= MIN_NEEDLE else {}
    shapes = {"raw": value, "reversed": value[::-1], "nibbles swapped": bytes.fromhex(_swapped(text)), **halves}
    found = dict(shapes)
    for name, raw in shapes.items():
        found |= {f"{name}, hex": raw.hex().encode(), f"{name}, HEX": raw.hex().upper().encode()}
    found |= {f"base64 at {shift}": core for shift, core in enumerate(_base64_cores(value))}
    found |= {f"base64 of hex at {shift}": core for shift, core in enumerate(_base64_cores(text.encode()))}
    found |= {f"base64 of HEX at {shift}": core for shift, core in enumerate(_base64_cores(text.upper().encode()))}
    for name, digits in (("lower", text), ("upper", text.upper())):
        pairs = [digits[start : start + 2] for start in range(0, len(digits), 2)]
        found[f"spaced {name}"] = " ".join(pairs).encode()
        found[f"colons {name}"] = ":".join(pairs).encode()
        found[f"0x list {name}"] = ", ".join(f"0x{pair}" for pair in pairs).encode()
        found[f"UTF-16 {name}"] = digits.encode("utf-16-le")
        found[f"ASCII of hex {name}"] = digits.encode().hex().encode()
    found["repr"] = repr(value)[2:-1].encode()
    found["decimal list"] = ", ".join(map(str, value)).encode()
    found["compact decimal list"] = ",".join(map(str, value)).encode()
    found["integer"] = str(int.from_bytes(value, "big")).encode()
    return found


def needles_of_digits(digits: str) -> dict[str, bytes]:
    """Shapes of a string of 8 digits or more; packed ones only where they are long enough to be no accident."""
    text = digits.encode()
    groups = [digits[start : start + 4] for start in range(0, len(digits), 4)]
    found = {
        "text": text,
        "spaced": " ".join(groups).encode(),
        "dashed": "-".join(groups).encode(),
        "UTF-16": digits.encode("utf-16-le"),
        "ASCII in hex": text.hex().encode(),
        "decimal list": ", ".join(map(str, text)).encode(),
        "compact decimal list": ",".join(map(str, text)).encode(),
    }
    found |= {f"base64 at {shift}": core for shift, core in enumerate(_base64_cores(text))}
    if len(digits) >= 12:
        even = digits if len(digits) % 2 == 0 else f"9{digits}"  # an IMSI's parity nibble (TS 31.102 4.2.2)
        swapped = _swapped(even)
        found |= {"reversed": text[::-1], "swapped": swapped.encode()}
        found |= {"packed": bytes.fromhex(even), "packed and swapped": bytes.fromhex(swapped)}
        found["hexadecimal integer"] = f"{int(digits):x}".encode()
    return {name: needle for name, needle in found.items() if len(needle) >= MIN_NEEDLE or name == "text"}


@dataclass(frozen=True)
class Hit:
    """One leak: where, of what, in which shape."""

    place: str
    canary: str
    shape: str


def search(places: Iterator[tuple[str, bytes]], needles: dict[str, dict[str, bytes]]) -> list[Hit]:
    """Look for every shape of every canary in every place, its name included."""
    return [
        Hit(place, canary, shape)
        for place, content in places
        for haystack in (content, place.encode())
        for canary, shapes in needles.items()
        for shape, needle in shapes.items()
        if needle in haystack
    ]


def places(root: Path) -> Iterator[tuple[str, bytes]]:
    """Every file below a folder as it lies on the disk, and the text of every database and every page."""
    for path in sorted(root.rglob("*")):
        if not path.is_file():
            continue
        content = path.read_bytes()
        yield str(path.relative_to(root)), content
        if content.startswith(b"SQLite format 3\x00"):
            yield f"dump of {path.relative_to(root)}", _dump(path)
        if content.startswith(b"%PDF"):
            pages = PdfReader(path).pages
            yield f"text of {path.relative_to(root)}", "\n".join(page.extract_text() for page in pages).encode()


def _dump(path: Path) -> bytes:
    with closing(sqlite3.connect(f"{path.as_uri()}?mode=ro", uri=True)) as connection:
        return "\n".join(connection.iterdump()).encode()

"""The file of one chip: only what differs from its image.

    43 4B 56 31                     "CKV1"
    image digest 8                  the image it was made from
    L serial
    number of cells 2               then each: L name (ASCII), body length 4, body
    CRC-32 4                        over everything before

All numbers big endian, L one byte. The file is replaced as a whole: written beside, then `os.replace`d, so that a
killed process leaves the chip as it was before or after an APDU. Nothing waits for the disk: what a killed process
wrote is not lost, and what a power cut of the computer takes is only a virtual card.
"""

import os
import zlib
from pathlib import Path
from typing import TYPE_CHECKING, Final

from .errors import ChipFileError
from .memory import Memory

if TYPE_CHECKING:
    from .maker import AnyImage

_MAGIC: Final = b"CKV1"
_HEAD: Final = 4 + 8


def write(path: Path, image: "AnyImage", serial: bytes, memory: Memory) -> None:
    """Replace the chip's file by its present state."""
    cells = list(memory.changed())
    parts = [_MAGIC, image.digest, bytes((len(serial),)), serial, len(cells).to_bytes(2, "big")]
    for name, body in cells:
        label = name.encode("ascii")
        parts += (bytes((len(label),)), label, len(body).to_bytes(4, "big"), body)
    content = b"".join(parts)
    beside = f"{path}.new"
    with open(beside, "wb", buffering=0) as file:  # noqa: PTH123 - on the path of each APDU that writes
        file.write(content + zlib.crc32(content).to_bytes(4, "big"))
    os.replace(beside, path)  # noqa: PTH105 - idem


def read(path: Path, image: "AnyImage") -> tuple[bytes, dict[str, bytes]] | None:
    """Serial and changed cells of a saved chip; None for no file, or an empty one: a name taken, nothing written yet.

    :raises ChipFileError: damaged, or made from another image.
    """
    content = path.read_bytes() if path.exists() else b""
    if not content:
        return None
    body, check = content[:-4], content[-4:]
    if not body.startswith(_MAGIC) or zlib.crc32(body).to_bytes(4, "big") != check:
        raise ChipFileError(f"chip file {path}: damaged, expected CKV1 and a right CRC-32, got {len(content)} bytes")
    if body[4:_HEAD] != image.digest:
        raise ChipFileError(f"chip file {path}: made from another image or another version of {image.name!r}")
    serial, at = _take(body, _HEAD, 1)
    count = int.from_bytes(body[at : at + 2], "big")
    at += 2
    cells = {}
    for _ in range(count):
        name, at = _take(body, at, 1)
        cells[name.decode("ascii")], at = _take(body, at, 4)
    return serial, cells


def _take(body: bytes, at: int, width: int) -> tuple[bytes, int]:
    start = at + width
    end = start + int.from_bytes(body[at:start], "big")
    return body[start:end], end

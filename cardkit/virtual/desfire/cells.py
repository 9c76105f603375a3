"""Names and layout of memory cells.

A cell of fields is `L field` over and over, L of two bytes. Applications are named by their AID as on the wire.
"""

from collections.abc import Iterator
from typing import Final

SETTINGS: Final = "picc/settings"
DEFAULT_KEY: Final = "picc/default-key"
ATS: Final = "picc/ats"
CAPABILITIES: Final = "picc/capabilities"
SAK: Final = "picc/sak"
FAILURES: Final = "picc/failures"
APPLICATIONS: Final = "app/"
KEYS: Final = "keys/"
FILES: Final = "file/"
BODIES: Final = "body/"
COUNTERS: Final = "counter/"
PICC: Final = b"\x00\x00\x00"


def application(aid: bytes) -> str:
    """The cell of an application's settings."""
    return f"{APPLICATIONS}{aid.hex().upper()}"


def keys_of(aid: bytes) -> str:
    """Prefix of the cells of its key sets."""
    return f"{KEYS}{aid.hex().upper()}/"


def keys(aid: bytes, number: int) -> str:
    """The cell of a key set."""
    return f"{keys_of(aid)}{number:02X}"


def files_of(aid: bytes) -> str:
    """Prefix of the cells of its files' settings."""
    return f"{FILES}{aid.hex().upper()}/"


def file(aid: bytes, number: int) -> str:
    """The cell of a file's settings."""
    return f"{files_of(aid)}{number:02X}"


def bodies_of(aid: bytes) -> str:
    """Prefix of the cells of its files' contents."""
    return f"{BODIES}{aid.hex().upper()}/"


def body(aid: bytes, number: int) -> str:
    """The cell of a file's content."""
    return f"{bodies_of(aid)}{number:02X}"


def counters_of(aid: bytes) -> str:
    """Prefix of the cells of its SDM read counters."""
    return f"{COUNTERS}{aid.hex().upper()}/"


def counter(aid: bytes, number: int) -> str:
    """The cell of a file's SDM read counter."""
    return f"{counters_of(aid)}{number:02X}"


def pack(*fields: bytes) -> bytes:
    """Fields as one cell."""
    return b"".join(len(field).to_bytes(2, "big") + field for field in fields)


def unpack(cell: bytes) -> Iterator[bytes]:
    """The fields of a cell."""
    at = 0
    while at < len(cell):
        end = at + 2 + int.from_bytes(cell[at : at + 2], "big")
        yield cell[at + 2 : end]
        at = end

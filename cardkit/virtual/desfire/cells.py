"""Names and layout of memory cells.

A cell of fields is `L field` over and over, L of two bytes. Applications are named by their AID as on the wire.
"""

from collections.abc import Iterator
from functools import lru_cache
from typing import Final

SETTINGS: Final = "picc/settings"
DEFAULT_KEY: Final = "picc/default-key"
ATS: Final = "picc/ats"
CAPABILITIES: Final = "picc/capabilities"
SAK: Final = "picc/sak"
FAILURES: Final = "picc/failures"
APPLICATIONS: Final = "application/"
KEYS: Final = "keys/"  # key sets
FILES: Final = "file/"  # settings
BODIES: Final = "body/"  # contents
COUNTERS: Final = "counter/"  # SDM read counters
OF_FILE: Final = (FILES, BODIES, COUNTERS)
OF_APPLICATION: Final = (KEYS, *OF_FILE)
PICC: Final = b"\x00\x00\x00"


@lru_cache(maxsize=512)
def application(aid: bytes) -> str:
    """The cell of an application's settings."""
    return f"{APPLICATIONS}{aid.hex().upper()}"


def folder(kind: str, aid: bytes) -> str:
    """Prefix of all cells of a kind that an application has: KEYS, FILES, BODIES, COUNTERS."""
    return f"{kind}{aid.hex().upper()}/"


@lru_cache(maxsize=2048)
def numbered(kind: str, aid: bytes, number: int) -> str:
    """One of them, by the number of the key set or of the file."""
    return f"{kind}{aid.hex().upper()}/{number:02X}"


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

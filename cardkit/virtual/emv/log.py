"""The transaction log: a cyclic file the card writes itself (EMV Book 3, annex D; tags 9F4D and 9F4F)."""

from collections.abc import Mapping

from .. import statuswords as sw
from ..errors import StatusWordError
from . import dol, objects
from .data import CardData

_CELL = "log"


def _entry(data: CardData) -> bytes:
    """The log entry of the FCI: SFI and number of records; both interfaces share it."""
    return objects.find(data.fci(contactless=False), 0x9F4D) or b"\x00\x00"


def file_of(data: CardData) -> int:
    """SFI of the log, 0 without one."""
    return _entry(data)[0]


def record(data: CardData, number: int) -> bytes:
    """A record, the newest being 1.

    :raises StatusWordError: 6A83.
    """
    size = dol.size(data.dgi(0x9F4F))
    found = data.get(_CELL)[(number - 1) * size : number * size]
    if not found:
        raise StatusWordError(sw.RECORD_NOT_FOUND)
    return found


def write(data: CardData, values: Mapping[int, bytes]) -> None:
    """Add a record in front; the oldest goes when the file is full."""
    sfi, most = _entry(data)[:2]
    if sfi:
        form = data.dgi(0x9F4F)
        data.put(_CELL, (dol.fill(form, values) + data.get(_CELL))[: most * dol.size(form)])

"""Data objects that STORE DATA puts into a security domain (GPCS 11.11.3; CPLC as cards do it, unverified)."""

from dataclasses import replace
from typing import Final

from .. import statuswords as sw
from ..errors import StatusWordError
from . import ber, cells, scp11data
from .chip import GpChip, is_issuer
from .image import CPLC
from .registry import Entry

BER_GROUPING: Final = 0x0070  # DGI that carries BER-TLV objects
_PLAIN: Final = frozenset((0x42, 0x45, 0x66, 0x67, 0x5F50))
_RENAME: Final = 0x4F
_CPLC_FIELDS: Final = {0x9F67: 26, 0x9F66: 34}  # pre-personalization, personalization: offset in the CPLC data
_CPLC_FIELD_SIZE: Final = 8
_AID_SIZES: Final = range(5, 17)
_MOST: Final = 1024


def store(chip: GpChip, domain: Entry, objects: ber.Objects) -> None:
    """Keep the objects of one STORE DATA sequence.

    :raises StatusWordError: 6A80 an object that cannot be stored; 6985 a CPLC field that is written already.
    """
    if scp11data.is_administration(objects):
        scp11data.store(chip, domain.aid, objects)
        return
    for tag, value in objects:
        if tag in _PLAIN and 0 < len(value) <= _MOST:
            chip.put_data(domain.aid, tag, value)
        elif tag in _CPLC_FIELDS and is_issuer(domain):
            _store_cplc(chip, domain, tag, value)
        elif tag == _RENAME and is_issuer(domain):
            _rename(chip, domain, value)
        else:
            raise StatusWordError(sw.WRONG_DATA)


def _store_cplc(chip: GpChip, domain: Entry, tag: int, value: bytes) -> None:
    cplc, at = chip.data(domain.aid, CPLC), _CPLC_FIELDS[tag]
    end = at + _CPLC_FIELD_SIZE
    if len(value) != _CPLC_FIELD_SIZE:
        raise StatusWordError(sw.WRONG_DATA)
    if any(cplc[at:end]):
        raise StatusWordError(sw.CONDITIONS)
    chip.put_data(domain.aid, CPLC, cplc[:at] + value + cplc[end:])


def _rename(chip: GpChip, isd: Entry, aid: bytes) -> None:
    """The issuer security domain gets another AID, with all that belongs to it."""
    if aid == isd.aid:
        return
    if len(aid) not in _AID_SIZES or chip.registry.find(aid) is not None:
        raise StatusWordError(sw.WRONG_DATA)
    for entry in list(chip.registry):
        if entry.domain == isd.aid and entry.aid != isd.aid:
            chip.registry.put(replace(entry, domain=aid))
    chip.journal.put(cells.registry(isd.aid), b"")
    chip.registry.put(replace(isd, aid=aid, domain=aid))
    _move_cells(chip, isd.aid, aid)
    for channel in chip.channels.values():
        if channel.selected == isd.aid:
            channel.selected = aid


def _move_cells(chip: GpChip, old: bytes, new: bytes) -> None:
    for kind in cells.OF_DOMAIN:
        before, after = cells.folder(kind, old), cells.folder(kind, new)
        for name in chip.journal.names(before):
            chip.journal.put(after + name.removeprefix(before), chip.journal.get(name))
            chip.journal.put(name, b"")

"""SELECT, and the FCI it answers (sheet 2.1, 2.7)."""

from collections.abc import Mapping
from functools import lru_cache
from typing import Final

from .. import statuswords as sw
from .. import tlv
from ..errors import StatusWordError
from ..gp import ber
from .chip import CipurseChip
from .files import FD_DIRECTORY, FD_PXSE, ID_INFO, MF, Directory
from .messaging import Command

_BY_FID, _BY_NAME = 0x00, 0x04
_FIRST, _NEXT, _NO_DATA = 0x00, 0x02, 0x0C
_FCI, _FCP, _FILE_ID, _NAME = 0x6F, 0x62, 0x83, 0x84
_PROPRIETARY, _ENTRY, _ENTRY_NAME = 0xA5, 0x61, 0x4F
_REGISTERED_WITH: Final = 0xD4
_SHOWS_FCP, _AUTO_SELECTED = 0x01, 0x02
_FID_SIZE: Final = 2
LONGEST_NAME: Final = 16


def parameters(p1: int, p2: int) -> bool:
    """Which P1 P2 SELECT knows."""
    return (p1 == _BY_FID and p2 in (_FIRST, _NO_DATA)) or (p1 == _BY_NAME and p2 in (_FIRST, _NEXT, _NO_DATA))


def select(chip: CipurseChip, command: Command) -> bytes:
    """Make a file current.

    :raises StatusWordError: 6700, 6A82.
    """
    room = command.room
    if command.p1 == _BY_NAME:
        answer = _by_name(chip, command.data, after=command.p2 == _NEXT)
    elif len(command.data) not in (0, _FID_SIZE):
        raise StatusWordError(sw.WRONG_LENGTH)
    else:
        answer = _by_fid(chip, int.from_bytes(command.data or MF.to_bytes(_FID_SIZE, "big"), "big"))
    return answer[:room] if command.p2 != _NO_DATA else b""


def name(directory: Directory) -> bytes:
    """The AID of an ADF or PxSE."""
    return objects(directory.fcp).get(_NAME, b"")


@lru_cache(maxsize=1024)
def objects(fcp: bytes) -> Mapping[int, bytes]:
    """The objects of an FCP by tag."""
    return dict(ber.parse(fcp))


def _by_fid(chip: CipurseChip, fid: int) -> bytes:
    if fid == ID_INFO or (fid != MF and chip.directory.by_fid(fid) is not None):
        chip.current_file = fid
        return tlv.build(_FCI, tlv.build(_FILE_ID, fid.to_bytes(_FID_SIZE, "big")))
    if fid != MF and fid not in chip.store.directory(MF).children:
        raise StatusWordError(sw.FILE_NOT_FOUND)
    return _enter(chip, fid)


def _by_name(chip: CipurseChip, wanted: bytes, *, after: bool) -> bytes:
    """The first directory whose AID begins so, or the next one after the current.

    :raises StatusWordError: 6700, 6A82.
    """
    if not 1 <= len(wanted) <= LONGEST_NAME:
        raise StatusWordError(sw.WRONG_LENGTH)
    children = chip.store.directory(MF).children
    start = children.index(chip.current) + 1 if after and chip.current in children else 0
    for fid in children[start:]:
        if name(chip.store.directory(fid)).startswith(wanted):
            return _enter(chip, fid)
    raise StatusWordError(sw.FILE_NOT_FOUND)


def _enter(chip: CipurseChip, fid: int) -> bytes:
    """Make a directory current; where a PxSE selects an application of its list, that one."""
    chip.enter(fid)
    found = chip.directory
    if found.descriptor_byte == FD_PXSE:
        listed = registered(chip, found)
        chosen = next((adf for adf in listed if adf.kind & _AUTO_SELECTED), None)
        if chosen is not None:
            chip.enter(chosen.fid)
        return tlv.build(_FCI, tlv.build(_NAME, name(found)) + tlv.build(_PROPRIETARY, _entries(listed)))
    if fid == MF:
        return tlv.build(_FCI, tlv.build(_FILE_ID, fid.to_bytes(_FID_SIZE, "big")))
    shown = chip.image.behaviour.fci
    return tlv.build(_FCI, b"".join(tlv.build(*entry) for entry in objects(found.fcp).items() if entry[0] in shown))


def registered(chip: CipurseChip, pxse: Directory) -> list[Directory]:
    """The applications that a PxSE lists: from V3 on those that name it, before those whose type mentions a PxSE."""
    children = (chip.store.directory(fid) for fid in chip.store.directory(MF).children)
    adfs = [adf for adf in children if adf.descriptor_byte == FD_DIRECTORY]
    if chip.image.syntax >= 3:
        return [adf for adf in adfs if objects(adf.fcp).get(_REGISTERED_WITH) == name(pxse)]
    return [adf for adf in adfs if adf.kind & (_SHOWS_FCP | _AUTO_SELECTED)]


def pxse_named_by(chip: CipurseChip, fcp: bytes) -> Directory | None:
    """The PxSE that an application registers with by tag D4 of its FCP; None for none.

    :raises StatusWordError: 6A82 when it is not there.
    """
    wanted = objects(fcp).get(_REGISTERED_WITH) if chip.image.syntax >= 3 else None
    if wanted is None:
        return None
    for fid in chip.store.directory(MF).children:
        found = chip.store.directory(fid)
        if found.descriptor_byte == FD_PXSE and name(found) == wanted:
            return found
    raise StatusWordError(sw.FILE_NOT_FOUND)


def _entries(listed: list[Directory]) -> bytes:
    return b"".join(
        tlv.build(
            _ENTRY,
            tlv.build(_ENTRY_NAME, name(adf)) + (tlv.build(_FCP, adf.fcp) if adf.kind & _SHOWS_FCP else b""),
        )
        for adf in listed
    )

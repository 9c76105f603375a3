"""SELECT and STATUS (ETSI TS 102 221 11.1.1, 11.1.2; search order 8.4)."""

from collections.abc import Iterator
from typing import Final

from . import statuswords as sw
from . import tlv
from .chip import Answer, Chip, Command, LogicalChannel
from .errors import StatusWordError
from .files import DEACTIVATED, TERMINATED, File

_MF = 0x3F00
_ACTIVE_ADF = 0x7FFF
_BY_FID, _CHILD_DF, _PARENT, _BY_AID, _FROM_MF, _FROM_DF = 0x00, 0x01, 0x03, 0x04, 0x08, 0x09
_FIRST, _LAST, _NEXT, _PREVIOUS = range(4)
_NO_DATA = 0x0C
_TERMINATE = 0x40
_WARNINGS: Final = {DEACTIVATED: sw.DEACTIVATED, TERMINATED: sw.TERMINATED}


def valid_select(p1: int, p2: int) -> bool:
    """P1 a known mode; P2 answers FCP (00, 04) or nothing (0C); occurrence and session bits for an AID only."""
    if p1 not in (_BY_FID, _CHILD_DF, _PARENT, _BY_AID, _FROM_MF, _FROM_DF) or p2 & 0x0C == 0x08:
        return False
    return p2 & 0xA0 == 0 if p1 == _BY_AID else p2 & 0xF3 == 0


def select(chip: Chip, command: Command) -> Answer:
    """SELECT. It needs no right; when it fails nothing changes."""
    channel, p2 = command.channel, command.p2
    file = _find(chip, command)
    if command.p1 == _BY_AID and p2 & _TERMINATE:
        channel.select(chip.tree.mf)
        channel.adf = None
        return b"", sw.OK
    channel.select(file)
    data = b"" if p2 & _NO_DATA == _NO_DATA else chip.fcp(file)
    return data, _WARNINGS.get(chip.life_cycle(file), sw.OK)


def _find(chip: Chip, command: Command) -> File:
    mode, data = command.p1, command.data
    if mode == _BY_AID:
        return _by_aid(chip, command.channel, data, command.p2 & 0x03)
    if mode in (_FROM_MF, _FROM_DF):
        return by_path(chip, command.channel, data, from_mf=mode == _FROM_MF)
    if mode == _PARENT:
        found = command.channel.df.parent
        if data:
            raise StatusWordError(sw.WRONG_LENGTH)
    elif len(data) == 2:
        found = _by_fid(chip, command.channel, int.from_bytes(data, "big"), mode)
    elif not data and mode == _BY_FID:
        found = chip.tree.mf
    else:
        raise StatusWordError(sw.WRONG_LENGTH)
    if found is None or not chip.tree.exists(found):
        raise StatusWordError(sw.FILE_NOT_FOUND)
    return found


def _by_fid(chip: Chip, channel: LogicalChannel, fid: int, mode: int) -> File | None:
    if mode == _CHILD_DF:
        child = chip.child(channel.df, fid)
        return child if child is not None and child.is_df else None
    return reachable(chip, channel, fid)


def reachable(chip: Chip, channel: LogicalChannel, fid: int) -> File | None:
    """The file an FID alone means here: children of the current DF; DF children of its parent; the parent; the current
    DF; the current ADF; the MF.
    """
    if fid == _ACTIVE_ADF:
        return channel.adf
    child = chip.child(channel.df, fid)
    if child is not None:
        return child
    parent = channel.df.parent
    if parent is not None:
        sibling = chip.child(parent, fid)
        if sibling is not None and sibling.is_df:
            return sibling
    for file in (parent, channel.df, channel.adf, chip.tree.mf):
        if file is not None and file.fid == fid:
            return file
    return None


def by_path(chip: Chip, channel: LogicalChannel, path: bytes, *, from_mf: bool) -> File:
    """Follow a path of FIDs; 7FFF in front stands for the active ADF, the MF's own FID is left out.

    :raises StatusWordError: 6700 for a path that is no row of FIDs, 6A82 when a step is missing.
    """
    if not path or len(path) % 2:
        raise StatusWordError(sw.WRONG_LENGTH)
    file: File | None = chip.tree.mf if from_mf else channel.df
    start = 0
    if from_mf and path[:2] == b"\x7f\xff":
        file, start = channel.adf, 2
    for at in range(start, len(path), 2):
        if file is not None:
            file = chip.child(file, path[at] << 8 | path[at + 1])
    if file is None:
        raise StatusWordError(sw.FILE_NOT_FOUND)
    return file


def _by_aid(chip: Chip, channel: LogicalChannel, aid: bytes, occurrence: int) -> File:
    """The application whose AID begins with `aid`: the first, last, or the one beside the active application."""
    if len(aid) > 16:
        raise StatusWordError(sw.WRONG_LENGTH)
    matching = [file for file in _applications(chip) if aid and file.aid.startswith(aid)]
    if not matching:
        raise StatusWordError(sw.FILE_NOT_FOUND)
    at = matching.index(channel.adf) if channel.adf in matching else None
    if occurrence in (_FIRST, _LAST):
        return matching[0 if occurrence == _FIRST else -1]
    if at is None:
        at = -1 if occurrence == _NEXT else len(matching)
    at += 1 if occurrence == _NEXT else -1
    if not 0 <= at < len(matching):
        raise StatusWordError(sw.FILE_NOT_FOUND)
    return matching[at]


def _applications(chip: Chip) -> Iterator[File]:
    return (file for file in chip.tree.mf.children.values() if file.aid and chip.tree.exists(file))


def valid_status(p1: int, p2: int) -> bool:
    """P1 00 no indication, 01 and 02 application started and ended; P2 00 FCP, 01 DF name, 0C nothing."""
    return p1 <= 0x02 and p2 in (0x00, 0x01, _NO_DATA)


def status(chip: Chip, command: Command) -> Answer:
    """STATUS: facts about the current directory."""
    if command.p2 == _NO_DATA:
        return b"", sw.OK
    if not command.ne:
        raise StatusWordError(sw.WRONG_LENGTH)
    if command.p2 == 0x00:
        directory = command.channel.df
        if not chip.tree.exists(directory):
            raise StatusWordError(sw.FILE_NOT_FOUND)
        return chip.fcp(directory), sw.OK
    adf = command.channel.adf
    if adf is None:
        raise StatusWordError(sw.DATA_NOT_FOUND)
    return tlv.build(0x84, adf.aid), sw.OK

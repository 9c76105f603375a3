"""READ, UPDATE and APPEND RECORD (sheet 2.1, 2.7). All records are there from creation on, filled with zeros."""

from typing import Final

from .. import statuswords as sw
from ..errors import StatusWordError
from .binary import upto
from .chip import CipurseChip
from .files import File, Kind
from .image import Groups
from .messaging import Command
from .values import checked

_MODE: Final = 0x07
_ONE, _TO_LAST = 4, 5
MODES: Final = (_ONE, _TO_LAST)


def read_parameters(p1: int, p2: int) -> bool:
    """One record, or from that one to the last."""
    del p1
    return p2 & _MODE in MODES


def update_parameters(p1: int, p2: int) -> bool:
    """One record."""
    del p1
    return p2 & _MODE == _ONE


def append_parameters(p1: int, p2: int) -> bool:
    """No record number."""
    return not p1 and not p2 & _MODE


def read(chip: CipurseChip, command: Command) -> bytes:
    """READ RECORD: one, or as many as fit.

    :raises StatusWordError: 6700, 6A83, and as `_target`.
    """
    room = command.room
    file = _target(chip, command, "read")
    body, size = chip.body(file), file.record_size
    start = size * (command.p1 - 1)
    if command.p2 & _MODE == _ONE:
        return upto(chip, body[start : start + size], command, room)
    return upto(chip, body[start : file.size], command, room)


def update(chip: CipurseChip, command: Command) -> bytes:
    """UPDATE RECORD: what is missing of a record becomes zeros.

    :raises StatusWordError: 6700 on more data than a record has, 6A80 on a value outside its limits, 6581, 6A83, and
        as `_target`.
    """
    file = _target(chip, command, "update")
    record = _padded(command.data, file)
    body, size = chip.body(file), file.record_size
    start = size * (command.p1 - 1)
    tail = body[file.size :]
    if file.kind is Kind.VALUE:
        tail = checked(chip, record, tail, command.p1)
    elif file.kind is Kind.LINEAR:
        tail = bytes((max(tail[0], command.p1),))
    chip.update(file, body[:start] + record + body[start + size : file.size] + tail, len(command.data))
    return b""


def append(chip: CipurseChip, command: Command) -> bytes:
    """APPEND RECORD: a linear file's next record, or a cyclic file's newest, which drops the oldest.

    :raises StatusWordError: 6700, 6A84 when a linear file is full, 6581, and as `_target`.
    """
    file = _file(chip, command.p2)
    if file.kind is Kind.VALUE:
        raise StatusWordError(sw.WRONG_STRUCTURE)
    _permit(chip, file, command, "update")
    record = _padded(command.data, file)
    body, size = chip.body(file), file.record_size
    if file.kind is Kind.CYCLIC:
        made = record + body[: file.size - size]
    else:
        used = body[file.size]
        if used >= file.records:
            raise StatusWordError(sw.NO_MEMORY)
        made = body[: size * used] + record + body[size * (used + 1) : file.size] + bytes((used + 1,))
    chip.update(file, made, len(command.data))
    return b""


def _file(chip: CipurseChip, p2: int) -> File:
    file = chip.file(p2 >> 3)
    if file.kind is Kind.BINARY:
        raise StatusWordError(sw.WRONG_STRUCTURE)
    return file


def _target(chip: CipurseChip, command: Command, operation: str) -> File:
    """The file whose record is meant.

    :raises StatusWordError: 6A82, 6986, 6981, 6A83, 6985, 6982.
    """
    file = _file(chip, command.p2)
    if not 1 <= command.p1 <= file.records:
        raise StatusWordError(sw.RECORD_NOT_FOUND)
    _permit(chip, file, command, operation)
    return file


def _permit(chip: CipurseChip, file: File, command: Command, operation: str) -> None:
    chip.require_active()
    groups: Groups = chip.image.values if file.kind is Kind.VALUE else chip.image.files
    chip.require(file, groups[operation], command)


def _padded(data: bytes, file: File) -> bytes:
    if len(data) > file.record_size:
        raise StatusWordError(sw.WRONG_LENGTH)
    return data.ljust(file.record_size, b"\0")

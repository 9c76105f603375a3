"""READ BINARY and UPDATE BINARY (sheet 2.1, 2.7)."""

from typing import Final

from .. import statuswords as sw
from ..errors import StatusWordError
from .chip import CipurseChip
from .files import File, Kind
from .messaging import FULL, Command

_BY_SFID, _SFID, _RFU = 0x80, 0x1F, 0x60
_REFUSE: Final = "refuse"


def parameters(p1: int, p2: int) -> bool:
    """P1 is the high byte of a 15-bit offset, or 80 and a short identifier."""
    del p2
    return not p1 & _BY_SFID or (not p1 & _RFU and bool(p1 & _SFID))


def read(chip: CipurseChip, command: Command) -> bytes:
    """READ BINARY: as many bytes as wanted, or as there are.

    :raises StatusWordError: 6700, 6B00, and as `_target`.
    """
    room = command.room
    file, offset = _target(chip, command, "read")
    if offset >= file.size:
        raise StatusWordError(sw.WRONG_OFFSET)
    return upto(chip, chip.body(file)[offset : file.size], command, room)


def update(chip: CipurseChip, command: Command) -> bytes:
    """UPDATE BINARY.

    :raises StatusWordError: 6A84 past the end, 6581, and as `_target`.
    """
    file, offset = _target(chip, command, "update")
    end = offset + len(command.data)
    if end > file.size:
        raise StatusWordError(sw.NO_MEMORY)
    body = chip.body(file)
    chip.update(file, body[:offset] + command.data + body[end:], len(command.data))
    return b""


def _target(chip: CipurseChip, command: Command, operation: str) -> tuple[File, int]:
    """The file and the offset in it.

    :raises StatusWordError: 6A82, 6986, 6981, 6985, 6982.
    """
    by_sfid = command.p1 & _BY_SFID
    file = chip.file(command.p1 & _SFID if by_sfid else 0)
    if file.kind is not Kind.BINARY:
        raise StatusWordError(sw.WRONG_STRUCTURE)
    chip.require_active()
    chip.require(file, chip.image.files[operation], command)
    return file, command.p2 if by_sfid else command.p1 << 8 | command.p2


def upto(chip: CipurseChip, found: bytes, command: Command, room: int) -> bytes:
    """What an answer takes of what was found.

    :param room: bytes that fit into the answer.
    :raises StatusWordError: 6B00 where a card does not answer less than a terminal wants.
    """
    wanted = command.ne if command.ne < FULL else 0
    if wanted > len(found) and chip.image.behaviour.read_past_end == _REFUSE:
        raise StatusWordError(sw.WRONG_OFFSET)
    return found[:room]

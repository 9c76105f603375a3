"""DEACTIVATE, ACTIVATE and DELETE FILE (ETSI TS 102 222 6.5, 6.6, 6.4)."""

from . import statuswords as sw
from .access import ACTIVATE, DEACTIVATE, DELETE
from .chip import Answer, Chip, Command
from .errors import StatusWordError
from .files import ACTIVATED, DEACTIVATED, GONE, File
from .selection import by_path, reachable

_FROM_MF, _FROM_DF = 0x08, 0x09


def valid_target(p1: int, p2: int) -> bool:
    """P1 00 FID or current EF, 08 path from the MF, 09 path from the current DF; P2 00."""
    return p2 == 0 and p1 in (0x00, _FROM_MF, _FROM_DF)


def valid_delete(p1: int, p2: int) -> bool:
    """P1 P2 00 00."""
    return p1 == p2 == 0


def deactivate(chip: Chip, command: Command) -> Answer:
    """DEACTIVATE FILE: SELECT answers 6283, contents can neither be read nor written."""
    _set_life_cycle(chip, command, DEACTIVATE, DEACTIVATED)
    return b"", sw.OK


def activate(chip: Chip, command: Command) -> Answer:
    """ACTIVATE FILE."""
    _set_life_cycle(chip, command, ACTIVATE, ACTIVATED)
    return b"", sw.OK


def _set_life_cycle(chip: Chip, command: Command, mode: int, life_cycle: bytes) -> None:
    file = _target(chip, command)
    chip.require(chip.rule(file).mode(mode), command.channel)
    if chip.life_cycle(file) != life_cycle:
        chip.memory.write(file.lcs_cell, life_cycle)


def _target(chip: Chip, command: Command) -> File:
    channel = command.channel
    file: File | None = channel.ef
    if command.p1:
        file = by_path(chip, channel, command.data, from_mf=command.p1 == _FROM_MF)
    elif len(command.data) == 2:
        file = reachable(chip, channel, int.from_bytes(command.data, "big"))
        if file is None:
            raise StatusWordError(sw.FILE_NOT_FOUND)
    elif command.data:
        raise StatusWordError(sw.WRONG_LENGTH)
    if file is None:
        raise StatusWordError(sw.NO_CURRENT_EF)
    return file


def delete(chip: Chip, command: Command) -> Answer:
    """DELETE FILE: a child of the current directory; no channel has it selected any more."""
    if len(command.data) != 2:
        raise StatusWordError(sw.WRONG_LENGTH)
    channel = command.channel
    file = chip.child(channel.df, int.from_bytes(command.data, "big"))
    if file is None:
        raise StatusWordError(sw.FILE_NOT_FOUND)
    chip.require(chip.rule(file).mode(DELETE), channel)
    chip.memory.write(file.lcs_cell, GONE)
    for other in chip.channels.values():
        if other.ef is file:
            other.ef, other.record = None, 0
    return b"", sw.OK

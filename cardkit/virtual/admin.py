"""The life cycle of files: DEACTIVATE, ACTIVATE, TERMINATE EF, DF and CARD USAGE, DELETE (TS 102 222 6.4 to 6.9)."""

from typing import Final

from . import statuswords as sw
from .access import ACTIVATE, DEACTIVATE, DELETE, DELETE_CHILD, TERMINATE, either
from .chip import Answer, Chip, Command
from .errors import StatusWordError
from .files import ACTIVATED, DEACTIVATED, GONE, TERMINATED, UNFINISHED, File
from .selection import by_path, reachable

_FROM_MF, _FROM_DF = 0x08, 0x09
_TERMINATE_CARD_INS: Final = 0xFE


def valid_target(p1: int, p2: int) -> bool:
    """P1 00 FID or current EF, 08 path from the MF, 09 path from the current DF; P2 00."""
    return p2 == 0 and p1 in (0x00, _FROM_MF, _FROM_DF)


def valid_nothing(p1: int, p2: int) -> bool:
    """P1 P2 00 00."""
    return p1 == p2 == 0


def deactivate(chip: Chip, command: Command) -> Answer:
    """DEACTIVATE FILE: SELECT answers 6283, contents can neither be read nor written.

    :raises StatusWordError: 6985 for a file that is not in operation yet, or terminated.
    """
    file = _target(chip, command)
    chip.require(chip.rules[file].mode(DEACTIVATE), command.channel)
    if chip.life_cycle(file) in UNFINISHED:
        raise StatusWordError(sw.CONDITIONS)
    _change(chip, file, DEACTIVATED)
    return b"", sw.OK


def activate(chip: Chip, command: Command) -> Answer:
    """ACTIVATE FILE: after deactivation, or for the first time; from then on its access rules are in force.

    :raises StatusWordError: 6985 for a terminated file.
    """
    file = _target(chip, command)
    chip.require(chip.rules[file].mode(ACTIVATE), command.channel)
    _change(chip, file, ACTIVATED)
    return b"", sw.OK


def terminate_ef(chip: Chip, command: Command) -> Answer:
    """TERMINATE EF: for good; SELECT answers 6285, and only DELETE FILE still works."""
    file = _target(chip, command)
    if file.is_df:
        raise StatusWordError(sw.WRONG_STRUCTURE)
    _terminate(chip, command, file)
    return b"", sw.OK


def terminate_df(chip: Chip, command: Command) -> Answer:
    """TERMINATE DF: the directory and everything below it, for good. Without data, the current one."""
    file = _target(chip, command) if command.data else command.channel.df
    if not file.is_df or file.parent is None:
        raise StatusWordError(sw.WRONG_STRUCTURE)
    _terminate(chip, command, file)
    return b"", sw.OK


def terminate_card(chip: Chip, command: Command) -> Answer:
    """TERMINATE CARD USAGE: only SELECT, STATUS and GET RESPONSE are answered from now on."""
    mf = chip.tree.mf
    rules = chip.rules[mf]
    chip.require(either(rules.mode(TERMINATE), rules.instruction(_TERMINATE_CARD_INS)), command.channel)
    _change(chip, mf, TERMINATED)
    return b"", sw.OK


def _terminate(chip: Chip, command: Command, file: File) -> None:
    chip.require(chip.rules[file].mode(TERMINATE), command.channel)
    _change(chip, file, TERMINATED)


def _change(chip: Chip, file: File, life_cycle: bytes) -> None:
    """Write the life cycle byte; access rules follow where they depend on it."""
    before = chip.life_cycle(file)
    if before == TERMINATED:
        raise StatusWordError(sw.CONDITIONS)
    if before == life_cycle:
        return
    chip.memory.write(file.lcs_cell, life_cycle)
    if before in UNFINISHED or life_cycle == TERMINATED:
        chip.refresh_rules()


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
    """DELETE FILE: a child of the current directory, or that directory itself with everything below it.

    Either the file's own rule or the directory's rule for its children is enough. No channel has it selected any more.
    """
    if len(command.data) != 2:
        raise StatusWordError(sw.WRONG_LENGTH)
    directory, fid = command.channel.df, int.from_bytes(command.data, "big")
    file = chip.child(directory, fid) or (directory if directory.fid == fid else None)
    if file is None or not chip.tree.exists(file):
        raise StatusWordError(sw.FILE_NOT_FOUND)
    condition = chip.rules[file].mode(DELETE)
    if file.parent is not None:
        condition = either(condition, chip.rules[file.parent].mode(DELETE_CHILD))
    chip.require(condition, command.channel)
    chip.memory.write(file.lcs_cell, GONE)
    chip.refresh_channels()
    if file.is_df or file.cell in chip.memory.watchers:
        chip.refresh_rules()
    return b"", sw.OK

"""READ, UPDATE and SEARCH RECORD, INCREASE (ETSI TS 102 221 11.1.5 to 11.1.8).

A cyclic body is stored newest record first: record 1 is the one written last.
"""

from collections.abc import Iterable

from . import statuswords as sw
from .chip import FULL_SHORT, Answer, Chip, Command
from .errors import StatusWordError
from .files import File

_NEXT, _PREVIOUS, _ABSOLUTE = 2, 3, 4
_FORWARD, _BACKWARD, _ENHANCED = 4, 5, 6
_INCREASE_INS = 0x32


def valid_record(p1: int, p2: int) -> bool:
    """P2 = SFI << 3 | next, previous (P1 00) or absolute (P1 record number, 00 current)."""
    mode = p2 & 0x07
    return p2 < 0xF8 and (mode == _ABSOLUTE or (mode in (_NEXT, _PREVIOUS) and p1 == 0)) and p1 != 0xFF


def valid_search(p1: int, p2: int) -> bool:
    """P2 = SFI << 3 | forward, backward or enhanced search from record P1 on."""
    return p2 < 0xF8 and p2 & 0x07 in (_FORWARD, _BACKWARD, _ENHANCED) and p1 != 0xFF


def valid_increase(p1: int, p2: int) -> bool:
    """P1 00 or 80 | SFI; P2 00."""
    return p2 == 0 and (p1 == 0 or 0x81 <= p1 <= 0x9E)


def read_record(chip: Chip, command: Command) -> Answer:
    """READ RECORD: one whole record; Le must be its length or, at T=1, 00."""
    file = _record_file(chip, command, command.p2 >> 3)
    chip.readable(file)
    chip.require(chip.rules[file].read, command.channel)
    number = _target(file, command)
    length, ne = file.record_length, command.ne
    if ne != length and (chip.exact_le or ne % FULL_SHORT):
        raise StatusWordError(sw.right_length(length))
    _point(command, number)
    start = (number - 1) * length
    return chip.memory.cells[file.cell][start : start + length], sw.OK


def update_record(chip: Chip, command: Command) -> Answer:
    """UPDATE RECORD: one whole record; a cyclic file takes PREVIOUS only and forgets its oldest record."""
    file = _record_file(chip, command, command.p2 >> 3)
    if file.cyclic and command.p2 & 0x07 != _PREVIOUS:
        raise StatusWordError(sw.WRONG_STRUCTURE)
    chip.usable(file)
    chip.require(chip.rules[file].update, command.channel)
    number = 1 if file.cyclic else _target(file, command)
    if len(command.data) != file.record_length:
        raise StatusWordError(sw.WRONG_LENGTH)
    if file.cyclic:
        _push(chip, file, command.data)
        command.channel.record = 1
        return b"", sw.OK
    body = chip.memory.cells[file.cell]
    start = (number - 1) * file.record_length
    chip.memory.write(file.cell, body[:start] + command.data + body[start + file.record_length :])
    _point(command, number)
    return b"", sw.OK


def increase(chip: Chip, command: Command) -> Answer:
    """INCREASE: the newest record plus an amount becomes the new record 1 of a cyclic file.

    :returns: new record, then the amount.
    """
    file = _record_file(chip, command, command.p1 & 0x1F)
    if not file.cyclic:
        raise StatusWordError(sw.WRONG_STRUCTURE)
    if not 1 <= len(command.data) <= file.record_length:
        raise StatusWordError(sw.WRONG_LENGTH)
    chip.usable(file)
    chip.require(chip.rules[file].instruction(_INCREASE_INS), command.channel)
    newest = chip.memory.cells[file.cell][: file.record_length]
    total = int.from_bytes(newest, "big") + int.from_bytes(command.data, "big")
    if total >> 8 * file.record_length:
        raise StatusWordError(sw.MAXIMUM_REACHED)
    record = total.to_bytes(file.record_length, "big")
    _push(chip, file, record)
    command.channel.record = 1
    return record + command.data, sw.OK


def search_record(chip: Chip, command: Command) -> Answer:
    """SEARCH RECORD: the numbers of the records that hold the search string, in the order searched; none is 6282.

    Enhanced search has two bytes in front: b4 of the first says that the second is a byte value after whose first
    occurrence the string must stand, else an offset; b3-1 give direction and start (from memory).
    """
    file = _record_file(chip, command, command.p2 >> 3)
    chip.readable(file)
    chip.require(chip.rules[file].read, command.channel)
    mode, wanted, indication = command.p2 & 0x07, command.data, b"\x00\x00"
    start = command.p1
    if mode == _ENHANCED:
        indication, wanted = wanted[:2], wanted[2:]
        mode, start = _enhanced(indication, start, command.channel.record)
    if not wanted or len(wanted) > file.record_length:
        raise StatusWordError(sw.WRONG_LENGTH)
    start = start or command.channel.record or (1 if mode == _FORWARD else file.records)
    if not 1 <= start <= file.records:
        raise StatusWordError(sw.RECORD_NOT_FOUND)
    numbers = range(start, file.records + 1) if mode == _FORWARD else range(start, 0, -1)
    found = bytes(_matching(chip, file, numbers, wanted, indication))
    if not found:
        return b"", sw.END_REACHED
    command.channel.record = found[0]
    return found, sw.OK


def _enhanced(indication: bytes, start: int, current: int) -> tuple[int, int]:
    """Direction and first record of an enhanced search."""
    how = indication[0] & 0x07 if len(indication) == 2 and indication[0] < 0x10 else 0
    if how in (4, 5):
        return how, start
    if how == 6:
        return _FORWARD, current + 1
    if how == 7:
        return _BACKWARD, current - 1 if current else 0
    raise StatusWordError(sw.WRONG_DATA)


def _matching(chip: Chip, file: File, numbers: Iterable[int], wanted: bytes, indication: bytes) -> Iterable[int]:
    body, length = chip.memory.cells[file.cell], file.record_length
    for number in numbers:
        record = body[(number - 1) * length : number * length]
        at = indication[1]
        if indication[0] & 0x08:
            at = record.find(indication[1:2]) + 1
            if not at:
                continue
        if record.find(wanted, at) >= 0:
            yield number


def _record_file(chip: Chip, command: Command, sfi: int) -> File:
    file = chip.short(command.channel, sfi) if sfi else command.channel.ef
    if file is None:
        raise StatusWordError(sw.NO_CURRENT_EF)
    if not file.record_length:
        raise StatusWordError(sw.WRONG_STRUCTURE)
    return file


def _target(file: File, command: Command) -> int:
    """The record number a command means: absolute, current, or beside the current one.

    A linear file ends at its last record, a cyclic one goes round.
    """
    mode, current, records = command.p2 & 0x07, command.channel.record, file.records
    if mode == _ABSOLUTE:
        number = command.p1 or current
    elif mode == _NEXT:
        number = current + 1
    else:
        number = current - 1 if current else records
    if file.cyclic:
        number = (number - 1) % records + 1 if mode != _ABSOLUTE else number
    if not 1 <= number <= records:
        raise StatusWordError(sw.RECORD_NOT_FOUND)
    return number


def _point(command: Command, number: int) -> None:
    """Next and previous move the record pointer, absolute does not."""
    if command.p2 & 0x07 != _ABSOLUTE:
        command.channel.record = number


def _push(chip: Chip, file: File, record: bytes) -> None:
    body = chip.memory.cells[file.cell]
    chip.memory.write(file.cell, record + body[: -file.record_length])

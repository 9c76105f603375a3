"""READ BINARY and UPDATE BINARY (ETSI TS 102 221 11.1.3, 11.1.4)."""

from . import statuswords as sw
from .chip import FULL_SHORT, Answer, Chip, Command
from .errors import StatusWordError
from .files import File


def valid_offset(p1: int, p2: int) -> bool:
    """P1 b8 = 0: 15-bit offset. b8 = 1: SFI 1 to 30 in b5-1, offset in P2."""
    del p2
    return p1 < 0x80 or 0x81 <= p1 <= 0x9E


def read_binary(chip: Chip, command: Command) -> Answer:
    """READ BINARY: Ne bytes from the offset on.

    Le = 00 reads to the end, 256 bytes at most; another Le beyond the end gets what is there and 6282 (T=0: 6CXX).
    """
    p1 = command.p1
    if p1 & 0x80:
        file: File | None = chip.short(command.channel, p1 & 0x1F)
        offset = command.p2
    else:
        file = command.channel.ef
        offset = p1 << 8 | command.p2
    if file is None:
        raise StatusWordError(sw.NO_CURRENT_EF)
    if not file.transparent:
        raise StatusWordError(sw.WRONG_STRUCTURE)
    chip.readable(file)
    chip.require(chip.rules[file].read, command.channel)
    if offset >= file.size:
        raise StatusWordError(sw.WRONG_OFFSET)
    ne = command.ne
    data = chip.memory.cells[file.cell][offset : offset + ne]
    if len(data) == ne or ne % FULL_SHORT == 0 or chip.exact_le:
        return data, sw.OK
    return data, sw.END_REACHED


def update_binary(chip: Chip, command: Command) -> Answer:
    """UPDATE BINARY: the data replace as many bytes from the offset on; beyond the end 6700 and nothing written."""
    p1, data = command.p1, command.data
    if p1 & 0x80:
        file: File | None = chip.short(command.channel, p1 & 0x1F)
        offset = command.p2
    else:
        file = command.channel.ef
        offset = p1 << 8 | command.p2
    if file is None:
        raise StatusWordError(sw.NO_CURRENT_EF)
    if not file.transparent:
        raise StatusWordError(sw.WRONG_STRUCTURE)
    chip.usable(file)
    chip.require(chip.rules[file].update, command.channel)
    if offset >= file.size:
        raise StatusWordError(sw.WRONG_OFFSET)
    end = offset + len(data)
    if end > file.size:
        raise StatusWordError(sw.WRONG_LENGTH)
    body = chip.memory.cells[file.cell]
    chip.memory.write(file.cell, body[:offset] + data + body[end:])
    return b"", sw.OK

"""Class A0: the card as a 2G SIM (3GPP TS 51.011). The same files and secrets under other commands and status words.

Everything runs as at T=0: data in one direction, 9FXX and GET RESPONSE for the other, 67XX for a wrong P3. Only at
T=1, which carries a case 4 command whole, an Le behind the data takes the answer at once (ISO/IEC 7816-3 12.2).
"""

from collections.abc import Callable
from typing import Final, NamedTuple

from . import admin, authenticate, pins, records
from . import statuswords as sw
from .access import ACTIVATE, DEACTIVATE, Condition, met
from .binary import update_binary
from .chip import FULL_SHORT, Answer, Chip, Command, LogicalChannel
from .errors import StatusWordError, WriteFailedError
from .files import DEACTIVATED, File, Kind
from .secretstate import DISABLED, NOT_INITIALISED, Secret

CLA: Final = 0xA0

_NO_CHV: Final = b"\x98\x02"
_CHV_REFUSED: Final = b"\x98\x04"
_CHV_STATE: Final = b"\x98\x08"
_OUT_OF_RANGE: Final = b"\x94\x02"
_NOT_FOUND: Final = b"\x94\x04"
_WRONG_P3: Final = 0x67

# status word of TS 102 221 -> of TS 51.011 9.4
_TRANSLATED: Final = {
    sw.SECURITY_STATUS: _CHV_REFUSED,
    sw.BLOCKED: b"\x98\x40",
    sw.DATA_INVALIDATED: b"\x98\x10",
    sw.DATA_NOT_FOUND: _NO_CHV,
    sw.NO_CURRENT_EF: b"\x94\x00",
    sw.WRONG_STRUCTURE: b"\x94\x08",
    sw.FILE_NOT_FOUND: _NOT_FOUND,
    sw.END_REACHED: _NOT_FOUND,
    sw.RECORD_NOT_FOUND: _OUT_OF_RANGE,
    sw.WRONG_OFFSET: _OUT_OF_RANGE,
    sw.WRONG_P1P2: sw.WRONG_OFFSET,
    sw.CONDITIONS: sw.INTERNAL,
    sw.MEMORY_PROBLEM: b"\x92\x40",
}
_CHV_TRANSLATED: Final = _TRANSLATED | {sw.DATA_INVALIDATED: _CHV_STATE, sw.CONDITIONS: _CHV_STATE}

_CHV1, _CHV2, _ADM = 0x01, 0x02, 0x0A
_CHV_INS: Final = frozenset((0x20, 0x24, 0x26, 0x28, 0x2C))
_FREE_MEMORY: Final = 0x2000  # bytes, as this mask states it for every directory
_CHARACTERISTICS: Final = 0x13  # clock stop allowed, no preferred level
_INCREASE_INS: Final = 0x32
_STRUCTURES: Final = {Kind.TRANSPARENT: 0, Kind.LINEAR: 1, Kind.CYCLIC: 3, Kind.BER_TLV: 0}

Handler = Callable[[Chip, Command], Answer]


class Operation(NamedTuple):
    """One instruction: handler, whether the data field goes in, the only P3 it takes (None: any), if it answers."""

    handler: Handler
    incoming: bool
    p3: int | None
    answers: bool = False


def transmit(chip: Chip, command: bytes) -> bytes:
    """Work on one class A0 command of at least 4 bytes.

    :returns: R-APDU, at least 2 bytes.
    """
    operation = _OPERATIONS.get(command[1])
    pending, chip.pending = chip.pending, b""
    if operation is None:
        return sw.NO_INSTRUCTION
    if operation.handler is _get_response:
        chip.pending = pending
    channel = chip.channels[0]
    translated = _CHV_TRANSLATED if command[1] in _CHV_INS else _TRANSLATED
    try:
        data, ne = _fields(command, operation, case_4=operation.answers and not chip.exact_le)
        answer, status = operation.handler(chip, Command(channel, command[2], command[3], data, ne))
    except StatusWordError as refusal:
        status = refusal.sw
        return _CHV_REFUSED if status[0] == 0x63 else translated.get(status, status)
    except WriteFailedError:
        return translated[sw.MEMORY_PROBLEM]
    if operation.incoming and len(answer) > ne:
        chip.pending, chip.pending_channel = answer[ne:], 0
        return answer[:ne] + bytes((0x9F, len(answer) - ne))
    return answer + translated.get(status, status)


def _fields(command: bytes, operation: Operation, *, case_4: bool) -> tuple[bytes, int]:
    """Data and Ne of the five header bytes and what follows; `case_4`: an Le may stand behind the data."""
    p3 = command[4] if len(command) > 4 else 0
    if operation.p3 not in (None, p3):
        raise _wrong_p3(operation.p3)
    end = 5 + p3 if operation.incoming else 5
    ne = command[end] or FULL_SHORT if case_4 and len(command) == end + 1 else 0
    if len(command) > end + bool(ne) or (operation.incoming and len(command) < end):
        raise _wrong_p3(0)
    return command[5:end], ne if operation.incoming else p3 or FULL_SHORT


def _wrong_p3(right: int | None) -> StatusWordError:
    return StatusWordError(bytes((_WRONG_P3, (right or 0) & 0xFF)))


def _need(condition: bool) -> None:
    """P1 P2 must be as TS 51.011 9.2 gives them: 6B00."""
    if not condition:
        raise StatusWordError(sw.WRONG_P1P2)


def _select(chip: Chip, command: Command) -> Answer:
    """SELECT by FID: a child, a directory beside, the parent, the current directory, the MF."""
    _need(command.p1 == command.p2 == 0)
    channel, fid = command.channel, int.from_bytes(command.data, "big")
    file = _reachable(chip, channel, fid)
    if file is None or not chip.tree.exists(file):
        raise StatusWordError(sw.FILE_NOT_FOUND)
    channel.select(file)
    return (_directory(chip, file) if file.is_df else _elementary(chip, file)), sw.OK


def _reachable(chip: Chip, channel: LogicalChannel, fid: int) -> File | None:
    child = chip.child(channel.df, fid)
    parent = channel.df.parent
    if child is None and parent is not None:
        beside = chip.child(parent, fid)
        child = beside if beside is not None and beside.is_df else None
    if child is not None:
        return child
    return next((file for file in (parent, channel.df, chip.tree.mf) if file is not None and file.fid == fid), None)


def _elementary(chip: Chip, file: File) -> bytes:
    """The answer about an EF, 15 bytes (TS 51.011 9.2.1)."""
    rules = chip.rule(file)
    increase = rules.instruction(_INCREASE_INS)
    return b"".join(
        (
            bytes(2),
            file.size.to_bytes(2, "big"),
            file.fid.to_bytes(2, "big"),
            bytes((0x04, 0x40 if file.cyclic and increase else 0x00)),
            bytes((_nibble(rules.read) << 4 | _nibble(rules.update), _nibble(increase) << 4)),
            bytes((_nibble(rules.mode(ACTIVATE)) << 4 | _nibble(rules.mode(DEACTIVATE)),)),
            bytes((0x00 if chip.life_cycle(file) == DEACTIVATED else 0x01, 0x02, _STRUCTURES[file.kind])),
            bytes((file.record_length,)),
        )
    )


def _nibble(condition: Condition) -> int:
    """The access condition as a 2G card states it: 0 ALW, 1 CHV1, 2 CHV2, 4 ADM, F NEV."""
    for value, granted in ((0, ()), (1, (_CHV1,)), (2, (_CHV2,)), (2, (0x81,)), (4, (_ADM,))):
        if met(condition, frozenset(granted)):
            return value
    return 0x0F


def _directory(chip: Chip, directory: File) -> bytes:
    """The answer about the MF or a DF, 22 bytes (TS 51.011 9.2.1)."""
    children = [child for child in directory.children.values() if chip.tree.exists(child)]
    directories = sum(child.is_df for child in children)
    chv1, chv2 = _secret(chip, _CHV1), _secret(chip, _CHV2)
    characteristics = _CHARACTERISTICS | (0x80 if chv1 is not None and chv1.has(DISABLED) else 0)
    return b"".join(
        (
            bytes(2),
            _FREE_MEMORY.to_bytes(2, "big"),
            directory.fid.to_bytes(2, "big"),
            bytes((0x01 if directory.parent is None else 0x02,)) + bytes(5),
            bytes((0x09, characteristics, directories, len(children) - directories)),
            bytes((sum(secret is not None for secret in (chv1, chv2)) * 2, 0x00)),
            _chv_status(chv1),
            _chv_status(chv2),
        )
    )


def _secret(chip: Chip, number: int) -> Secret | None:
    try:
        return chip.secrets.find(number, "")
    except StatusWordError:
        return None


def _chv_status(secret: Secret | None) -> bytes:
    """Status of a CHV and its unblocking code: b8 initialised, b4-1 tries left."""
    if secret is None or secret.has(NOT_INITIALISED):
        return bytes(2)
    return bytes((0x80 | secret.left, 0x80 | secret.unblocks_left))


def _status(chip: Chip, command: Command) -> Answer:
    """STATUS: the answer about the current directory, or its beginning."""
    _need(command.p1 == command.p2 == 0)
    return _beginning(_directory(chip, command.channel.df), command.ne), sw.OK


def _get_response(chip: Chip, command: Command) -> Answer:
    """GET RESPONSE: what 9FXX announced, or its beginning."""
    pending, chip.pending = chip.pending, b""
    _need(command.p1 == command.p2 == 0)
    if not pending:
        raise StatusWordError(sw.INTERNAL)
    if command.ne > len(pending):
        chip.pending = pending
    return _beginning(pending, command.ne), sw.OK


def _beginning(data: bytes, ne: int) -> bytes:
    if ne > len(data):
        raise _wrong_p3(len(data))
    return data[:ne]


def _read_binary(chip: Chip, command: Command) -> Answer:
    """READ BINARY of the current EF."""
    file, offset = command.channel.ef, command.p1 << 8 | command.p2
    if file is None:
        raise StatusWordError(sw.NO_CURRENT_EF)
    if not file.transparent:
        raise StatusWordError(sw.WRONG_STRUCTURE)
    chip.usable(file)
    chip.require(chip.rule(file).read, command.channel)
    if offset >= file.size:
        raise StatusWordError(sw.WRONG_OFFSET)
    return _beginning(chip.memory.cells[file.cell][offset:], command.ne), sw.OK


def _update_binary(chip: Chip, command: Command) -> Answer:
    """UPDATE BINARY of the current EF: no short file identifiers here, P1 P2 is an offset."""
    if command.p1 >= 0x80:
        raise StatusWordError(sw.WRONG_OFFSET)
    return update_binary(chip, command)


def _record(handler: Handler) -> Handler:
    """READ or UPDATE RECORD of the current EF; a wrong P3 is answered with the right one."""

    def run(chip: Chip, command: Command) -> Answer:
        _need(command.p2 < 0x08 and records.valid_record(command.p1, command.p2))
        file = command.channel.ef
        size = len(command.data) or command.ne
        if file is not None and file.record_length not in (0, size):
            raise _wrong_p3(file.record_length)
        return handler(chip, command)

    return run


def _seek(chip: Chip, command: Command) -> Answer:
    """SEEK: P2 low nibble 0 from the beginning, 1 from the end backward, 2 from the next, 3 from the previous record.

    P2 high nibble 0 only moves the record pointer, 1 also answers the record number.
    """
    how, kind = command.p2 & 0x0F, command.p2 >> 4
    _need(command.p1 == 0 and how < 4 and kind < 2)
    file, current = command.channel.ef, command.channel.record
    last = file.records if file is not None else 0
    start = (1, last, current + 1, current - 1 if current else last)[how]
    if last and not 1 <= start <= last:
        raise StatusWordError(sw.END_REACHED)
    search = Command(command.channel, start, 5 if how & 1 else 4, command.data, FULL_SHORT)
    found, status = records.search_record(chip, search)
    if not found:
        return b"", status
    return (found[:1] if kind else b""), sw.OK


def _increase(chip: Chip, command: Command) -> Answer:
    _need(command.p1 == command.p2 == 0)
    return records.increase(chip, command)


def _chv(handler: Handler, references: dict[int, int]) -> Handler:
    """A CHV command: P2 of TS 51.011 turned into the key reference."""

    def run(chip: Chip, command: Command) -> Answer:
        _need(command.p1 == 0 and command.p2 in references)
        reference = references[command.p2]
        return handler(chip, Command(command.channel, 0, reference, command.data, 0))

    return run


def _current(handler: Handler) -> Handler:
    """INVALIDATE and REHABILITATE: no data, the current EF."""

    def run(chip: Chip, command: Command) -> Answer:
        _need(command.p1 == command.p2 == 0)
        return handler(chip, command)

    return run


def _run_gsm(chip: Chip, command: Command) -> Answer:
    """RUN GSM ALGORITHM: RAND 16 -> SRES 4, Kc 8."""
    _need(command.p1 == command.p2 == 0)
    return b"".join(authenticate.run_gsm(chip, command, command.data)), sw.OK


def _sleep(chip: Chip, command: Command) -> Answer:
    """SLEEP: nothing to do; old phones send it."""
    del chip
    _need(command.p1 == command.p2 == 0)
    return b"", sw.OK


_ALL: Final = {_CHV1: _CHV1, _CHV2: _CHV2, _ADM: _ADM}
_BOTH: Final = {_CHV1: _CHV1, _CHV2: _CHV2}

_OPERATIONS: Final = {
    0x04: Operation(_current(admin.deactivate), incoming=False, p3=0),
    0x20: Operation(_chv(pins.verify, _ALL), incoming=True, p3=8),
    0x24: Operation(_chv(pins.change, _ALL), incoming=True, p3=16),
    0x26: Operation(_chv(pins.disable, {_CHV1: _CHV1}), incoming=True, p3=8),
    0x28: Operation(_chv(pins.enable, {_CHV1: _CHV1}), incoming=True, p3=8),
    0x2C: Operation(_chv(pins.unblock, {0x00: _CHV1, _CHV2: _CHV2}), incoming=True, p3=16),
    0x32: Operation(_increase, incoming=True, p3=3, answers=True),
    0x44: Operation(_current(admin.activate), incoming=False, p3=0),
    0x88: Operation(_run_gsm, incoming=True, p3=16, answers=True),
    0xA2: Operation(_seek, incoming=True, p3=None, answers=True),
    0xA4: Operation(_select, incoming=True, p3=2, answers=True),
    0xB0: Operation(_read_binary, incoming=False, p3=None),
    0xB2: Operation(_record(records.read_record), incoming=False, p3=None),
    0xC0: Operation(_get_response, incoming=False, p3=None),
    0xD6: Operation(_update_binary, incoming=True, p3=None),
    0xDC: Operation(_record(records.update_record), incoming=True, p3=None),
    0xF2: Operation(_status, incoming=False, p3=None),
    0xFA: Operation(_sleep, incoming=False, p3=0),
}

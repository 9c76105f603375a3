"""The ISO 7816-4 layer of EV1 and later: SELECT, binaries, records, authentication (sheet 3.6, 3.11)."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

from .. import statuswords as sw
from ..errors import StatusWordError, WriteFailedError
from . import cells, datafiles, isoauthenticate, records, statuses
from .access import effective
from .model import READ, READ_WRITE, WRITE, File, FileType
from .session import Mode
from .sessions_ev1 import Ev1Session
from .state import State
from .statuses import RefusedError
from .transaction import Transaction

PICC_NAME: Final = bytes.fromhex("D2760000850100")
_MF: Final = b"\x3f\x00"
_BY_FID, _BY_CHILD, _BY_NAME = 0x00, 0x02, 0x04
_QUIET: Final = 0x0C
_SHORT_FILE: Final = 0x80
_ONE, _ALL = 0x04, 0x05
_FULL: Final = 256
_SINCE_EV1: Final = frozenset({0x84, 0x82, 0x88})
_HEADER: Final = 5
_DATA: Final = frozenset({FileType.STANDARD, FileType.BACKUP})
_RECORDS: Final = frozenset({FileType.LINEAR, FileType.CYCLIC})
_WORDS: Final = {
    statuses.PERMISSION: sw.SECURITY_STATUS,
    statuses.AUTHENTICATION: sw.SECURITY_STATUS,
    statuses.NO_FILE: sw.FILE_NOT_FOUND,
    statuses.NO_APPLICATION: sw.FILE_NOT_FOUND,
    statuses.NO_SUCH_KEY: sw.DATA_NOT_FOUND,
    statuses.BOUNDARY: sw.WRONG_P1P2,
    statuses.PARAMETER: sw.WRONG_DATA,
    statuses.DELAY: sw.CONDITIONS,
}


@dataclass(frozen=True, slots=True)
class Apdu:
    """One command of class 00.

    :ivar ne: bytes expected; 256 when Le was zero, 0 when absent.
    """

    ins: int
    p1: int
    p2: int
    data: bytes
    ne: int


def exchange(state: State, command: bytes) -> bytes:
    """Work on one APDU; its writes are committed, or nothing of it stays."""
    try:
        apdu = parse(command)
        data, status = _worker(state, apdu)(state, apdu)
        state.journal.commit()
    except (StatusWordError, RefusedError, WriteFailedError) as refusal:
        return _refused(state, refusal)
    return data + status


def _worker(state: State, apdu: Apdu) -> "Worker":
    worker = _WORKERS.get(apdu.ins)
    if worker is None or (apdu.ins in _SINCE_EV1 and not state.image.has_ev1):
        raise StatusWordError(sw.NO_INSTRUCTION)
    return worker


def _refused(state: State, refusal: StatusWordError | RefusedError | WriteFailedError) -> bytes:
    state.journal.forget()
    state.transaction = Transaction()
    if state.session.fragile:
        state.end_session()
    if isinstance(refusal, StatusWordError):
        return refusal.sw
    if isinstance(refusal, RefusedError):
        return _WORDS.get(refusal.status, sw.WRONG_LENGTH)
    return sw.MEMORY_PROBLEM


def parse(command: bytes) -> Apdu:
    """Short APDUs of the four cases.

    :raises StatusWordError: 6700.
    """
    data, ne = b"", 0
    if len(command) == _HEADER:
        ne = command[4] or _FULL
    elif len(command) > _HEADER:
        end = _HEADER + command[4]
        if not command[4] or len(command) not in (end, end + 1):
            raise StatusWordError(sw.WRONG_LENGTH)
        data = command[_HEADER:end]
        ne = (command[end] or _FULL) if len(command) > end else 0
    return Apdu(command[1], command[2], command[3], data, ne)


# SELECT


def select(state: State, apdu: Apdu) -> tuple[bytes, bytes]:
    """By DF name, or by FID: PICC level, application, file of the current application. There is no FCI to answer.

    :raises StatusWordError: 6700, 6A82, 6A86.
    """
    if apdu.p2 & ~_QUIET or apdu.p1 not in (_BY_FID, _BY_CHILD, _BY_NAME):
        raise StatusWordError(sw.WRONG_P1P2)
    if apdu.p1 == _BY_NAME:
        _select(state, cells.PICC if apdu.data == PICC_NAME else _named(state, apdu.data))
    elif apdu.data in (b"", _MF):
        _select(state, cells.PICC)
    elif len(apdu.data) != 2:
        raise StatusWordError(sw.WRONG_LENGTH)
    else:
        _by_fid(state, apdu.data[::-1])
    return b"", sw.OK


def _select(state: State, aid: bytes | None) -> None:
    if aid is None:
        raise StatusWordError(sw.FILE_NOT_FOUND)
    state.select(aid)


def _named(state: State, name: bytes) -> bytes | None:
    return next((one.aid for one in state.applications() if name and one.name == name), None)


def _by_fid(state: State, fid: bytes) -> None:
    """A file keeps the session, an application ends it."""
    file = next((one for one in state.files() if one.fid == fid), None)
    if file is not None:
        state.iso_file = file.number
    else:
        _select(state, next((one.aid for one in state.applications() if one.fid == fid), None))


# files


def _file(state: State, short: int | None, types: frozenset[FileType]) -> File:
    """By short identifier, which becomes current, or the current one.

    :raises StatusWordError: 6985 when none is, 6981 for another kind of file.
    """
    number = state.iso_file if short is None else short
    if number is None:
        raise StatusWordError(sw.CONDITIONS)
    file = state.file(number)
    if file.type not in types:
        raise StatusWordError(sw.WRONG_STRUCTURE)
    state.iso_file = number
    return file


def _binary(state: State, apdu: Apdu) -> tuple[File, int]:
    if apdu.p1 & _SHORT_FILE:
        return _file(state, apdu.p1 & 0x1F, _DATA), apdu.p2
    return _file(state, None, _DATA), apdu.p1 << 8 | apdu.p2


def _record(state: State, apdu: Apdu) -> File:
    return _file(state, apdu.p2 >> 3 or None, _RECORDS)


def _may(state: State, file: File, *shifts: int, writes: bool) -> None:
    """Rights as for native commands; enciphered files are not for this layer, nor are writes with a MAC.

    :raises StatusWordError: 6982.
    """
    mode = effective(state, file.nibbles(*shifts), file.mode)
    if mode is Mode.FULL or (writes and mode is Mode.MAC) or (mode is Mode.MAC and state.session.modern):
        raise StatusWordError(sw.SECURITY_STATUS)


def _sent(state: State, data: bytes, status: bytes) -> tuple[bytes, bytes]:
    """In a session of EV1 with a CMAC before the status word."""
    session = state.session
    if isinstance(session, Ev1Session):
        return data + session.mac(data + b"\x00"), status
    return data, status


def read_binary(state: State, apdu: Apdu) -> tuple[bytes, bytes]:
    """B0.

    :raises StatusWordError: 6700, 6982, 6985, 6A82, 6A86 past the end.
    """
    file, offset = _binary(state, apdu)
    if apdu.data or not apdu.ne:
        raise StatusWordError(sw.WRONG_LENGTH)
    _may(state, file, READ, READ_WRITE, writes=False)
    body = datafiles.readable(state, file, offset)
    if offset >= len(body):
        raise StatusWordError(sw.WRONG_P1P2)
    found = body[offset : offset + apdu.ne]
    short = len(found) < apdu.ne and apdu.ne != _FULL
    return _sent(state, found, sw.END_REACHED if short else sw.OK)


def update_binary(state: State, apdu: Apdu) -> tuple[bytes, bytes]:
    """D6; a backup file still needs its commit.

    :raises StatusWordError: 6700, 6982, 6985, 6A82, 6A86 past the end.
    """
    file, offset = _binary(state, apdu)
    if not apdu.data:
        raise StatusWordError(sw.WRONG_LENGTH)
    _may(state, file, WRITE, READ_WRITE, writes=True)
    if offset + len(apdu.data) > file.size:
        raise StatusWordError(sw.WRONG_P1P2)
    datafiles.write(state, file, offset, apdu.data)
    return _sent(state, b"", sw.OK)


def read_records(state: State, apdu: Apdu) -> tuple[bytes, bytes]:
    """B2: record 1 is the newest; P2 4 one, 5 from the oldest to it.

    :raises StatusWordError: 6700, 6982, 6985, 6A82, 6A83, 6A86, 6CXX.
    """
    file = _record(state, apdu)
    if apdu.p2 & 7 not in (_ONE, _ALL):
        raise StatusWordError(sw.WRONG_P1P2)
    if apdu.data or not apdu.ne:
        raise StatusWordError(sw.WRONG_LENGTH)
    _may(state, file, READ, READ_WRITE, writes=False)
    newest = max(apdu.p1, 1) - 1
    if newest >= records.count(file, state.body(file.number)):
        raise StatusWordError(sw.RECORD_NOT_FOUND)
    found = records.span(file, state.body(file.number), newest, 1 if apdu.p2 & 7 == _ONE else 0)
    if apdu.ne != _FULL and apdu.ne < len(found):
        raise StatusWordError(sw.right_length(len(found)))
    return _sent(state, found[:_FULL], sw.OK)


def append_record(state: State, apdu: Apdu) -> tuple[bytes, bytes]:
    """E2: a new record, filled up with zeros; it still needs its commit.

    :raises StatusWordError: 6700, 6982, 6985, 6A82, 6A86.
    """
    file = _record(state, apdu)
    if apdu.p1 or apdu.p2 & 7:
        raise StatusWordError(sw.WRONG_P1P2)
    if not 1 <= len(apdu.data) <= file.size:
        raise StatusWordError(sw.WRONG_LENGTH)
    _may(state, file, WRITE, READ_WRITE, writes=True)
    records.write(state, file, 0, apdu.data.ljust(file.size, b"\x00"))
    return _sent(state, b"", sw.OK)


def _challenge(state: State, apdu: Apdu) -> tuple[bytes, bytes]:
    return isoauthenticate.get_challenge(state, apdu.p1, apdu.p2, apdu.ne), sw.OK


def _external(state: State, apdu: Apdu) -> tuple[bytes, bytes]:
    isoauthenticate.external_authenticate(state, apdu.p1, apdu.p2, apdu.data)
    return b"", sw.OK


def _internal(state: State, apdu: Apdu) -> tuple[bytes, bytes]:
    return isoauthenticate.internal_authenticate(state, apdu.p1, apdu.p2, apdu.data), sw.OK


Worker = Callable[[State, Apdu], tuple[bytes, bytes]]
_WORKERS: Final[Mapping[int, Worker]] = {
    0xA4: select,
    0xB0: read_binary,
    0xD6: update_binary,
    0xB2: read_records,
    0xE2: append_record,
    0x84: _challenge,
    0x82: _external,
    0x88: _internal,
}

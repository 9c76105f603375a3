"""SELECT and READ BINARY, for readers and for the factory (ICAO Doc 9303-10 3.6; ISO/IEC 7816-4 11.1, 11.3)."""

from collections.abc import Callable
from typing import Final

from .. import statuswords as sw
from .. import tlv
from ..errors import StatusWordError
from ..gp import ber
from .document import MF, Condition, Document, Ef
from .session import Answer, Command, Session

_BY_FID, _EF_BY_FID, _BY_AID = 0x00, 0x02, 0x04
_ANSWERS: Final = (0x00, 0x04, 0x0C)  # P2: FCI, FCP, nothing; this chip has nothing to tell in any case
_BY_SFI: Final = 0x80
_SFI: Final = 0x1F
_OFFSET, _DATA = 0x54, 0x53
_MOST_OFFSET_BYTES: Final = 3

MayRead = Callable[[Condition], bool]


def select(document: Document, session: Session, command: Command) -> Answer:
    """SELECT; no data are answered.

    :raises StatusWordError: 6A82 nothing of that name, 6A86.
    """
    if command.p2 not in _ANSWERS or command.p1 not in (_BY_FID, _EF_BY_FID, _BY_AID):
        raise StatusWordError(sw.WRONG_P1P2)
    if command.p1 == _BY_AID:
        found = document.application(command.data)
        if found is None:
            raise StatusWordError(sw.FILE_NOT_FOUND)
        session.df, session.ef = found, None
        return b"", sw.OK
    if command.p1 == _BY_FID and command.data in (b"", MF.to_bytes(2, "big")):
        session.df, session.ef = MF, None
        return b"", sw.OK
    if len(command.data) != 2:
        raise StatusWordError(sw.WRONG_LENGTH)
    _select_fid(document, session, int.from_bytes(command.data, "big"), directories=command.p1 == _BY_FID)
    return b"", sw.OK


def _select_fid(document: Document, session: Session, fid: int, *, directories: bool) -> None:
    if directories and fid in document.directories():
        session.df, session.ef = fid, None
        return
    found = document.find(session.df, fid)
    if found is None:
        raise StatusWordError(sw.FILE_NOT_FOUND)
    session.ef = found


def current(session: Session) -> Ef:
    """The current file.

    :raises StatusWordError: 6986.
    """
    if session.ef is None:
        raise StatusWordError(sw.NO_CURRENT_EF)
    return session.ef


def by_sfi(document: Document, session: Session, sfi: int) -> Ef:
    """The file of a short identifier, which becomes current.

    :raises StatusWordError: 6A82.
    """
    found = document.by_sfi(session.df, sfi)
    if found is None:
        raise StatusWordError(sw.FILE_NOT_FOUND)
    session.ef = found
    return found


def addressed(document: Document, session: Session, command: Command) -> tuple[Ef, int]:
    """File and offset of an even instruction on a transparent file.

    :raises StatusWordError: 6A82, 6986, 6A86.
    """
    if not command.p1 & _BY_SFI:
        return current(session), command.parameters
    if command.p1 & ~(_BY_SFI | _SFI):
        raise StatusWordError(sw.WRONG_P1P2)
    return by_sfi(document, session, command.p1 & _SFI), command.p2


def addressed_odd(document: Document, session: Session, command: Command) -> Ef:
    """File of an odd instruction: the current one, one by short identifier, or one by FID.

    :raises StatusWordError: 6A82, 6986.
    """
    if command.parameters == 0:
        return current(session)
    if command.parameters <= _SFI:
        return by_sfi(document, session, command.p2)
    found = document.find(session.df, command.parameters)
    if found is None:
        raise StatusWordError(sw.FILE_NOT_FOUND)
    session.ef = found
    return found


def read_binary(document: Document, session: Session, command: Command, may_read: MayRead) -> Answer:
    """READ BINARY, even instruction: never more than asked for or fits, never nothing.

    :raises StatusWordError: 6700 without Le, 6982, 6B00, and as `addressed`.
    """
    if not command.ne or command.data:
        raise StatusWordError(sw.WRONG_LENGTH)
    file, offset = addressed(document, session, command)
    return _part(document, file, offset, min(command.ne, command.room), may_read), sw.OK


def read_binary_odd(document: Document, session: Session, command: Command, may_read: MayRead) -> Answer:
    """READ BINARY, odd instruction: `54 L offset` asks, `53 L data` answers; Le counts all of that.

    :raises StatusWordError: 6700, 6A80, 6982, 6B00, and as `addressed_odd`.
    """
    file = addressed_odd(document, session, command)
    offset = offset_object(command.data)
    room = min(command.ne, command.room)
    head = 2 if room < 0x82 else 3 if room < 0x103 else 4
    if room <= head:
        raise StatusWordError(sw.WRONG_LENGTH)
    return tlv.build(_DATA, _part(document, file, offset, room - head, may_read)), sw.OK


def offset_object(data: bytes) -> int:
    """The offset an odd instruction brings.

    :raises StatusWordError: 6A80.
    """
    objects = ber.parse(data)
    if not objects or objects[0][0] != _OFFSET or not 0 < len(objects[0][1]) <= _MOST_OFFSET_BYTES:
        raise StatusWordError(sw.WRONG_DATA)
    return int.from_bytes(objects[0][1], "big")


def written_object(data: bytes) -> bytes:
    """The data an odd UPDATE BINARY brings behind the offset.

    :raises StatusWordError: 6A80.
    """
    objects = ber.parse(data)
    if [tag for tag, _ in objects] != [_OFFSET, _DATA]:
        raise StatusWordError(sw.WRONG_DATA)
    return objects[1][1]


def _part(document: Document, file: Ef, offset: int, size: int, may_read: MayRead) -> bytes:
    if not may_read(file.read):
        raise StatusWordError(sw.SECURITY_STATUS)
    body = document.body(file)
    if offset >= len(body):
        raise StatusWordError(sw.WRONG_OFFSET)
    return body[offset : offset + size]

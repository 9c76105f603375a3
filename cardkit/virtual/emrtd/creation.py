"""CREATE FILE and what fills files on a native chip (ISO/IEC 7816-9 7; file control parameters of 7816-4 table 10)."""

from typing import Final

from .. import statuswords as sw
from ..errors import StatusWordError
from .document import INITIALIZED, MF, OPERATIONAL, Condition, Document, Ef
from .groups import refuse
from .session import Session, template

_FCP: Final = 0x62
_DESCRIPTOR, _FID, _SIZE, _SFI, _LIFE_CYCLE, _COMPACT, _NAME = 0x82, 0x83, 0x80, 0x88, 0x8A, 0x8C, 0x84
_TRANSPARENT, _DIRECTORY = b"\x01", b"\x38"
_READ_ONLY_MODE: Final = 0x01  # access mode byte of compact format: one condition, for reading
_OWN_SFI: Final = 0x1F
_NAMES: Final = range(5, 17)
_BEFORE: Final = (b"\x01", b"\x03", b"\x05")


def create(document: Document, session: Session, data: bytes, nvm: int) -> None:
    """Make what a template of file control parameters says; it becomes current.

    :param nvm: bytes all files may take.
    :raises StatusWordError: 6A80 malformed, 6A89 FID or SFI taken, 6A8A name taken, 6A84 too large.
    """
    parameters = template(data, _FCP)
    fid = parameters.get(_FID, b"")
    if len(fid) != 2 or parameters.get(_LIFE_CYCLE, b"\x03") not in _BEFORE:
        raise refuse()
    number = int.from_bytes(fid, "big")
    if number == MF or number in document.directories() or document.find(session.df, number) is not None:
        raise StatusWordError(sw.FILE_EXISTS)
    if parameters.get(_DESCRIPTOR) == _DIRECTORY:
        _create_directory(document, session, number, parameters)
    elif parameters.get(_DESCRIPTOR) == _TRANSPARENT:
        _create_file(document, session, number, parameters, nvm)
    else:
        raise refuse()


def _create_directory(document: Document, session: Session, fid: int, parameters: dict[int, bytes]) -> None:
    name = parameters.get(_NAME, b"")
    if not parameters.keys() <= {_DESCRIPTOR, _FID, _NAME, _LIFE_CYCLE} or len(name) not in _NAMES:
        raise refuse()
    if name in document.directories().values():
        raise StatusWordError(sw.NAME_EXISTS)
    document.put_directory(fid, name)
    session.df, session.ef = fid, None


def _create_file(document: Document, session: Session, fid: int, parameters: dict[int, bytes], nvm: int) -> None:
    allowed = {_DESCRIPTOR, _FID, _SIZE, _SFI, _LIFE_CYCLE, _COMPACT}
    size, access = int.from_bytes(parameters.get(_SIZE, b""), "big"), parameters.get(_COMPACT, b"")
    if not parameters.keys() <= allowed or not size or len(access) != 2 or access[0] != _READ_ONLY_MODE:
        raise refuse()
    if access[1] not in list(Condition):
        raise refuse()
    if document.used() + size > nvm:
        raise StatusWordError(sw.NO_MEMORY)
    sfi = _short_identifier(parameters.get(_SFI), fid)
    if document.by_sfi(session.df, sfi) is not None:
        raise StatusWordError(sw.FILE_EXISTS)
    life_cycle = parameters.get(_LIFE_CYCLE, bytes((INITIALIZED,)))[0]
    file = Ef(session.df, fid, sfi, Condition(access[1]), life_cycle)
    document.put_file(file, bytes(size))
    session.ef = file


def _short_identifier(value: bytes | None, fid: int) -> int:
    if value is None:
        return fid & _OWN_SFI
    if len(value) > 1 or (value and value[0] & 0x07):
        raise refuse()
    return value[0] >> 3 if value else 0


def update(document: Document, file: Ef, offset: int, data: bytes) -> None:
    """Write into a file.

    :raises StatusWordError: 6982 when its contents are final, 6A84 past its end, 6700 without data.
    """
    body = document.body(file)
    if not data:
        raise StatusWordError(sw.WRONG_LENGTH)
    if file.life_cycle == OPERATIONAL:
        raise StatusWordError(sw.SECURITY_STATUS)
    if offset + len(data) > len(body):
        raise StatusWordError(sw.NO_MEMORY)
    document.write(file, body[:offset] + data + body[offset + len(data) :])


def activate(document: Document, session: Session, file: Ef) -> None:
    """The contents of a file are final."""
    session.ef = file._replace(life_cycle=OPERATIONAL)
    document.put_file(session.ef, document.body(file))

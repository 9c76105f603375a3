"""SELECT (ISO 7816-4 11.2.2): by file identifier, path, or name."""

from typing import Final

from ... import statuswords as sw
from ...errors import StatusWordError
from ...gp import wire
from ..image import SERIAL
from . import layout
from .files import File
from .state import Session, State

_ANY, _CHILD_DIRECTORY, _CHILD_FILE, _PARENT, _NAME, _PATH, _PATH_FROM_CURRENT = 0, 1, 2, 3, 4, 8, 9
_FCI, _FCP, _NOTHING = 0x00, 0x04, 0x0C
_FID: Final = 2


def select(state: State, apdu: wire.Apdu) -> bytes:
    """Make a file or directory current.

    :returns: its FCI; of the application, version and features of its commands, then the serial number.
    :raises StatusWordError: 6A86, 6A82, and what was current stays so.
    """
    if apdu.p2 not in (_FCI, _FCP, _NOTHING):
        raise StatusWordError(sw.WRONG_P1P2)
    if apdu.p1 == _NAME and apdu.data == layout.AID:
        state.session = Session()
        return state.image.version + state.journal.get(SERIAL)
    found = _found(state, apdu.p1, apdu.data)
    if found is None:
        raise StatusWordError(sw.FILE_NOT_FOUND)
    make_current(state, found)
    return b"" if apdu.p2 == _NOTHING else state.files.fci(found, state.life_cycle)


def make_current(state: State, file: File) -> None:
    """What SELECT found, or CREATE FILE made."""
    session = state.session
    session.directory, session.file = (file.path, "") if file.is_directory else (file.parent, file.path)


def _found(state: State, how: int, data: bytes) -> File | None:
    files, here = state.files, state.session.directory
    if how == _NAME:
        return files.named(data) if data else None
    if how in (_PATH, _PATH_FROM_CURRENT) and data and len(data) % _FID == 0:
        path = data.hex("/", _FID).upper()
        return files.find(f"{layout.MF if how == _PATH else here}/{path}")
    if how == _PARENT and not data:
        return files.find(here[:-5])
    if how not in (_ANY, _CHILD_DIRECTORY, _CHILD_FILE) or len(data) not in (0, _FID):
        raise StatusWordError(sw.WRONG_P1P2 if how > _PATH_FROM_CURRENT else sw.WRONG_DATA)
    fid = data.hex().upper() or layout.MF
    if how == _ANY:
        return _near(state, fid)
    file = files.find(f"{here}/{fid}")
    return file if file is not None and file.is_directory == (how == _CHILD_DIRECTORY) else None


def _near(state: State, fid: str) -> File | None:
    """A file by its FID alone: the MF, a child, the current directory, what lies beside it, or the one above."""
    files, here = state.files, state.session.directory
    above = here[:-5]
    candidates = [here] if here.endswith(fid) else []
    candidates += [f"{here}/{fid}", *([f"{above}/{fid}"] if above else []), *([above] if above.endswith(fid) else [])]
    if fid == layout.MF:
        candidates = [layout.MF]
    return next((file for path in candidates if (file := files.find(path)) is not None), None)

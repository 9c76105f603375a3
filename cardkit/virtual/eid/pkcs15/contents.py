"""CREATE FILE, DELETE FILE (ISO 7816-9), READ BINARY, UPDATE BINARY (ISO 7816-4)."""

from typing import Final

from ... import statuswords as sw
from ...errors import StatusWordError
from ...gp import ber, wire
from ..chip import require
from . import layout
from .files import ACCESS_SIZE, DIRECTORY, OPEN, TRANSPARENT, File
from .selecting import make_current
from .state import CONDITIONS, State

_FCP, _FCI = 0x62, 0x6F
_SIZES: Final = (0x80, 0x81)
_DESCRIPTOR, _FID, _NAME, _ACCESS, _SFI, _LIFE_CYCLE = 0x82, 0x83, 0x84, 0x86, 0x88, 0x8A
_FIELDS: Final = frozenset((*_SIZES, _DESCRIPTOR, _FID, _NAME, _ACCESS, _SFI, _LIFE_CYCLE))
_READ, _UPDATE, _DELETE_SELF = 0, 1, 6  # access mode bits of a file
_DELETE_CHILD, _CREATE_FILE, _CREATE_DIRECTORY = 0, 1, 2  # of a directory
_SHAREABLE: Final = 0x40
_BY_SFI, _SFI_BITS, _SFI_SHIFT = 0x80, 0x1F, 3
_LONGEST_NAME: Final = 16
_DEEPEST: Final = 8  # levels below the MF
_RESERVED: Final = (b"\x3f\x00", b"\x3f\xff", b"\xff\xff", b"\x00\x00")


def create_file(state: State, apdu: wire.Apdu) -> bytes:
    """A file or directory in the current directory. It becomes current.

    :raises StatusWordError: 6A80 a template this chip cannot follow, 6982, 6A89, 6A8A, 6A84.
    """
    require(apdu, 0)
    outer = ber.parse(apdu.data)
    if len(outer) != 1 or outer[0][0] not in (_FCP, _FCI):
        raise StatusWordError(sw.WRONG_DATA)
    fields = ber.unique(outer[0][1], _FIELDS)
    file, size = _described(fields, state.session.directory)
    _refuse_second(state, file)
    bit = _CREATE_DIRECTORY if file.is_directory else _CREATE_FILE
    state.require(state.files.directory(file.parent), bit)
    if state.files.used() + size > state.image.nvm or file.path.count("/") > _DEEPEST:
        raise StatusWordError(sw.NO_MEMORY)
    state.files.put(file, bytes(size))
    make_current(state, file)
    return b""


def _described(fields: dict[int, bytes], directory: str) -> tuple[File, int]:
    """The file a template describes, and the bytes it takes.

    :raises StatusWordError: 6A80.
    """
    descriptor = fields.get(_DESCRIPTOR, b"\x00")[0] & ~_SHAREABLE
    fid, access = fields.get(_FID, b""), fields.get(_ACCESS, OPEN)
    sfi = fields.get(_SFI, b"\x00")
    sizes = [fields[tag] for tag in _SIZES if tag in fields]
    right = (
        descriptor in (DIRECTORY, TRANSPARENT)
        and len(fid) == 2
        and fid not in _RESERVED
        and len(access) == ACCESS_SIZE
        and access[0] == OPEN[0]
        and CONDITIONS.issuperset(access[1:])
        and len(sfi) == 1
        and len(fields.get(_NAME, b"")) <= _LONGEST_NAME
        and (descriptor == DIRECTORY or len(sizes) == 1)
    )
    if not right or (_NAME in fields and descriptor != DIRECTORY):
        raise StatusWordError(sw.WRONG_DATA)
    size = int.from_bytes(sizes[0], "big") if descriptor == TRANSPARENT else 0
    return File(
        f"{directory}/{fid.hex().upper()}", descriptor, sfi[0] >> _SFI_SHIFT, access, fields.get(_NAME, b"")
    ), size


def _refuse_second(state: State, file: File) -> None:
    """:raises StatusWordError: 6A89 for a FID or SFI that is there, 6A8A for a name."""
    beside = state.files.children(file.parent)
    same_sfi = file.sfi and any(file.sfi == other.sfi for other in beside)
    if state.files.find(file.path) is not None or same_sfi:
        raise StatusWordError(sw.FILE_EXISTS)
    if file.name and state.files.named(file.name) is not None:
        raise StatusWordError(sw.NAME_EXISTS)


def delete_file(state: State, apdu: wire.Apdu) -> bytes:
    """A file of the current directory by its FID, or without data what is current; the directory above becomes current.

    :raises StatusWordError: 6A82, 6982, 6985 for the MF.
    """
    require(apdu, 0)
    session = state.session
    path = f"{session.directory}/{apdu.data.hex().upper()}" if apdu.data else session.file or session.directory
    file = state.files.find(path)
    if file is None:
        raise StatusWordError(sw.FILE_NOT_FOUND)
    if file.path == layout.MF:
        raise StatusWordError(sw.CONDITIONS)
    state.require(state.files.directory(file.parent), _DELETE_CHILD)
    state.require(file, _DELETE_SELF)
    state.files.delete(file)
    session.directory, session.file = file.parent, ""
    return b""


def read_binary(state: State, apdu: wire.Apdu) -> bytes:
    """Bytes of the current file, or of one by its SFI; at the end, fewer than asked for.

    :raises StatusWordError: 6986, 6A82, 6982, 6B00 from the end of the file on.
    """
    file, offset = _addressed(state, apdu)
    state.require(file, _READ)
    body = state.files.body(file)
    if offset >= len(body):
        raise StatusWordError(sw.WRONG_OFFSET)
    return body[offset : offset + (apdu.ne or len(body))]


def update_binary(state: State, apdu: wire.Apdu) -> bytes:
    """New bytes of the current file, or of one by its SFI.

    :raises StatusWordError: 6986, 6A82, 6982, 6B00 past the end, 6A84 across it; nothing is written then.
    """
    file, offset = _addressed(state, apdu)
    state.require(file, _UPDATE)
    body, end = state.files.body(file), offset + len(apdu.data)
    if offset > len(body):
        raise StatusWordError(sw.WRONG_OFFSET)
    if end > len(body):
        raise StatusWordError(sw.NO_MEMORY)
    state.files.write(file, body[:offset] + apdu.data + body[end:])
    return b""


def _addressed(state: State, apdu: wire.Apdu) -> tuple[File, int]:
    session = state.session
    if apdu.p1 & _BY_SFI:
        sfi = apdu.p1 & _SFI_BITS
        found = next((file for file in state.files.children(session.directory) if sfi and file.sfi == sfi), None)
        if found is None:
            raise StatusWordError(sw.FILE_NOT_FOUND)
        session.file = found.path
        return found, apdu.p2
    current = state.files.find(session.file) if session.file else None
    if current is None:
        raise StatusWordError(sw.NO_CURRENT_EF)
    return current, apdu.p1 << 8 | apdu.p2

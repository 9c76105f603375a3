"""Files: create, delete, list (sheet 3.3, 3.9)."""

from collections.abc import Callable
from typing import Final

from . import statuses
from .call import Answer, Call
from .crypto import KeyType
from .model import FREE, MANY_RIGHTS, NEVER, File, FileType, Key
from .state import BLOCK, State
from .statuses import RefusedError

_MOST: Final = 0x20  # file numbers below; below 10 and 08 on D40
_MOST_D40: Final = {FileType.STANDARD: 0x10}
_RESERVED_FIDS: Final = frozenset({b"\x00\x3f", b"\xff\x3f", b"\xff\xff", b"\x00\x00"})
_TMAC_KEY_AES: Final = 0x02
_TMAC_SIZE: Final = 12
_READER_ID: Final = 16


def check_rights(state: State, *words: int) -> None:
    """Do the rights name keys that are there?

    :raises RefusedError: 9E.
    """
    count = state.application.key_count
    for word in words:
        nibbles = (word >> shift & 0x0F for shift in (0, 4, 8, 12))
        if any(nibble >= count and nibble < FREE for nibble in nibbles):
            raise RefusedError(statuses.PARAMETER)


def check_communication(state: State, byte: int, extra: int = 0) -> None:
    """Communication settings: the mode in the low bits, from EV2 on additional rights, and what `extra` allows.

    :raises RefusedError: 9E.
    """
    allowed = 0x03 | extra | (MANY_RIGHTS if state.image.generation >= 2 else 0)
    if byte & ~allowed:
        raise RefusedError(statuses.PARAMETER)


def _begin(state: State, call: Call, kind: FileType) -> tuple[int, bytes, int, int, bytes]:
    """What all of them begin with: number, ISO FID, communication, rights, rest.

    :raises RefusedError: 7E, 9E, DE.
    """
    number, rest, fid = call.data[0], call.data[1:], b""
    if kind not in (FileType.VALUE, FileType.TRANSACTION_MAC) and _with_fid(state, call):
        fid, rest = rest[:2], rest[2:]
    communication, rights = rest[0], int.from_bytes(rest[1:3], "little")
    most = _MOST if state.image.generation else _MOST_D40.get(kind, 0x08)
    if number >= most or fid in _RESERVED_FIDS:
        raise RefusedError(statuses.PARAMETER)
    check_communication(state, communication)
    check_rights(state, rights)
    files = state.files()
    if any(file.number == number or (fid and file.fid == fid) for file in files):
        raise RefusedError(statuses.DUPLICATE)
    return number, fid, communication, rights, rest[3:]


_SIZES: Final = {0xCD: 7, 0xCB: 7, 0xC1: 10, 0xC0: 10}  # bytes without ISO FID


def _with_fid(state: State, call: Call) -> bool:
    """Does the command bring an ISO FID? It must when files of the application have one.

    :raises RefusedError: 7E.
    """
    extra = len(call.data) - _SIZES[call.opcode]
    if extra != (2 if state.application.has_file_ids else 0):
        raise RefusedError(statuses.LENGTH)
    return extra > 0


def _add(state: State, file: File, body: bytes, size: int) -> bytes:
    """Write a new file.

    :param size: bytes of memory.
    :raises RefusedError: 0E.
    """
    state.take(size, None)
    state.put_file(file)
    state.put_body(file.number, body)
    return b""


def _data_file(kind: FileType, copies: int) -> Callable[[State, Call], Answer]:
    def create(state: State, call: Call) -> Answer:
        number, fid, communication, rights, shape = _begin(state, call, kind)
        size = int.from_bytes(shape, "little")
        if not size:
            raise RefusedError(statuses.PARAMETER)
        _room(state, size * copies)
        file = File(number, kind, communication, rights, shape, fid)
        return _add(state, file, bytes(size), copies * (size + -size % BLOCK))

    return create


create_standard = _data_file(FileType.STANDARD, 1)
create_backup = _data_file(FileType.BACKUP, 2)


def _room(state: State, size: int) -> None:
    """Before bytes are made that could never be kept.

    :raises RefusedError: 0E.
    """
    if size > state.image.nvm:
        raise RefusedError(statuses.NO_MEMORY)


def create_value(state: State, call: Call) -> Answer:
    """CC: limits, value, options.

    :raises RefusedError: 9E, DE, 0E.
    """
    number, _, communication, rights, rest = _begin(state, call, FileType.VALUE)
    shape, value, options = rest[:8], rest[8:12], rest[12]
    file = File(number, FileType.VALUE, communication, rights, shape + bytes((options,)))
    lower, upper = file.limits
    if not lower <= int.from_bytes(value, "little", signed=True) <= upper or options & ~0x03:
        raise RefusedError(statuses.PARAMETER)
    return _add(state, file, value + bytes(4), BLOCK)


def _record_file(kind: FileType, least: int) -> Callable[[State, Call], Answer]:
    def create(state: State, call: Call) -> Answer:
        number, fid, communication, rights, shape = _begin(state, call, kind)
        file = File(number, kind, communication, rights, shape, fid)
        if not file.size or file.number3(3) < least:
            raise RefusedError(statuses.PARAMETER)
        size = file.size * file.number3(3)
        _room(state, size)
        return _add(state, file, b"", size)

    return create


create_linear = _record_file(FileType.LINEAR, 1)
create_cyclic = _record_file(FileType.CYCLIC, 2)


def create_transaction_mac(state: State, call: Call) -> Answer:
    """CE: key option, then key and its version, enciphered.

    :raises RefusedError: 9E, DE, 0E.
    """
    number, _, communication, rights, rest = _begin(state, call, FileType.TRANSACTION_MAC)
    option, key = rest[0], Key(KeyType.AES, rest[1:17], rest[17])
    if option != _TMAC_KEY_AES or rights >> 8 & 0x0F != NEVER:
        raise RefusedError(statuses.PARAMETER)
    if any(file.type is FileType.TRANSACTION_MAC for file in state.files()):
        raise RefusedError(statuses.DUPLICATE)
    shape = bytes((option, key.version))
    file = File(number, FileType.TRANSACTION_MAC, communication, rights, shape, key=key)
    return _add(state, file, bytes(_TMAC_SIZE + _READER_ID), BLOCK)


def delete_file(state: State, call: Call) -> Answer:
    """DF; its memory does not come back before the application goes."""
    number = call.data[0]
    transaction = state.transaction
    for pending in (transaction.backups, transaction.values, transaction.records):
        pending.pop(number, None)
    state.remove_file(number)
    return b""


def get_file_ids(state: State, call: Call) -> Answer:
    """6F."""
    del call
    return bytes(state.file_numbers())


def get_iso_file_ids(state: State, call: Call) -> Answer:
    """61.

    :raises RefusedError: 9D when files of the application have none.
    """
    del call
    if not state.application.has_file_ids:
        raise RefusedError(statuses.PERMISSION)
    return b"".join(file.fid for file in state.files())

"""GetFileSettings, ChangeFileSettings (sheet 3.9, 4)."""

from dataclasses import replace
from typing import Final

from . import sdm, statuses
from .call import Answer, Call
from .filecreation import check_communication, check_rights
from .model import MANY_RIGHTS, SDM, FileType, words
from .records import count
from .state import State
from .statuses import RefusedError

_MOST_ADDITIONAL: Final = 7


def get_file_settings(state: State, call: Call) -> Answer:
    """F5."""
    file = call.the_file
    body = state.body(file.number)
    shape = file.shape
    if file.type is FileType.VALUE:
        shape = shape[:8] + body[4:8] + shape[8:]
    elif file.type in (FileType.LINEAR, FileType.CYCLIC):
        shape += count(file, body).to_bytes(3, "little")
    head = bytes((file.type, file.communication)) + file.rights.to_bytes(2, "little")
    more = bytes((len(file.more_rights),)) + words(file.more_rights) if file.communication & MANY_RIGHTS else b""
    return head + shape + more + file.sdm


def measure(header: bytes, data: bytes) -> int:
    """Length of the new settings at the start of deciphered blocks."""
    del header
    size = 3
    if data and data[0] & MANY_RIGHTS:
        size += 1 + 2 * (data[3] if len(data) > 3 else 0)
    if data and data[0] & SDM:
        size += sdm.measure(data[3:])
    return size


def change_file_settings(state: State, call: Call) -> Answer:
    """5F: communication, rights [additional rights] [SDM].

    :raises RefusedError: 7E, 9E.
    """
    file, data = call.the_file, call.data[1:]
    communication, rights = data[0], int.from_bytes(data[1:3], "little")
    with_sdm = SDM if file.type is FileType.STANDARD and state.image.sdm else 0
    check_communication(state, communication, with_sdm)
    rest = data[3:]
    more: tuple[int, ...] = ()
    if communication & MANY_RIGHTS:
        more, rest = _additional(rest)
    check_rights(state, rights, *more)
    if communication & SDM:
        sdm.check(rest, file.size)
    elif rest:
        raise RefusedError(statuses.LENGTH)
    changed = replace(file, communication=communication, rights=rights, more_rights=more, sdm=rest)
    state.put_file(changed)
    if communication & SDM and not file.communication & SDM:
        sdm.restart(state, file.number)
    return b""


def _additional(data: bytes) -> tuple[tuple[int, ...], bytes]:
    """Additional access rights, and what follows them.

    :raises RefusedError: 7E, 9E.
    """
    number = data[0] if data else 0
    if not 1 <= number <= _MOST_ADDITIONAL:
        raise RefusedError(statuses.PARAMETER)
    end = 1 + 2 * number
    if len(data) < end:
        raise RefusedError(statuses.LENGTH)
    return tuple(int.from_bytes(data[at : at + 2], "little") for at in range(1, end, 2)), data[end:]

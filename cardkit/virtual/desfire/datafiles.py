"""ReadData, WriteData: standard files at once, backup files in the transaction (sheet 3.9)."""

from . import sdm, statuses, tmac
from .call import Answer, Call
from .model import File, FileType
from .state import State
from .statuses import RefusedError


def read_data(state: State, call: Call) -> Answer:
    """BD, AD: file, offset, length; length 0 reads to the end.

    :raises RefusedError: BE.
    """
    offset, length = call.number(1), call.number(4)
    call.to_end = not length
    data = readable(state, call.the_file, offset)
    if offset >= len(data) or offset + length > len(data):
        raise RefusedError(statuses.BOUNDARY)
    found = data[offset : offset + length] if length else data[offset:]
    if call.the_file.type is not FileType.TRANSACTION_MAC:
        tmac.collect(state, call.opcode, call.data[:7], found)
    return found


def readable(state: State, file: File, offset: int) -> bytes:
    """What a reader sees from there on: the committed content; mirrored when nobody is authenticated."""
    body = state.body(file.number)
    if file.type is FileType.TRANSACTION_MAC:
        return tmac.shown(body)
    if file.sdm and state.session.key_no is None:
        return sdm.mirrored(state, file, body, offset)
    return body


def write_length(state: State, call: Call) -> int:
    """Plain bytes that WriteData brings.

    :raises RefusedError: 9E for none; BE past the end.
    """
    del state
    offset, length, size = call.number(1), call.number(4), call.the_file.size
    if not length:
        raise RefusedError(statuses.PARAMETER)
    if offset + length > size:
        raise RefusedError(statuses.BOUNDARY)
    return length


def write_data(state: State, call: Call) -> Answer:
    """3D, 8D: file, offset, length, data."""
    write(state, call.the_file, call.number(1), call.data[7:])
    tmac.collect(state, call.opcode, call.data[:7], call.data[7:])
    return b""


def write(state: State, file: File, offset: int, data: bytes) -> None:
    """Put data into a standard or backup file."""
    backups = state.transaction.backups
    state.mirrors.pop(file.number, None)
    backup = file.type is FileType.BACKUP
    body = backups.get(file.number) if backup else None
    if body is None:
        body = state.body(file.number)
    body = body[:offset] + data + body[offset + len(data) :]
    if backup:
        backups[file.number] = body
    else:
        state.put_body(file.number, body)

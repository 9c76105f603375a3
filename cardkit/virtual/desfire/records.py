"""Record files (sheet 3.9, 3.16). Content: the committed records, oldest first."""

from . import statuses, tmac
from .call import Answer, Call
from .model import File, FileType
from .state import State
from .statuses import RefusedError
from .transaction import PendingRecords


def count(file: File, body: bytes) -> int:
    """Records that are there."""
    return len(body) // file.size


def span(file: File, body: bytes, newest: int, wanted: int) -> bytes:
    """Records, oldest first.

    :param newest: number of the newest wanted, counted back from 0.  :param wanted: how many, 0 for all older ones.
    :raises RefusedError: BE.
    """
    there = count(file, body)
    if newest >= there or newest + wanted > there:
        raise RefusedError(statuses.BOUNDARY)
    end = there - newest
    start = end - wanted if wanted else 0
    return body[start * file.size : end * file.size]


def read_records(state: State, call: Call) -> Answer:
    """BB, AB: file, record number, number of records.

    :raises RefusedError: BE.
    """
    newest, wanted = call.number(1), call.number(4)
    call.to_end = not wanted
    found = span(call.the_file, state.body(call.the_file.number), newest, wanted)
    tmac.collect(state, call.opcode, call.data[:7], found)
    return found


def write_length(state: State, call: Call) -> int:
    """Plain bytes that WriteRecord brings.

    :raises RefusedError: 9E for none; BE past the end of a record.
    """
    del state
    return _length(call.the_file, call.number(1), call.number(4))


def update_length(state: State, call: Call) -> int:
    """Plain bytes that UpdateRecord brings.

    :raises RefusedError: 9E for none; BE past the end of a record.
    """
    del state
    return _length(call.the_file, call.number(4), call.number(7))


def _length(file: File, offset: int, length: int) -> int:
    if not length:
        raise RefusedError(statuses.PARAMETER)
    if offset + length > file.size:
        raise RefusedError(statuses.BOUNDARY)
    return length


def write_record(state: State, call: Call) -> Answer:
    """3B, 8B: file, offset, length, data; one new record in a transaction.

    :raises RefusedError: 9D after ClearRecordFile; BE when a linear file is full.
    """
    write(state, call.the_file, call.number(1), call.data[7:])
    tmac.collect(state, call.opcode, call.data[:7], call.data[7:])
    return b""


def write(state: State, file: File, offset: int, data: bytes) -> None:
    """Put data into the new record of this transaction.

    :raises RefusedError: 9D, BE.
    """
    pending = _pending(state, file)
    if pending.cleared:
        raise RefusedError(statuses.PERMISSION)
    full = count(file, state.body(file.number)) >= file.capacity
    if full and file.type is FileType.LINEAR:
        raise RefusedError(statuses.BOUNDARY)
    record = pending.record or bytes(file.size)
    pending.record = record[:offset] + data + record[offset + len(data) :]
    state.transaction.records[file.number] = pending


def update_record(state: State, call: Call) -> Answer:
    """DB, BA: file, record number, offset, length, data.

    :raises RefusedError: 9D after ClearRecordFile; BE.
    """
    file, number, offset, data = call.the_file, call.number(1), call.number(4), call.data[10:]
    pending = _pending(state, file)
    if pending.cleared:
        raise RefusedError(statuses.PERMISSION)
    record = pending.updates.get(number) or span(file, state.body(file.number), number, 1)
    pending.updates[number] = record[:offset] + data + record[offset + len(data) :]
    state.transaction.records[file.number] = pending
    tmac.collect(state, call.opcode, call.data[:10], data)
    return b""


def clear_record_file(state: State, call: Call) -> Answer:
    """EB: empty after the commit."""
    state.transaction.records[call.the_file.number] = PendingRecords(cleared=True)
    tmac.collect(state, call.opcode, call.data, b"")
    return b""


def _pending(state: State, file: File) -> PendingRecords:
    return state.transaction.records.get(file.number) or PendingRecords()


def committed(file: File, body: bytes, pending: PendingRecords) -> bytes:
    """The content after the commit."""
    if pending.cleared:
        return b""
    there, size = count(file, body), file.size
    records = [body[at * size : (at + 1) * size] for at in range(there)]
    for number, record in pending.updates.items():
        records[there - 1 - number] = record
    if pending.record:
        records.append(pending.record)
    return b"".join(records[-file.capacity :])

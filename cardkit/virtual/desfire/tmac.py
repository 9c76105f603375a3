"""The transaction MAC of EV2: what it is over, and the reader ID in it (sheet 3.10).

Its file holds TMC 4, TMV 8, and the last reader ID 16.
"""

from typing import Final

from . import statuses
from .call import Answer, Call
from .crypto import BlockCipher, odd_bytes
from .model import FREE, NEVER, READ_WRITE, File, FileType
from .session import Mode
from .state import State
from .statuses import RefusedError

_BLOCK: Final = 16
_TMC, _TMV, _READER = slice(0, 4), slice(4, 12), slice(12, 28)
_PLAIN_OPCODES: Final = {0xAD: 0xBD, 0x8D: 0x3D, 0xAB: 0xBB, 0x8B: 0x3B, 0xBA: 0xDB}
_LAST: Final = 0xFFFFFFFF


def find(state: State) -> File | None:
    """The file of the transaction MAC in the selected application."""
    if state.image.generation < 2:
        return None
    return next((file for file in state.files() if file.type is FileType.TRANSACTION_MAC), None)


def shown(body: bytes) -> bytes:
    """What may be read: counter and value."""
    return body[: _TMV.stop]


def collect(state: State, opcode: int, parameters: bytes, data: bytes) -> None:
    """Take a command into the input of the MAC: both parts filled up with zeros."""
    if find(state) is None:
        return
    first = bytes((_PLAIN_OPCODES.get(opcode, opcode),)) + parameters
    for part in (first, data):
        state.transaction.input += part + bytes(-len(part) % _BLOCK)


def committing_reader(state: State, call: Call) -> Mode:
    """Access of C8: the right RW of that file.

    :raises RefusedError: 9D without such a file or right, AE.
    """
    call.file = find(state)
    if call.file is None:
        raise RefusedError(statuses.PERMISSION)
    right = call.file.nibbles(READ_WRITE)[0]
    if right == NEVER:
        raise RefusedError(statuses.PERMISSION)
    if right not in (FREE, state.session.key_no):
        raise RefusedError(statuses.AUTHENTICATION)
    return Mode.FULL if state.session.key_no is not None else Mode.PLAIN


def commit_reader_id(state: State, call: Call) -> Answer:
    """C8: the reader ID of this transaction; the last one comes back, enciphered.

    :raises RefusedError: 9D when it was given already.
    """
    file = call.the_file
    body = state.body(file.number)
    if state.transaction.reader is not None or file.key is None:
        raise RefusedError(statuses.PERMISSION)
    counter = _next(body)
    cipher = BlockCipher(tmac_key(file.key.value, b"\xa5", counter, state.uid), aes=True)
    sent = cipher.encrypt(body[_READER], cipher.zeros)
    state.transaction.reader = call.data, sent
    collect(state, call.opcode, call.data + sent, b"")
    return sent


def _next(body: bytes) -> int:
    """The counter of this transaction.

    :raises RefusedError: CE when it cannot go on.
    """
    counter = int.from_bytes(body[_TMC], "little")
    if counter == _LAST:
        raise RefusedError(statuses.COUNT)
    return counter + 1


def transaction_mac(key: bytes, counter: int, uid: bytes, data: bytes) -> bytes:
    """TMV: MAC over what the transaction did, under the session key of that counter (sheet 3.10)."""
    work = BlockCipher(tmac_key(key, b"\x5a", counter, uid), aes=True)
    return odd_bytes(work.cmac(data, work.zeros))


def tmac_key(key: bytes, label: bytes, counter: int, uid: bytes) -> bytes:
    """SesTMMAC (5A) or SesTMENC (A5) of a transaction counter that has already gone up."""
    work = BlockCipher(key, aes=True)
    return work.cmac(label + b"\x00\x01\x00\x80" + counter.to_bytes(4, "little") + uid, work.zeros)


def seal(state: State, file: File) -> bytes:
    """Counter and MAC of this transaction, written.

    :raises RefusedError: 9D without a reader ID that is asked for.
    """
    transaction, body = state.transaction, state.body(file.number)
    wanted = file.nibbles(READ_WRITE)[0] != NEVER
    if (wanted and transaction.reader is None) or file.key is None:
        raise RefusedError(statuses.PERMISSION)
    counter = _next(body)
    mac = transaction_mac(file.key.value, counter, state.uid, bytes(transaction.input))
    reader = transaction.reader[0] if transaction.reader is not None else body[_READER]
    told = counter.to_bytes(4, "little") + mac
    state.put_body(file.number, told + reader)
    return told

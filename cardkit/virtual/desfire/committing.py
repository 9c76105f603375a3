"""Commit and abort (sheet 3.9)."""

from typing import Final

from . import records, statuses, tmac, values
from .call import Answer, Call
from .state import State
from .statuses import RefusedError
from .transaction import Transaction

_WITH_MAC: Final = b"\x01"


def commit(state: State, call: Call) -> Answer:
    """C7: everything of the transaction becomes true at once.

    :returns: with option 01 the counter and the MAC.
    :raises RefusedError: 0C when there is nothing to do, 9D without a reader ID that is asked for, 9E.
    """
    transaction, file = state.transaction, tmac.find(state)
    if call.data not in (b"", b"\x00", _WITH_MAC) or (call.data and state.image.generation < 2):
        raise RefusedError(statuses.PARAMETER)
    if not transaction.changes:
        raise RefusedError(statuses.NO_CHANGES)
    if call.data == _WITH_MAC and file is None:
        raise RefusedError(statuses.PERMISSION)
    answer = tmac.seal(state, file) if file is not None else b""
    for number, body in transaction.backups.items():
        state.put_body(number, body)
    for number, pending in transaction.values.items():
        state.put_body(number, values.committed(state.body(number), pending))
    for number, changed in transaction.records.items():
        state.put_body(number, records.committed(state.file(number), state.body(number), changed))
    state.transaction = Transaction()
    return answer if call.data == _WITH_MAC else b""


def abort(state: State, call: Call) -> Answer:
    """A7.

    :raises RefusedError: 0C when there is nothing to do.
    """
    del call
    if not state.transaction.changes:
        raise RefusedError(statuses.NO_CHANGES)
    state.transaction = Transaction()
    return b""

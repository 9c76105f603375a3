"""Value files (sheet 3.9, 3.16). Content: value 4, amount of the next limited credit 4, little endian."""

from . import statuses, tmac
from .call import Answer, Call
from .state import State
from .statuses import RefusedError
from .transaction import PendingValue

LIMITED_CREDIT, FREE_GET = 0x01, 0x02  # options


def value_of(body: bytes) -> int:
    """The committed value."""
    return int.from_bytes(body[:4], "little", signed=True)


def refundable(body: bytes) -> int:
    """What a limited credit may give back."""
    return int.from_bytes(body[4:8], "little")


def get_value(state: State, call: Call) -> Answer:
    """6C: the committed value."""
    return state.body(call.the_file.number)[:4]


def _begin(state: State, call: Call) -> tuple[PendingValue, int]:
    """The file in this transaction, and the amount.

    :raises RefusedError: 9E for a negative amount.
    """
    amount = int.from_bytes(call.data[1:5], "little", signed=True)
    if amount < 0:
        raise RefusedError(statuses.PARAMETER)
    number = call.the_file.number
    pending = state.transaction.values.get(number)
    return pending or PendingValue(value_of(state.body(number))), amount


def _end(state: State, call: Call, pending: PendingValue) -> Answer:
    """Within the limits?

    :raises RefusedError: BE.
    """
    lower, upper = call.the_file.limits
    if not lower <= pending.value <= upper:
        raise RefusedError(statuses.BOUNDARY)
    state.transaction.values[call.the_file.number] = pending
    tmac.collect(state, call.opcode, call.data, b"")
    return b""


def credit(state: State, call: Call) -> Answer:
    """0C."""
    pending, amount = _begin(state, call)
    pending.value += amount
    return _end(state, call, pending)


def debit(state: State, call: Call) -> Answer:
    """DC."""
    pending, amount = _begin(state, call)
    pending.value -= amount
    pending.debits += amount
    return _end(state, call, pending)


def limited_credit(state: State, call: Call) -> Answer:
    """1C: once in a transaction, at most what the last transaction with debits took.

    :raises RefusedError: 9D when it is switched off; BE.
    """
    if not call.the_file.options & LIMITED_CREDIT:
        raise RefusedError(statuses.PERMISSION)
    pending, amount = _begin(state, call)
    if pending.refunded or amount > refundable(state.body(call.the_file.number)):
        raise RefusedError(statuses.BOUNDARY)
    pending.value += amount
    pending.refunded = True
    return _end(state, call, pending)


def committed(body: bytes, pending: PendingValue) -> bytes:
    """The content after the commit."""
    allowed = refundable(body)
    if pending.debits:
        allowed = min(pending.debits, 0x7FFFFFFF)
    elif pending.refunded:
        allowed = 0
    return pending.value.to_bytes(4, "little", signed=True) + allowed.to_bytes(4, "little")

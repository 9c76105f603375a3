"""PIN and PUK: VERIFY, CHANGE REFERENCE DATA, RESET RETRY COUNTER (SP 800-73-4 part 2, 3.2.1 to 3.2.3)."""

from typing import Final

from ... import statuswords as sw
from ...errors import StatusWordError
from ...gp import wire
from ..chip import require
from ..reference import Reference
from . import layout
from .state import State

_LOG_OUT: Final = 0xFF00
_SHORTEST: Final = 6
_MOST_TRIES: Final = 15


def verify(state: State, apdu: wire.Apdu) -> bytes:
    """The PIN; without data its state; with P1 = FF it counts as not verified from now on.

    :raises StatusWordError: 63CX, 6983, 6700 another length than 8 bytes, 6A88 another reference.
    """
    session = state.session
    if apdu.p2 != layout.PIN:
        raise StatusWordError(sw.DATA_NOT_FOUND)
    require(apdu, layout.PIN, _LOG_OUT | layout.PIN)
    if apdu.p1:
        if apdu.data:
            raise StatusWordError(sw.WRONG_DATA)
        session.pin = session.fresh = False
        return b""
    session.fresh = False
    if not apdu.data:
        if not session.pin:
            state.pin.report()
        return b""
    _require_size(apdu, layout.PIN_SIZE)
    session.pin = False
    state.pin.check(apdu.data)
    session.pin = session.fresh = True
    return b""


def change_reference_data(state: State, apdu: wire.Apdu) -> bytes:
    """A new PIN or PUK behind the old one.

    :raises StatusWordError: 63CX, 6983, 6700, 6A88 another reference, 6A80 a new value of the wrong form.
    """
    require(apdu, layout.PIN, layout.PUK)
    _require_size(apdu, 2 * layout.PIN_SIZE)
    old, new = apdu.data[: layout.PIN_SIZE], apdu.data[layout.PIN_SIZE :]
    reference = state.pin if apdu.p2 == layout.PIN else state.puk
    reference.check(old)
    _replace(reference, new, digits=apdu.p2 == layout.PIN)
    return b""


def reset_retry_counter(state: State, apdu: wire.Apdu) -> bytes:
    """A new PIN, and all its tries, behind the PUK.

    :raises StatusWordError: 63CX and 6983 of the PUK, 6700, 6A80 a PIN of the wrong form.
    """
    require(apdu, layout.PIN)
    _require_size(apdu, 2 * layout.PIN_SIZE)
    state.puk.check(apdu.data[: layout.PIN_SIZE])
    _replace(state.pin, apdu.data[layout.PIN_SIZE :], digits=True)
    return b""


def set_tries(state: State, apdu: wire.Apdu) -> bytes:
    """Tries of PIN and PUK in P1 and P2; both get the values they were born with.

    :raises StatusWordError: 6982 without management key and PIN, 6A86 for 0 or more than 15.
    """
    state.require_management()
    state.require_pin()
    if not (0 < apdu.p1 <= _MOST_TRIES and 0 < apdu.p2 <= _MOST_TRIES):
        raise StatusWordError(sw.WRONG_P1P2)
    state.pin.set(state.image.cells[layout.PIN_CELL][2:], apdu.p1)
    state.puk.set(state.image.cells[layout.PUK_CELL][2:], apdu.p2)
    return b""


def _replace(reference: Reference, new: bytes, *, digits: bool) -> None:
    """:raises StatusWordError: 6A80 unless `new` has 6 to 8 bytes before its padding; a PIN, digits."""
    value = new.rstrip(layout.PADDING)
    if len(value) < _SHORTEST or layout.PADDING in value or (digits and not value.isdigit()):
        raise StatusWordError(sw.WRONG_DATA)
    reference.set(new, reference.total)


def _require_size(apdu: wire.Apdu, size: int) -> None:
    if len(apdu.data) != size:
        raise StatusWordError(sw.WRONG_LENGTH)

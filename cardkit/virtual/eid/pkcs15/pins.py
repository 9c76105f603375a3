"""PIN and PUK: VERIFY, CHANGE REFERENCE DATA, RESET RETRY COUNTER (ISO 7816-4 11.5), and their first setting."""

from typing import Final

from ... import statuswords as sw
from ...errors import StatusWordError
from ...gp import wire
from ..chip import require
from . import layout
from .state import State

_FIRST: Final = 0x01  # P1 of CHANGE REFERENCE DATA: there is no old value
_TRIES: Final = 3
_SIZES: Final = range(4, 17)
_WIDTH: Final = 16  # two values in one command are padded to that
_PADDING: Final = b"\x00"


def verify(state: State, apdu: wire.Apdu) -> bytes:
    """The PIN; without data its state.

    :raises StatusWordError: 63CX, 6983, 6A80 a length no PIN has, 6A88 before it is set.
    """
    require(apdu, layout.PIN)
    reference = state.reference(layout.PIN)
    if not reference.exists:
        raise StatusWordError(sw.DATA_NOT_FOUND)
    if not apdu.data:
        if not state.session.pin:
            reference.report()
        return b""
    value = _value(apdu.data)
    state.session.pin = False
    reference.check(value)
    state.session.pin = True
    return b""


def change_reference_data(state: State, apdu: wire.Apdu) -> bytes:
    """The first value, PUK before PIN; with the PIN the chip becomes operational. Later a new PIN behind the old.

    :raises StatusWordError: 63CX, 6983, 6700, 6A80, 6A88, 6985 for a first value when it is too late.
    """
    if apdu.p1 == _FIRST:
        reference = state.reference(apdu.p2)
        if state.operational:
            raise StatusWordError(sw.CONDITIONS)
        reference.set(_value(apdu.data), _TRIES)
        return b""
    require(apdu, layout.PIN)
    _replace(state, layout.PIN, apdu.data)
    return b""


def reset_retry_counter(state: State, apdu: wire.Apdu) -> bytes:
    """A new PIN, and all its tries, behind the PUK.

    :raises StatusWordError: 63CX and 6983 of the PUK, 6700, 6A80, 6A88 without a PUK.
    """
    require(apdu, layout.PIN)
    _replace(state, layout.PUK, apdu.data)
    return b""


def _replace(state: State, shown: int, data: bytes) -> None:
    """A new PIN in the second half of `data`; the first half shows who may."""
    authority, pin = state.reference(shown), state.reference(layout.PIN)
    if not (authority.exists and pin.exists):
        raise StatusWordError(sw.DATA_NOT_FOUND)
    if len(data) != 2 * _WIDTH:
        raise StatusWordError(sw.WRONG_LENGTH)
    old, new = _value(data[:_WIDTH]), _value(data[_WIDTH:])
    authority.check(old)
    pin.set(new, _TRIES)


def _value(data: bytes) -> bytes:
    value = data.rstrip(_PADDING)
    if len(value) not in _SIZES:
        raise StatusWordError(sw.WRONG_DATA)
    return value

"""SetConfiguration (sheet 3.13). Bits that switch something off never come back."""

from collections.abc import Callable, Mapping
from typing import Final

from . import cells, failures, statuses
from .access import master_full
from .call import Answer, Call
from .session import Mode
from .state import D40_OFF, EV1_OFF, FORMAT_DISABLED, RANDOM_UID, State
from .statuses import RefusedError

_ATS: Final = 0x02
_SIZES: Final = {0x00: 1, 0x01: 25, 0x03: 1, 0x04: 1, 0x05: 10, 0x0A: 5}
_LRP_AT, _LRP_BIT = 4, 0x02  # in the capability data
_MOST_ATS: Final = 20


def configuring(state: State, call: Call) -> Mode:
    """The PICC master key; on NTAG 424 key 0 of its application. Known options only.

    :raises RefusedError: 9D inside an application, AE, 9E.
    """
    if state.aid != cells.PICC and not state.image.sdm:
        raise RefusedError(statuses.PERMISSION)
    mode = master_full(state, call)
    if call.data[0] not in state.image.options:
        raise RefusedError(statuses.PARAMETER)
    return mode


def measure(header: bytes, plain: bytes) -> int:
    """Length of the data; an ATS says its own."""
    if header[0] == _ATS:
        return plain[0] if plain else 0
    return _SIZES.get(header[0], len(plain))


def set_configuration(state: State, call: Call) -> Answer:
    """5C: option, data.

    :raises RefusedError: 7E, 9E.
    """
    option, data = call.data[0], call.data[1:]
    if len(data) != _SIZES.get(option, len(data)):
        raise RefusedError(statuses.LENGTH)
    _OPTIONS[option](state, data)
    return b""


def _picc(state: State, data: bytes) -> None:
    if data[0] & ~(FORMAT_DISABLED | RANDOM_UID):
        raise RefusedError(statuses.PARAMETER)
    state.set_card(0, state.flags | data[0])


def _default_key(state: State, data: bytes) -> None:
    state.journal.put(cells.DEFAULT_KEY, data)


def _ats(state: State, data: bytes) -> None:
    if not 2 <= len(data) <= _MOST_ATS or data[0] != len(data) or state.image.historical(data) is None:
        raise RefusedError(statuses.PARAMETER)
    state.journal.put(cells.ATS, data)


def _sak(state: State, data: bytes) -> None:
    state.journal.put(cells.SAK, data)


def _messaging(state: State, data: bytes) -> None:
    if data[0] & ~(D40_OFF | EV1_OFF):
        raise RefusedError(statuses.PARAMETER)
    state.set_card(1, state.messaging_off | data[0])


def _capabilities(state: State, data: bytes) -> None:
    state.journal.put(cells.CAPABILITIES, data)
    if state.image.lrp and data[_LRP_AT] & _LRP_BIT:
        state.set_card(2, 1)
        state.ending = True


_OPTIONS: Final[Mapping[int, Callable[[State, bytes], None]]] = {
    0x00: _picc,
    0x01: _default_key,
    _ATS: _ats,
    0x03: _sak,
    0x04: _messaging,
    0x05: _capabilities,
    0x0A: failures.configure,
}

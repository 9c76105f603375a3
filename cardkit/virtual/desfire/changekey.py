"""Keys: GetKeyVersion, ChangeKey in every combination, key sets (sheet 3.3, 3.7)."""

from dataclasses import replace
from typing import Final

from . import cells, statuses
from .access import KEY0_CHANGES
from .call import Answer, Call
from .crypto import KeyType, xor
from .model import Key, KeySet
from .session import Mode
from .state import FIRST_PICC_KEY, State
from .statuses import RefusedError

_ITSELF, _FROZEN = 0x0E, 0x0F  # high nibble of key settings 1
_TYPES: Final = 0xC0
_NUMBER: Final = 0x3F
_IN_SET: Final = 0xC6
_SET_TYPES: Final = {0: KeyType.TDEA2, 1: KeyType.TDEA3, 2: KeyType.AES}


def get_key_version(state: State, call: Call) -> Answer:
    """64.

    :raises RefusedError: 40.
    """
    return bytes((state.key(call.data[0]).shown_version,))


def _number(state: State, call: Call) -> int:
    """Key number of C4 or C6; at PICC level its high bits are the new type."""
    at = 1 if call.opcode == _IN_SET else 0
    return call.data[at] & _NUMBER if state.aid == cells.PICC else call.data[at]


def _set(state: State, call: Call) -> int:
    """Number of the key set."""
    return call.data[0] if call.opcode == _IN_SET else state.application.active


def _new_type(state: State, call: Call) -> KeyType:
    """Type of the new key.

    :raises RefusedError: 9E.
    """
    if state.aid != cells.PICC:
        return state.key_set(_set(state, call)).keys[0].type
    kind = call.data[0] & _TYPES
    if _number(state, call) >= FIRST_PICC_KEY:
        return KeyType.AES
    if kind not in set(KeyType) or (kind and not state.image.generation):
        raise RefusedError(statuses.PARAMETER)
    return KeyType(kind)


def _replaces_used(state: State, call: Call) -> bool:
    """Is it the key that opened the session?"""
    same_set = _set(state, call) == state.application.active
    return same_set and _number(state, call) == state.session.key_no


def changing(state: State, call: Call) -> Mode:
    """Who may change this key (sheet 3.4).

    :raises RefusedError: 40, AE, 9D.
    """
    _old(state, call)
    used = state.session.key_no
    if used is None:
        raise RefusedError(statuses.AUTHENTICATION)
    number, settings = _number(state, call), state.application.settings
    if number == 0 and not settings & KEY0_CHANGES:
        raise RefusedError(statuses.PERMISSION)
    changer = settings >> 4
    if number == 0 or state.aid == cells.PICC or number == changer:
        changer = 0
    elif changer == _FROZEN:
        raise RefusedError(statuses.PERMISSION)
    elif changer == _ITSELF:
        changer = number
    if used != changer:
        raise RefusedError(statuses.AUTHENTICATION)
    return Mode.FULL


def _old(state: State, call: Call) -> Key:
    """The key that is to go.

    :raises RefusedError: 40.
    """
    number = _number(state, call)
    if call.opcode != _IN_SET:
        return state.key(number)
    keys = state.key_set(_set(state, call)).keys
    if number >= len(keys):
        raise RefusedError(statuses.NO_SUCH_KEY)
    return keys[number]


def payload(state: State, call: Call) -> int:
    """Bytes of the new key; AES keys and all of EV2 bring a version."""
    kind = _new_type(state, call)
    return kind.size + (kind is KeyType.AES or state.session.modern)


def trailer(state: State, call: Call) -> int:
    """A checksum over the new key, when it is not the one in use."""
    return 0 if _replaces_used(state, call) else len(state.session.checksum(b""))


def change_key(state: State, call: Call) -> Answer:
    """C4, C6. After a change of the key in use the session is gone, and the answer bare.

    :raises RefusedError: 1E.
    """
    kind, old, number = _new_type(state, call), _old(state, call), _number(state, call)
    content = call.data[2 if call.opcode == _IN_SET else 1 :]
    value, rest = content[: kind.size], content[kind.size :]
    used = _replaces_used(state, call)
    version = rest[0] if kind is KeyType.AES else 0
    if not used:
        value = xor(value, old.value.ljust(kind.size, b"\x00")[: kind.size])
        if state.session.checksum(value) != rest[-trailer(state, call) :]:
            raise RefusedError(statuses.INTEGRITY)
    _put(state, call, Key(kind, value, version))
    if state.aid == cells.PICC and number == 0:
        application = state.application
        state.put_application(replace(application, keys=kind | application.key_count))
    if used:
        state.end_session()
    return b""


def _put(state: State, call: Call, key: Key) -> None:
    number, place = _number(state, call), _set(state, call)
    if state.aid == cells.PICC and number >= FIRST_PICC_KEY:
        number, place = number & 0x0F, number & 0xF0
    state.put_key_set(place, state.key_set(place).with_key(number, key))


# key sets


def _inactive(state: State, number: int) -> None:
    """Key set numbers that may be prepared.

    :raises RefusedError: 9D, 40.
    """
    application = state.application
    if application.key_sets < 2:
        raise RefusedError(statuses.PERMISSION)
    if number >= application.key_sets or number == application.active:
        raise RefusedError(statuses.NO_SUCH_KEY)


def initialize_key_set(state: State, call: Call) -> Answer:
    """56: set number, type; its keys are zeros.

    :raises RefusedError: 9D, 9E, 40.
    """
    number, kind = call.data
    _inactive(state, number)
    if kind not in _SET_TYPES:
        raise RefusedError(statuses.PARAMETER)
    key = Key.zero(_SET_TYPES[kind])
    state.put_key_set(number, KeySet((key,) * state.application.key_count, ready=False))
    return b""


def finalize_key_set(state: State, call: Call) -> Answer:
    """57: set number, version of the set.

    :raises RefusedError: 9D, 40.
    """
    number, version = call.data
    _inactive(state, number)
    state.put_key_set(number, replace(state.key_set(number), version=version, ready=True))
    return b""


def roll_key_set(state: State, call: Call) -> Answer:
    """55: that set is the active one now; the session ends behind the answer.

    :raises RefusedError: 9D, 40.
    """
    number = call.data[0]
    _inactive(state, number)
    chosen = state.key_set(number)
    if not chosen.ready:
        raise RefusedError(statuses.PERMISSION)
    application = state.application
    keys = chosen.keys[0].type | application.keys & ~_TYPES if chosen.keys else application.keys
    state.put_application(replace(application, active=number, keys=keys))
    state.ending = True
    return b""

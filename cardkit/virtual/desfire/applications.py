"""Applications: create, delete, list, select; key settings; FormatPICC (sheet 3.3, 3.4)."""

from dataclasses import replace
from typing import Final

from . import cells, statuses
from .call import Answer, Call
from .crypto import KeyType
from .model import Application, Key, KeySet
from .state import BLOCK, FORMAT_DISABLED, State
from .statuses import RefusedError

MOST_KEYS: Final = 14
_EXTENDED: Final = 0x10  # bit of key settings 2: key settings 3 follows
_KEY_SETS: Final = 0x01  # bit of key settings 3
_KEY_SET_FIELDS: Final = 4
_RESERVED_FIDS: Final = frozenset({b"\x00\x3f", b"\xff\x3f", b"\xff\xff", b"\x00\x00"})


def create_application(state: State, call: Call) -> Answer:
    """CA: AID3 ks1 ks2 [ks3 ..] [ISO FID2] [DF name].

    :raises RefusedError: 7E, 9E, CE, DE, 0E.
    """
    made = parse(state, call.data)
    check_new(state, made)
    add(state, made)
    return b""


def parse(state: State, data: bytes) -> Application:
    """What CreateApplication describes, behind the AID and whatever follows it.

    :raises RefusedError: 7E, 9E.
    """
    aid, settings, keys, rest = data[:3], data[3], data[4], data[5:]
    extension = b""
    if keys & _EXTENDED and state.image.generation >= 2:
        size = 1 + (_KEY_SET_FIELDS if rest and rest[0] & _KEY_SETS else 0)
        extension, rest = rest[:size], rest[size:]
        keys &= ~_EXTENDED
        if len(extension) != size:
            raise RefusedError(statuses.LENGTH)
    if len(rest) == 1 or len(rest) > 18 or (rest and state.image.generation < 1):
        raise RefusedError(statuses.LENGTH)
    made = Application(aid, settings, keys, extension, rest[:2], rest[2:])
    _check_values(state, made)
    return made


def _check_values(state: State, made: Application) -> None:
    kind = made.keys & 0xC0
    wrong = made.key_count > MOST_KEYS or kind == 0xC0 or (kind and not state.image.generation)
    wrong = wrong or bool(made.keys & _EXTENDED)
    sets = made.extension[2:3]
    if wrong or made.fid in _RESERVED_FIDS or (sets and not 2 <= sets[0] <= 16):
        raise RefusedError(statuses.PARAMETER)


def check_new(state: State, made: Application) -> None:
    """Is there room for it among the others?

    :raises RefusedError: CE, DE.
    """
    others = state.applications()
    if made.aid == cells.PICC or any(other.aid == made.aid for other in others):
        raise RefusedError(statuses.DUPLICATE)
    if made.fid and any(other.fid == made.fid for other in others):
        raise RefusedError(statuses.DUPLICATE)
    if made.name and any(other.name == made.name for other in others):
        raise RefusedError(statuses.DUPLICATE)
    if len(others) >= state.image.most_applications:
        raise RefusedError(statuses.COUNT)


def add(state: State, made: Application, first: Key | None = None) -> None:
    """Write a new application.

    :param first: value of all its keys; default what SetConfiguration 01 said, else zeros.
    :raises RefusedError: 0E.
    """
    key = first or default_key(state, made.key_type)
    state.take(BLOCK + BLOCK * -(-made.key_count // 2), made)
    state.journal.put(cells.numbered(cells.KEYS, made.aid, 0), KeySet((key,) * made.key_count).encode())


def default_key(state: State, kind: KeyType) -> Key:
    """Of new applications."""
    cell = state.journal.get(cells.DEFAULT_KEY)
    return Key(kind, cell[: kind.size], cell[24]) if cell else Key.zero(kind)


def delete_application(state: State, call: Call) -> Answer:
    """DA; its memory comes back from EV2 on."""
    aid = call.data
    gone = state.find_application(aid)
    picc = state.find_application(cells.PICC)
    state.remove_application(aid)
    if gone is not None and picc is not None and state.image.generation < 2:
        state.put_application(replace(picc, blocks=picc.blocks + gone.blocks))
    if state.aid == aid:
        state.select(cells.PICC)
    return b""


def format_picc(state: State, call: Call) -> Answer:
    """FC: all applications go, all memory comes back; keys and settings of the PICC level stay, and the session.

    :raises RefusedError: 9D when it was disabled.
    """
    del call
    if state.flags & FORMAT_DISABLED:
        raise RefusedError(statuses.PERMISSION)
    for application in state.applications():
        state.remove_application(application.aid)
    state.put_application(replace(state.application, blocks=0))
    return b""


def select_application(state: State, call: Call) -> Answer:
    """5A.

    :raises RefusedError: A0.
    """
    if state.find_application(call.data) is None:
        raise RefusedError(statuses.NO_APPLICATION)
    state.select(call.data)
    return b""


def get_application_ids(state: State, call: Call) -> Answer:
    """6A."""
    del call
    return b"".join(application.aid for application in state.applications())


def get_df_names(state: State, call: Call) -> Answer:
    """6D: one frame for each application with an ISO FID."""
    del call
    return [one.aid + one.fid + one.name for one in state.applications() if one.fid] or b""


def get_key_settings(state: State, call: Call) -> Answer:
    """45: key settings 1 and 2, of an application with more of them also these."""
    del call
    application = state.application
    more = _EXTENDED if application.extension else 0
    return bytes((application.settings, application.keys | more)) + application.extension


def change_key_settings(state: State, call: Call) -> Answer:
    """54."""
    state.put_application(replace(state.application, settings=call.data[0]))
    return b""

"""Who may do what, and how the command travels then (sheet 3.3 to 3.5)."""

from . import cells, statuses
from .call import Access, Call
from .model import CHANGE, FREE, NEVER, READ, READ_WRITE, WRITE, FileType
from .session import Mode
from .state import State
from .statuses import RefusedError

KEY0_CHANGES, LISTING, CREATING, SETTINGS_CHANGE = 0x01, 0x02, 0x04, 0x08  # bits of key settings 1


def refuse(status: int) -> RefusedError:
    """To be raised."""
    return RefusedError(status)


def plain(state: State, call: Call) -> Mode:
    """Anybody, in clear."""
    del state, call
    return Mode.PLAIN


def anybody(state: State, call: Call) -> Mode:
    """Anybody; with a MAC in a session."""
    del state, call
    return Mode.MAC


def somebody(state: State, call: Call) -> Mode:
    """Whoever is authenticated; enciphered.

    :raises RefusedError: AE.
    """
    del call
    if state.session.key_no is None:
        raise refuse(statuses.AUTHENTICATION)
    return Mode.FULL


def master(state: State, call: Call) -> Mode:
    """Key 0; with a MAC.

    :raises RefusedError: AE.
    """
    del call
    if state.session.key_no != 0:
        raise refuse(statuses.AUTHENTICATION)
    return Mode.MAC


def master_full(state: State, call: Call) -> Mode:
    """Key 0; enciphered.

    :raises RefusedError: AE.
    """
    master(state, call)
    return Mode.FULL


def _unless(bit: int) -> Access:
    def access(state: State, call: Call) -> Mode:
        if not state.application.settings & bit:
            master(state, call)
        return Mode.MAC

    return access


listing = _unless(LISTING)
creating = _unless(CREATING)


def creating_full(state: State, call: Call) -> Mode:
    """As for creating; enciphered, with somebody authenticated.

    :raises RefusedError: AE.
    """
    creating(state, call)
    return somebody(state, call)


def deleting_file(state: State, call: Call) -> Mode:
    """As for creating, of a file that is there.

    :raises RefusedError: AE, F0.
    """
    call.file = state.file(call.data[0])
    return creating(state, call)


def listing_file(state: State, call: Call) -> Mode:
    """As for listing, of a file that is there.

    :raises RefusedError: AE, F0.
    """
    call.file = state.file(call.data[0])
    return listing(state, call)


def deleting_application(state: State, call: Call) -> Mode:
    """The PICC master key; or key 0 of the application itself, when the PICC level lets anybody delete.

    :raises RefusedError: 9D elsewhere, A0, AE.
    """
    aid = call.data[:3]
    if state.aid not in (cells.PICC, aid):
        raise refuse(statuses.PERMISSION)
    if aid == cells.PICC or state.find_application(aid) is None:
        raise refuse(statuses.NO_APPLICATION)
    picc = state.find_application(cells.PICC)
    if state.aid == aid and picc is not None and not picc.settings & CREATING:
        raise refuse(statuses.PERMISSION)
    return master(state, call)


def effective(state: State, rights: tuple[int, ...], mode: int, *, free: bool = False) -> Mode:
    """The mode rule (sheet 3.5).

    :param rights: nibbles that open the operation.  :param mode: of the file.  :param free: open to everybody anyway.
    :raises RefusedError: 9D, AE.
    """
    if state.session.key_no is not None and state.session.key_no in rights:
        return Mode(mode)
    if free or FREE in rights:
        return Mode.PLAIN
    raise refuse(statuses.PERMISSION if all(right == NEVER for right in rights) else statuses.AUTHENTICATION)


def _file(*shifts: int, types: frozenset[FileType]) -> Access:
    """Access to a file by any of these rights."""

    def access(state: State, call: Call) -> Mode:
        file = call.file = state.file(call.data[0])
        if file.type not in types:
            raise refuse(statuses.PERMISSION)
        return effective(state, file.nibbles(*shifts), file.mode)

    return access


_DATA = frozenset({FileType.STANDARD, FileType.BACKUP})
_RECORDS = frozenset({FileType.LINEAR, FileType.CYCLIC})
_VALUES = frozenset({FileType.VALUE})

reading = _file(READ, READ_WRITE, types=_DATA | {FileType.TRANSACTION_MAC})
writing = _file(WRITE, READ_WRITE, types=_DATA)
reading_records = _file(READ, READ_WRITE, types=_RECORDS)
writing_records = _file(WRITE, READ_WRITE, types=_RECORDS)
updating_records = _file(READ_WRITE, types=_RECORDS)
crediting = _file(READ_WRITE, types=_VALUES)
debiting = _file(READ, WRITE, READ_WRITE, types=_VALUES)
refunding = _file(WRITE, READ_WRITE, types=_VALUES)


def clearing(state: State, call: Call) -> Mode:
    """ClearRecordFile: the right RW, but always with a MAC.

    :raises RefusedError: F0, 9D, AE.
    """
    updating_records(state, call)
    return Mode.MAC


def valuing(state: State, call: Call) -> Mode:
    """GetValue: rights as for a debit; free by option bit 1.

    :raises RefusedError: F0, 9D, AE.
    """
    file = call.file = state.file(call.data[0])
    if file.type is not FileType.VALUE:
        raise refuse(statuses.PERMISSION)
    rights = file.nibbles(READ, WRITE, READ_WRITE)
    return effective(state, rights, file.mode, free=bool(file.options & 2))


def changing_settings(state: State, call: Call) -> Mode:
    """ChangeFileSettings: the Change right; in clear when that is free.

    :raises RefusedError: F0, 9D, AE.
    """
    file = call.file = state.file(call.data[0])
    return effective(state, file.nibbles(CHANGE), Mode.FULL)


def key_settings(state: State, call: Call) -> Mode:
    """ChangeKeySettings: key 0, unless they are frozen.

    :raises RefusedError: AE, 9D.
    """
    master(state, call)
    if not state.application.settings & SETTINGS_CHANGE:
        raise refuse(statuses.PERMISSION)
    return Mode.FULL

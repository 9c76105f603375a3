"""What the firmware of a reader answers to pseudo-APDUs of class FF (PC/SC part 3; sheet 1)."""

from typing import Final

from .. import statuswords as sw
from .state import State

_GET_DATA: Final = 0xCA
_UID, _HISTORICAL = 0x00, 0x01
_FULL: Final = 256


def answer(state: State, command: bytes) -> bytes:
    """UID or historical bytes of the ATS; 6A81 to all else."""
    if len(command) != 5 or command[1] != _GET_DATA or command[3]:
        return sw.NOT_SUPPORTED
    if command[2] not in (_UID, _HISTORICAL):
        return sw.NOT_SUPPORTED
    data = state.shown_uid if command[2] == _UID else state.image.historical(state.ats)
    if not data:
        return sw.NOT_SUPPORTED
    wanted = command[4] or _FULL
    if wanted < len(data):
        return sw.right_length(len(data))
    longer = command[4] and wanted > len(data)
    return data + (sw.END_REACHED if longer else sw.OK)

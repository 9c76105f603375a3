"""The commands of a security domain, one line an entry, and what is checked before each (GPCS Tables 11-1, 11-2)."""

from dataclasses import replace
from typing import Final, NamedTuple

from .. import statuswords as sw
from ..errors import StatusWordError
from . import deletion, getdata, install, lifecycle, load, putkey, rmac, status, storedata
from .chip import Answer, Channel, GpChip, Handler, PlainCommand
from .registry import CARD_LOCKED, Entry
from .wire import Apdu

GET_DATA: Final = 0xCA
GET_DATA_ODD: Final = 0xCB
STORE_DATA: Final = 0xE2
_INSTALL, _LOAD = 0xE6, 0xE8
_SEGMENTED: Final = frozenset({0xD8, 0xE4, 0xE6})  # PUT KEY, DELETE, INSTALL: P1 b8 = more segments follow (11.1.5)


class Operation(NamedTuple):
    """How one instruction is guarded and done.

    :ivar free: needs no authentication.  :ivar interindustry: CLA b8 may be 0.
    :ivar when_locked: works on a CARD_LOCKED card.  :ivar also_for_applets: OPEN does it for every application.
    """

    handler: Handler
    free: bool = False
    interindustry: bool = False
    when_locked: bool = False
    also_for_applets: bool = False


OPERATIONS: Final = {
    0x78: Operation(rmac.end, free=True, when_locked=True, also_for_applets=True),
    0x7A: Operation(rmac.begin, when_locked=True, also_for_applets=True),
    GET_DATA: Operation(getdata.get_data, free=True, interindustry=True, when_locked=True),
    GET_DATA_ODD: Operation(getdata.get_data_odd, free=True, interindustry=True, when_locked=True),
    0xD8: Operation(putkey.put_key),
    STORE_DATA: Operation(storedata.store_data, interindustry=True, also_for_applets=True),
    0xE4: Operation(deletion.delete),
    _INSTALL: Operation(install.install),
    _LOAD: Operation(load.load),
    0xF0: Operation(lifecycle.set_status, when_locked=True),
    0xF1: Operation(putkey.generate_key),
    0xF2: Operation(status.get_status, when_locked=True),
}


def is_segmented(apdu: Apdu) -> bool:
    """Is it a command whose P1 b8 announces more segments?"""
    return apdu.proprietary and apdu.ins in _SEGMENTED


def run(chip: GpChip, channel: Channel, entry: Entry, command: PlainCommand, operation: Operation) -> Answer:
    """Do a command that OPEN or a security domain knows.

    :raises StatusWordError: 6E00 class, 6985 card locked, 6982 not authenticated, and as the command says.
    """
    if command.ins not in (_LOAD, _INSTALL):
        channel.load = None
    if not command.proprietary and not operation.interindustry:
        raise StatusWordError(sw.NO_CLASS)
    if chip.locked and not operation.when_locked:
        raise StatusWordError(sw.CONDITIONS)
    if not operation.free and not channel.secure.authenticated:
        raise StatusWordError(sw.SECURITY_STATUS)
    return operation.handler(chip, channel, entry, command)


def lock_card_if_due(chip: GpChip, channel: Channel) -> None:
    """A card may lock itself after so many wrong authentications (9.6.7); its image says."""
    if any(found.locks_card for found in channel.secure.keys.sets.values()) and not chip.locked:
        chip.registry.put(replace(chip.registry.isd, state=CARD_LOCKED))
        chip.journal.commit()

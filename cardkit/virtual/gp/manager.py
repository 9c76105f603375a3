"""What OPEN itself does: SELECT by name and MANAGE CHANNEL (GPCS 6.4, 11.7, 11.9)."""

from typing import Final

from .. import statuswords as sw
from ..errors import StatusWordError
from . import applets, recognition
from .chip import Answer, Channel, GpChip
from .privileges import Privilege
from .registry import Entry
from .wire import Apdu

SELECT: Final = 0xA4
MANAGE_CHANNEL: Final = 0x70

_BY_NAME, _FIRST, _NEXT = 0x04, 0x00, 0x02
_CLOSE: Final = 0x80
_LOCKED_CARD: Final = b"\x62\x83"
_ALREADY_CLOSED: Final = b"\x62\x00"


def is_for_open(apdu: Apdu) -> bool:
    """Is it a command that OPEN handles, whatever is selected?"""
    return not apdu.proprietary and (apdu.ins == MANAGE_CHANNEL or (apdu.ins == SELECT and apdu.p1 == _BY_NAME))


def run(chip: GpChip, channel: Channel, apdu: Apdu) -> Answer:
    """SELECT by name or MANAGE CHANNEL.

    :raises StatusWordError: 6882 secured, 6884 chained, 6985 on a TERMINATED card, and as the commands say.
    """
    if apdu.secured:
        raise StatusWordError(sw.NO_SECURE_MESSAGING)
    if apdu.chained:
        raise StatusWordError(sw.NO_CHAINING)
    if chip.terminated:
        raise StatusWordError(sw.CONDITIONS)
    return _select(chip, channel, apdu) if apdu.ins == SELECT else _manage(chip, channel, apdu)


def _select(chip: GpChip, channel: Channel, apdu: Apdu) -> Answer:
    if apdu.p2 not in (_FIRST, _NEXT):
        raise StatusWordError(sw.WRONG_P1P2)
    found = _find(chip, channel, apdu)
    if chip.locked and not found.has(Privilege.FINAL_APPLICATION):
        raise StatusWordError(sw.NOT_SUPPORTED)
    before = chip.channels[channel.number]
    before.forget()
    chip.channels[channel.number] = chip.channel(channel.number, found)
    if not found.is_domain:
        answer, status = applets.of(chip, found).select()
        return answer, _LOCKED_CARD if chip.locked else status
    return recognition.fci(chip, found), _LOCKED_CARD if chip.locked else sw.OK


def _find(chip: GpChip, channel: Channel, apdu: Apdu) -> Entry:
    """The application a name or a part of it means: the exact one before others, then in the order of AIDs.

    :raises StatusWordError: 6A82; what was selected stays so.
    """
    name = apdu.data
    if not name:
        if not chip.image.habits.empty_select:
            raise StatusWordError(sw.FILE_NOT_FOUND)
        return chip.registry.isd
    exact = chip.registry.find(name)
    found = [entry for entry in chip.registry if entry.aid.startswith(name) and entry.selectable]
    if exact in found:
        found.remove(exact)
        found.insert(0, exact)
    if apdu.p2 == _NEXT:
        aids = [entry.aid for entry in found]
        found = found[aids.index(channel.selected) + 1 :] if channel.selected in aids else found
    if not found:
        raise StatusWordError(sw.NOT_SUPPORTED if chip.locked else sw.FILE_NOT_FOUND)
    return found[0]


def _manage(chip: GpChip, channel: Channel, apdu: Apdu) -> Answer:
    if chip.locked:
        raise StatusWordError(sw.NOT_SUPPORTED)
    if apdu.data or apdu.p1 not in (0, _CLOSE):
        raise StatusWordError(sw.WRONG_LENGTH if apdu.data else sw.WRONG_P1P2)
    return _close(chip, channel, apdu.p2) if apdu.p1 == _CLOSE else _open(chip, channel, apdu)


def _open(chip: GpChip, opener: Channel, apdu: Apdu) -> Answer:
    """Open the lowest free channel; from a supplementary channel its application goes with it (6.3.1)."""
    if apdu.p2:
        raise StatusWordError(sw.WRONG_P1P2)
    if chip.protocol == 0 and apdu.ne != 1:
        raise StatusWordError(sw.right_length(1))
    number = next((number for number in range(chip.image.channels) if number not in chip.channels), None)
    if number is None:
        raise StatusWordError(sw.NOT_SUPPORTED)
    entry = chip.entry(opener) if opener.number else chip.implicitly_selected(number)
    chip.channels[number] = chip.channel(number, entry)
    return bytes((number,)), sw.OK


def _close(chip: GpChip, channel: Channel, number: int) -> Answer:
    wanted = number or channel.number
    if wanted == 0 or wanted >= chip.image.channels:
        raise StatusWordError(sw.WRONG_P1P2)
    closed = chip.channels.pop(wanted, None)
    if closed is None:
        return b"", _ALREADY_CLOSED
    closed.forget()
    return b"", sw.OK

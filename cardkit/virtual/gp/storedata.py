"""STORE DATA: blocks, structures, encryption; for the security domain itself or the application it personalizes.

GPCS 11.11. What a block holds is committed with it; a DGI or object that spans blocks, when its last part has come.
"""

from dataclasses import replace
from typing import Final

from .. import statuswords as sw
from ..errors import StatusWordError
from . import applets, ber, domaindata, keyloading
from .chip import Answer, Channel, GpChip, PlainCommand
from .registry import Entry

_LAST: Final = 0x80  # P1, Table 11-89
_ENCRYPTION, _MIXED, _ENCRYPTED, _RESERVED_ENCRYPTION = 0x60, 0x20, 0x60, 0x40
_STRUCTURE, _OPAQUE, _DGI, _BER = 0x18, 0x00, 0x08, 0x10
_RFU: Final = 0x06
_RESPONSE: Final = 0x01
_LONG: Final = 0xFF
_SECRET_DGIS: Final = (0x8, 0xA)  # first digit of the DGIs that are encrypted in mixed blocks (CPS)


def store_data(chip: GpChip, channel: Channel, entry: Entry, command: PlainCommand) -> Answer:
    """STORE DATA.

    :raises StatusWordError: 6A86 P1, 6985 block number or target closed, 6A80 data, 6982 wrong key check value.
    """
    try:
        _block(chip, channel, entry, command)
    except StatusWordError:
        channel.forget_store()
        raise
    if command.p1 & _LAST:
        channel.forget_store()
        channel.target = None
    else:
        channel.block = channel.block + 1 & 0xFF
    return b"", sw.OK


def _block(chip: GpChip, channel: Channel, entry: Entry, command: PlainCommand) -> None:
    structure = command.p1 & _STRUCTURE
    reserved = command.p1 & _RFU or command.p1 & _ENCRYPTION == _RESERVED_ENCRYPTION
    if reserved or structure not in chip.image.habits.store_data_p1:
        raise StatusWordError(sw.WRONG_P1P2)
    if command.p2 != channel.block:
        raise StatusWordError(sw.CONDITIONS)
    target = entry if channel.target is None else chip.registry.get(channel.target)
    if target.is_domain:
        _into_domain(chip, channel, target, command)
    else:
        _into_applet(channel, applets.of(chip, target), command)


def _into_domain(chip: GpChip, channel: Channel, target: Entry, command: PlainCommand) -> None:
    """A security domain takes BER-TLV objects, also in DGI 0070, and key-loading DGIs."""
    if command.p1 & _STRUCTURE != _DGI:
        domaindata.store(chip, target, _objects(channel, command))
        return
    for tag, value in _objects(channel, command):
        if tag == domaindata.BER_GROUPING:
            domaindata.store(chip, target, ber.parse(value))
        else:
            keyloading.take(channel, tag, value)
    if command.p1 & _LAST:
        keyloading.finish(chip, channel, target)


def _into_applet(channel: Channel, applet: applets.Applet, command: PlainCommand) -> None:
    if channel.secure.level & applet.level != applet.level:
        raise StatusWordError(sw.SECURITY_STATUS)
    if applet.personalized:
        raise StatusWordError(sw.CONDITIONS)
    if command.p1 & _STRUCTURE == _OPAQUE and applet.groupings:
        command = replace(command, p1=command.p1 | _DGI)
    if command.p1 & _STRUCTURE == _OPAQUE:
        applet.store_opaque(_clear(channel, command.p1, 0, command.data))
    else:
        for tag, value in _objects(channel, command):
            if not command.p1 & _ENCRYPTION and applet.is_secret(tag):
                raise StatusWordError(sw.WRONG_DATA)
            applet.store(tag, value)
    if command.p1 & _LAST:
        applet.close()


def _objects(channel: Channel, command: PlainCommand) -> ber.Objects:
    """What this block completes, decrypted."""
    last = bool(command.p1 & _LAST)
    if command.p1 & _STRUCTURE != _DGI:
        return [(tag, _clear(channel, command.p1, 0, value)) for tag, value in _tlvs(channel, command.data, last=last)]
    found = _groupings(channel, command.data, last=last)
    return [(tag, _clear(channel, command.p1, tag, value)) for tag, value in found]


def _clear(channel: Channel, p1: int, tag: int, value: bytes) -> bytes:
    """A value, decrypted if P1 says that it is encrypted, or the identifier of a DGI does.

    :raises StatusWordError: 6A80 when it is no whole number of blocks.
    """
    mode = p1 & _ENCRYPTION
    secret = mode == _ENCRYPTED or (mode == _MIXED and tag >> 12 in _SECRET_DGIS) or tag in keyloading.SECRET_GROUPINGS
    return channel.secure.decrypt_sensitive(value) if secret else value


def _groupings(channel: Channel, data: bytes, *, last: bool) -> ber.Objects:
    """The DGIs that are whole now; the rest waits for the next block.

    :raises StatusWordError: 6A80 when the last block leaves a rest.
    """
    data, found, at = channel.stored + data, [], 0
    while len(data) - at >= 3:
        start = at + (5 if data[at + 2] == _LONG else 3)
        size = int.from_bytes(data[at + 3 : at + 5], "big") if data[at + 2] == _LONG else data[at + 2]
        if start > len(data) or start + size > len(data):
            break
        found.append((int.from_bytes(data[at : at + 2], "big"), data[start : start + size]))
        at = start + size
    channel.stored = data[at:]
    if last and channel.stored:
        raise StatusWordError(sw.WRONG_DATA)
    return found


def _tlvs(channel: Channel, data: bytes, *, last: bool) -> ber.Objects:
    """The objects of all blocks, once the last has come; until then whole ones wait, too."""
    channel.stored += data
    if not last:
        return []
    whole, channel.stored = channel.stored, b""
    return ber.parse(whole)

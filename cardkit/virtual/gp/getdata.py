"""GET DATA (GPCS 11.3): objects by tag, whole with CLA 80, their values with CLA 00."""

from collections.abc import Callable, Mapping
from typing import Final

from .. import statuswords as sw
from ..errors import StatusWordError
from . import ber, memoryuse, recognition, scp11data
from .chip import Answer, Channel, GpChip, PlainCommand, is_issuer
from .image import CPLC, KDD
from .keysets import SCP02, SCP03
from .privileges import Privilege
from .registry import Entry, Kind

APPLICATIONS: Final = 0x2F00
CONFIRMATIONS: Final = 0xC2
_KEY_INFORMATION: Final = 0xE0  # empty on a security domain without keys
_EVERYTHING: Final = bytes.fromhex("5C00")
_STORED: Final = (0x42, 0x45, 0x67, 0x5F50)

_Source = Callable[[GpChip, Channel, Entry, bytes], bytes]


def get_data(chip: GpChip, channel: Channel, entry: Entry, command: PlainCommand) -> Answer:
    """GET DATA with even INS.

    :raises StatusWordError: 6A88 unknown or absent.
    """
    value = _value(chip, channel, entry, command.tag, command.data)
    if command.proprietary and (command.tag != CPLC or chip.image.habits.cplc_tagged):
        return ber.build(*_shown(command.tag, value)), sw.OK
    return value, sw.OK


def get_data_odd(chip: GpChip, channel: Channel, entry: Entry, command: PlainCommand) -> Answer:
    """GET DATA with odd INS: the list of applications, `00 CB 2F00 02 5C00`.

    :raises StatusWordError: 6A88, 6A80.
    """
    if command.tag != APPLICATIONS:
        raise StatusWordError(sw.DATA_NOT_FOUND)
    if command.data != _EVERYTHING:
        raise StatusWordError(sw.WRONG_DATA)
    return _value(chip, channel, entry, APPLICATIONS, b""), sw.OK


def _shown(tag: int, value: bytes) -> tuple[int, bytes]:
    """The list of applications is its own template, not one inside 2F00."""
    if tag == APPLICATIONS:
        ((inner, body),) = ber.parse(value)
        return inner, body
    return tag, value


def _value(chip: GpChip, channel: Channel, entry: Entry, tag: int, data: bytes) -> bytes:
    source = _SOURCES.get(tag)
    value = source(chip, channel, entry, data) if source is not None else b""
    if not value and tag != _KEY_INFORMATION:
        raise StatusWordError(sw.DATA_NOT_FOUND)
    return value


def _recognition(chip: GpChip, channel: Channel, entry: Entry, data: bytes) -> bytes:
    del channel, data
    return ber.build(0x73, recognition.management_data(chip, entry))


def _key_information(chip: GpChip, channel: Channel, entry: Entry, data: bytes) -> bytes:
    del channel, data
    return recognition.key_information(chip, entry)


def _sequence_counter(chip: GpChip, channel: Channel, entry: Entry, data: bytes) -> bytes:
    """C1 of the default set; nothing when it is one of SCP01."""
    del channel, data
    sets = chip.keys(entry.aid).ring().sets.values()
    return next((found.counter_bytes for found in sets if found.scp in (SCP02, SCP03)), b"")


def _confirmations(chip: GpChip, channel: Channel, entry: Entry, data: bytes) -> bytes:
    del channel, data
    if not entry.has(Privilege.RECEIPT_GENERATION):
        return b""
    return chip.data(entry.aid, CONFIRMATIONS) or bytes(2)


def _level(chip: GpChip, channel: Channel, entry: Entry, data: bytes) -> bytes:
    del chip, entry, data
    return bytes((channel.secure.level,))


def _kdd(chip: GpChip, channel: Channel, entry: Entry, data: bytes) -> bytes:
    del channel, data
    return chip.kdd(entry.aid)


def _cplc(chip: GpChip, channel: Channel, entry: Entry, data: bytes) -> bytes:
    del channel, entry, data
    return chip.data(chip.registry.isd.aid, CPLC)


def _memory(chip: GpChip, channel: Channel, entry: Entry, data: bytes) -> bytes:
    del channel, data
    return memoryuse.report(chip) if is_issuer(entry) else b""


def _applications(chip: GpChip, channel: Channel, entry: Entry, data: bytes) -> bytes:
    del channel, data
    if not is_issuer(entry):
        return b""
    applications = (found for found in chip.registry if found.kind is Kind.APPLICATION)
    return ber.build(0x61, b"".join(ber.build(0x4F, found.aid) for found in applications))


def _certificates(chip: GpChip, channel: Channel, entry: Entry, data: bytes) -> bytes:
    del channel
    return scp11data.certificates(chip, entry.aid, data)


def _authorities(kind: int) -> _Source:
    def read(chip: GpChip, channel: Channel, entry: Entry, data: bytes) -> bytes:
        del channel, data
        return scp11data.authorities(chip, entry.aid, kind)

    return read


def _stored(tag: int) -> _Source:
    def read(chip: GpChip, channel: Channel, entry: Entry, data: bytes) -> bytes:
        del channel, data
        return chip.data(entry.aid, tag)

    return read


_SOURCES: Final[Mapping[int, _Source]] = {
    CPLC: _cplc,
    KDD: _kdd,
    0x66: _recognition,
    _KEY_INFORMATION: _key_information,
    0xC1: _sequence_counter,
    CONFIRMATIONS: _confirmations,
    0xD3: _level,
    0xFF21: _memory,
    APPLICATIONS: _applications,
    scp11data.CERTIFICATES: _certificates,
    **{tag: _authorities(tag) for tag in (scp11data.KLOC, scp11data.KLCC)},
    **{tag: _stored(tag) for tag in _STORED},
}

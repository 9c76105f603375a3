"""GET STATUS and SET STATUS (GPCS 11.4, 11.10)."""

from collections.abc import Iterator
from typing import Final

from .. import statuswords as sw
from ..errors import StatusWordError
from . import ber, privileges
from .chip import Answer, Channel, GpChip, PlainCommand
from .privileges import Privilege
from .registry import Entry, Kind

_ISD, _APPLICATIONS, _LOAD_FILES, _MODULES = 0x80, 0x40, 0x20, 0x10
_NEXT, _TLV = 0x01, 0x02
_MORE_DATA: Final = b"\x63\x10"
_KINDS: Final = {
    _ISD: (Kind.ISD,),
    _APPLICATIONS: (Kind.APPLICATION, Kind.SD),
    _LOAD_FILES: (Kind.LOAD_FILE,),
    _MODULES: (Kind.LOAD_FILE,),
}


def get_status(chip: GpChip, channel: Channel, entry: Entry, command: PlainCommand) -> Answer:
    """GET STATUS, page by page.

    :raises StatusWordError: 6A86 P1 or P2, 6A80 search criteria, 6A88 nothing found, 6985 next without first.
    """
    p1, p2 = command.p1, command.p2
    tlv = chip.image.habits.status_tlv
    known = p1 in _KINDS and (p1 != _MODULES or chip.image.habits.status_modules)
    if not known or p2 & ~(_NEXT | (_TLV if tlv else 0)) or (p1 == _ISD and p2 & _NEXT):
        raise StatusWordError(sw.WRONG_P1P2)
    if not p2 & _NEXT:
        prefix = _search(command.data)
        shown = _show_tlv if p2 & _TLV else _show_legacy
        parts = [shown(found, p1) for found in _found(chip, entry, p1, prefix)]
        if not parts:
            channel.pages = None
            raise StatusWordError(sw.DATA_NOT_FOUND)
        channel.pages = (_order(p1, p2), command.data, parts)
    return _page(chip, channel, command)


def _order(p1: int, p2: int) -> int:
    return p1 << 8 | p2 & _TLV


def _search(data: bytes) -> bytes:
    """The AID, or the part of one, that is looked for."""
    criteria = ber.unique(data, frozenset({0x4F, 0x5C, 0xC4, 0xC5, 0xCC}))
    if 0x4F not in criteria:
        raise StatusWordError(sw.WRONG_DATA)
    return criteria[0x4F]


def _found(chip: GpChip, entry: Entry, p1: int, prefix: bytes) -> Iterator[Entry]:
    """What matches, below this security domain unless it has the Global Registry privilege."""
    visible = {found.aid for found in chip.registry.below(entry)} | {entry.aid}
    for found in chip.registry:
        wanted = found.kind in _KINDS[p1] and found.aid.startswith(prefix)
        if wanted and (found.aid in visible or entry.has(Privilege.GLOBAL_REGISTRY)):
            yield found


def _page(chip: GpChip, channel: Channel, command: PlainCommand) -> Answer:
    """As many entries as fit; a card that splits pages fills each to its last byte."""
    asked, limits = channel.pages, chip.image.limits
    if asked is None or asked[:2] != (_order(command.p1, command.p2), command.data):
        raise StatusWordError(sw.CONDITIONS)
    parts = asked[2]
    page = b"".join(parts) if limits.splits else parts[0]
    rest = [page[limits.page :]] if limits.splits else parts[1:]
    if limits.splits:
        page = page[: limits.page]
    while not limits.splits and rest and len(page) + len(rest[0]) <= limits.page:
        page, rest = page + rest[0], rest[1:]
    rest = [part for part in rest if part]
    channel.pages = (*asked[:2], rest) if rest else None
    return page, _MORE_DATA if rest else sw.OK


def _show_tlv(entry: Entry, p1: int) -> bytes:
    """Table 11-36: one E3 template."""
    objects = [(0x4F, entry.aid), (0x9F70, bytes((entry.state,)))]
    if entry.kind is Kind.LOAD_FILE:
        objects += [(0xCE, entry.version)] if entry.version else []
        objects += [(0x84, module) for module in entry.modules if p1 == _MODULES]
    else:
        objects.append((0xC5, privileges.write(entry.privileges)))
        objects += [(0xCF, bytes((selection,))) for selection in entry.selections]
        objects += [(0xC4, entry.load_file)] if entry.load_file else []
    if entry.kind is not Kind.ISD:
        objects.append((0xCC, entry.domain))
    return ber.build(0xE3, b"".join(ber.build(tag, value) for tag, value in objects))


def _show_legacy(entry: Entry, p1: int) -> bytes:
    """Tables 11-34, 11-35: AID, life cycle, one byte of privileges; modules behind a load file for P1 10."""
    shown = bytes((len(entry.aid),)) + entry.aid + bytes((entry.state,)) + privileges.write(entry.privileges)[:1]
    if p1 != _MODULES:
        return shown
    modules = b"".join(bytes((len(module),)) + module for module in entry.modules)
    return shown + bytes((len(entry.modules),)) + modules

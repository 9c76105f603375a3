"""SET STATUS: the life cycles of the card and of what is on it (GPCS 5.1 to 5.3, 11.10)."""

from collections.abc import Iterable
from dataclasses import replace
from typing import Final

from .. import statuswords as sw
from ..errors import StatusWordError
from . import management
from .chip import Answer, Channel, GpChip, PlainCommand, is_issuer
from .privileges import Privilege
from .registry import (
    CARD_LOCKED,
    INITIALIZED,
    LOCKED,
    OP_READY,
    PERSONALIZED,
    SECURED,
    SELECTABLE,
    TERMINATED,
    Entry,
    Kind,
)

_CARD, _APPLICATION, _DOMAIN_AND_ALL = 0x80, 0x40, 0x60
_STEPS: Final = {(OP_READY, INITIALIZED), (INITIALIZED, SECURED), (SECURED, CARD_LOCKED), (CARD_LOCKED, SECURED)}
_STATES: Final = frozenset({OP_READY, INITIALIZED, SECURED, CARD_LOCKED, TERMINATED})


def set_status(chip: GpChip, channel: Channel, entry: Entry, command: PlainCommand) -> Answer:
    """SET STATUS.

    :raises StatusWordError: 6A86 P1, or no state; 6A88 unknown AID; 6985 transition or privilege.
    """
    del channel
    if command.p1 == _CARD:
        _set_card(chip, entry, command.p2)
        return b"", sw.OK
    if command.p1 not in (_APPLICATION, _DOMAIN_AND_ALL):
        raise StatusWordError(sw.WRONG_P1P2)
    target = chip.registry.get(command.data)
    if target.kind is Kind.LOAD_FILE:
        raise StatusWordError(sw.DATA_NOT_FOUND)
    if target.aid == entry.aid and command.p1 == _APPLICATION:
        chip.registry.put(_own(target, command.p2))
    else:
        _lock(chip, entry, target, command)
    return b"", sw.OK


def _set_card(chip: GpChip, domain: Entry, wanted: int) -> None:
    now = chip.state
    if wanted not in _STATES:
        raise StatusWordError(sw.WRONG_P1P2)
    skip = (now, wanted) == (OP_READY, SECURED) and chip.image.habits.skips_initialized
    allowed = (now, wanted) in _STEPS or (wanted == TERMINATED and now != TERMINATED) or skip
    if not allowed or not _may_set_card(domain, wanted, now):
        raise StatusWordError(sw.CONDITIONS)
    chip.registry.put(replace(chip.registry.isd, state=wanted))


def _may_set_card(domain: Entry, wanted: int, now: int) -> bool:
    if wanted == TERMINATED:
        return domain.has(Privilege.CARD_TERMINATE)
    if CARD_LOCKED in (wanted, now):
        return domain.has(Privilege.CARD_LOCK)
    return is_issuer(domain)


def _own(domain: Entry, wanted: int) -> Entry:
    """A security domain's own steps: SELECTABLE to PERSONALIZED, and locking itself; never unlocking.

    :raises StatusWordError: 6985.
    """
    if is_issuer(domain) or domain.has(Privilege.FINAL_APPLICATION):
        raise StatusWordError(sw.CONDITIONS)
    if (domain.state, wanted) == (SELECTABLE, PERSONALIZED):
        return replace(domain, state=PERSONALIZED)
    if wanted & LOCKED and not domain.locked:
        return replace(domain, state=domain.state | LOCKED)
    raise StatusWordError(sw.CONDITIONS)


def _lock(chip: GpChip, domain: Entry, target: Entry, command: PlainCommand) -> None:
    """Lock or unlock another application, or a security domain and all below it.

    :raises StatusWordError: 6985.
    """
    lock = bool(command.p2 & LOCKED)
    if command.p1 == _DOMAIN_AND_ALL and not target.is_domain:
        raise StatusWordError(sw.CONDITIONS)
    if not (management.controls(chip, domain, target) or domain.has(Privilege.GLOBAL_LOCK)):
        raise StatusWordError(sw.CONDITIONS)
    if is_issuer(target) or target.has(Privilege.FINAL_APPLICATION) or target.locked == lock:
        raise StatusWordError(sw.CONDITIONS)
    others: Iterable[Entry] = chip.registry.below(target) if command.p1 == _DOMAIN_AND_ALL else ()
    for entry in (target, *others):
        if entry.kind is not Kind.LOAD_FILE and not entry.has(Privilege.FINAL_APPLICATION):
            chip.registry.put(replace(entry, state=entry.state | LOCKED if lock else entry.state & ~LOCKED))

"""Life cycle states (GPCS 5.1 to 5.3, Tables 11-3 to 11-6)."""

from __future__ import annotations

from enum import IntEnum, StrEnum

LOCKED = 0x80
"""The bit that locks an application or security domain and keeps its state beside it."""


class EntryKind(StrEnum):
    """What an entry of the registry is."""

    ISD = "issuer security domain"
    DOMAIN = "security domain"
    APPLICATION = "application"
    LOAD_FILE = "load file"


class CardState(IntEnum):
    """Of the card, which is that of its issuer security domain. All one-way but SECURED and CARD_LOCKED."""

    OP_READY = 0x01
    INITIALIZED = 0x07
    SECURED = 0x0F
    CARD_LOCKED = 0x7F
    TERMINATED = 0xFF


class LoadFileState(IntEnum):
    """Of an executable load file."""

    LOADED = 0x01


class ApplicationState(IntEnum):
    """Of an application; in its own further states bit 8 is clear and bits 3 to 1 are set."""

    INSTALLED = 0x03
    SELECTABLE = 0x07


class DomainState(IntEnum):
    """Of a supplementary security domain."""

    INSTALLED = 0x03
    SELECTABLE = 0x07
    PERSONALIZED = 0x0F


_STATES: dict[EntryKind, type[IntEnum]] = {
    EntryKind.ISD: CardState,
    EntryKind.DOMAIN: DomainState,
    EntryKind.APPLICATION: ApplicationState,
    EntryKind.LOAD_FILE: LoadFileState,
}
_OWN_STATE_MASK, _OWN_STATE = 0x87, 0x07


def is_locked(kind: EntryKind, value: int) -> bool:
    """Whether this state means locked: CARD_LOCKED, or b8 of an application's or domain's state."""
    if kind is EntryKind.ISD:
        return value == CardState.CARD_LOCKED
    return kind is not EntryKind.LOAD_FILE and bool(value & LOCKED)


def state_name(kind: EntryKind, value: int) -> str:
    """Say a state in the standard's words.

    >>> state_name(EntryKind.ISD, 0x0F), state_name(EntryKind.APPLICATION, 0x87)
    ('SECURED', 'LOCKED (was SELECTABLE)')
    >>> state_name(EntryKind.APPLICATION, 0x1F), state_name(EntryKind.LOAD_FILE, 0x05)
    ('own state 1F', 'unknown 05')
    """
    if kind is not EntryKind.ISD and is_locked(kind, value):
        return f"LOCKED (was {state_name(kind, value & ~LOCKED)})"
    states = _STATES[kind]
    if value in list(states):
        return states(value).name
    if kind is EntryKind.APPLICATION and value & _OWN_STATE_MASK == _OWN_STATE:
        return f"own state {value:02X}"
    return f"unknown {value:02X}"

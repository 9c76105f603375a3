"""The effective communication mode: from a file's settings and the key in use, never asked of anybody (sheet 3.5)."""

from __future__ import annotations

from collections.abc import Mapping

from cardkit.apps.desfire.settings import FREE, NEVER, AccessRights, FileSettings, ValueBody
from cardkit.errors import AuthenticationError, ConditionsError
from cardkit.secure.desfire import Mode

# Which rights open an operation, by its command byte (transport sheet 3.3).
_OPENED_BY: Mapping[int, tuple[str, ...]] = {
    0xBD: ("read", "both"),
    0xAD: ("read", "both"),
    0x3D: ("write", "both"),
    0x8D: ("write", "both"),
    0x6C: ("read", "write", "both"),
    0x0C: ("both",),
    0xDC: ("read", "write", "both"),
    0x1C: ("write", "both"),
    0xBB: ("read", "both"),
    0xAB: ("read", "both"),
    0x3B: ("write", "both"),
    0x8B: ("write", "both"),
    0xDB: ("both",),
    0xBA: ("both",),
    0xEB: ("both",),
    0x5F: ("change",),
}
GET_VALUE, CLEAR_RECORDS, CHANGE_SETTINGS = 0x6C, 0xEB, 0x5F
# Operations whose protection is their own and not the file's, once they are allowed.
_OWN_MODE = {CLEAR_RECORDS: Mode.MAC, CHANGE_SETTINGS: Mode.FULL}


def rights_for(op: int, rights: AccessRights) -> tuple[int, ...]:
    """Return the rights that open an operation."""
    return tuple(getattr(rights, name) for name in _OPENED_BY[op])


def effective_mode(op: int, settings: FileSettings, key: int | None) -> Mode:
    """Return how an operation on a file travels.

    :param op: its command byte.  :param key: number of the key the session was opened with; None outside a session.
    :raises ConditionsError: where nobody may do it.  :raises AuthenticationError: where another key is needed: the card
        would refuse, and end the session.
    """
    opening = rights_for(op, settings.rights)
    if key is not None and key in opening:
        return _OWN_MODE.get(op, settings.mode)
    if FREE in opening or (op == GET_VALUE and isinstance(settings.body, ValueBody) and settings.body.free_value):
        return Mode.PLAIN
    what = f"command {op:02X} with {'no key' if key is None else f'key {key}'}"
    if all(right == NEVER for right in opening):
        raise ConditionsError(what, 0x919D, expected="9100", meaning="nobody may")
    needed = " or ".join(dict.fromkeys(str(right) for right in opening if right < FREE))
    raise AuthenticationError(f"{what}: file takes key {needed}")

"""Words for numbers of the UICC world: key references, life cycle states (ETSI TS 102 221 9.5.1, 11.1.1.4.9)."""

from __future__ import annotations

_UNIVERSAL_PIN = 0x11
_LOCAL = 0x80

PIN1, PIN2, ADM1 = 0x01, 0x81, 0x0A


def key_reference(number: int) -> str:
    """Return the name of a PIN or administrative key. TS 102 221 table 9.3

    >>> [key_reference(number) for number in (0x01, 0x81, 0x0A, 0x8A, 0x02, 0x11)]
    ['PIN1', 'PIN2', 'ADM1', 'ADM6', 'PIN1 of application 2', 'universal PIN']
    """
    if number == _UNIVERSAL_PIN:
        return "universal PIN"
    local, low = bool(number & _LOCAL), number & ~_LOCAL
    if 0x01 <= low <= 0x08:
        return f"PIN{2 if local else 1}" + (f" of application {low}" if low > 1 else "")
    if 0x0A <= low <= 0x0E:
        return f"ADM{low - 0x0A + (6 if local else 1)}"
    return f"key {number:02X}"


_BY_NAME = {key_reference(number): number for number in range(0x100)}


def key_number(name: str) -> int | None:
    """Return the reference of a key by its name, None if there is no such key."""
    return _BY_NAME.get(name)


def life_cycle(status: int) -> str:
    """Return the state a life cycle byte stands for. TS 102 221 11.1.1.4.9

    >>> life_cycle(0x05), life_cycle(0x0C)
    ('activated', 'terminated')
    """
    if 0x0C <= status <= 0x0F:
        return "terminated"
    return _STATES.get(status, f"state {status:02X}")


_STATES = {
    0x00: "no information",
    0x01: "creation",
    0x03: "initialisation",
    0x04: "deactivated",
    0x05: "activated",
    0x06: "deactivated",
    0x07: "activated",
}

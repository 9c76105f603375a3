"""The class byte of protected commands (GPCS 11.1.4; Amd D 6.2.4).

First coding ``X000 ssnn`` (channels 0 to 3), further coding ``X1s0 nnnn`` (channels 4 to 19), s = secure messaging.
"""

from __future__ import annotations

from cardkit.errors import EncodingError

_FURTHER = 0x40
_SM_FIRST = 0x04
_SM_FIRST_ANY = 0x0C
_SM_FURTHER = 0x20
_CLASS_FIRST = 0xF0
_CLASS_FURTHER = 0x90


def protected_class(cla: int) -> int:
    """Return the class byte a protected command is sent with.

    :raises EncodingError: when it says already that it is protected: no command is wrapped twice.

    >>> [f"{protected_class(cla):02X}" for cla in (0x80, 0x01, 0xC3)]
    ['84', '05', 'E3']
    """
    bit, any_bit = (_SM_FURTHER, _SM_FURTHER) if cla & _FURTHER else (_SM_FIRST, _SM_FIRST_ANY)
    if cla & any_bit:
        raise EncodingError(f"CLA {cla:02X}: the command is protected already, expected one without secure messaging")
    return cla | bit


def bare_class(cla: int) -> int:
    """Return the class byte without channel and secure messaging: first coding, channel 0.

    >>> [f"{bare_class(cla):02X}" for cla in (0x80, 0x07, 0xC3, 0x61)]
    ['80', '00', '80', '00']
    """
    return cla & (_CLASS_FURTHER if cla & _FURTHER else _CLASS_FIRST)


def mac_class(cla: int) -> int:
    """Return the class byte that enters the C-MAC: first coding, channel 0, secure messaging.

    >>> [f"{mac_class(cla):02X}" for cla in (0x80, 0x07, 0xC3, 0x61)]
    ['84', '04', '84', '04']
    """
    return bare_class(cla) | _SM_FIRST

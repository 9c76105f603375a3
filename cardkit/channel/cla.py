"""The class byte: logical channel, chaining and secure messaging bits (ISO/IEC 7816-4 5.4.1; TS 102 221 10.1.1).

First interindustry coding ``000x yyzz`` (x chaining, yy secure messaging, zz channel 0 to 3), further interindustry
coding ``01yx zzzz`` (y secure messaging, zzzz channel 4 to 19). GlobalPlatform and TS 102 221 code ``8X`` and
``CX``/``EX`` alike. ``A0`` is the 2G SIM (TS 51.011): one channel, nothing else.
"""

from __future__ import annotations

from cardkit.errors import EncodingError

CHAINING = 0x10
CLASS_2G = 0xA0
HIGHEST_CHANNEL = 19

_FURTHER = 0x40
_FURTHER_SM = 0x20
_FIRST_SM = 0x0C
_FIRST_CHANNEL = 0x03
_FURTHER_CHANNEL = 0x0F
_PROPRIETARY = 0x80
_NO_CLASS = 0xFF


def on_channel(cla: int, number: int) -> int:
    """Return the class byte of a basic-channel command moved to a logical channel.

    :param cla: first interindustry ``0X``/``1X`` or ``8X``/``9X``, channel bits 0.  :param number: 0 to 19.
    :raises EncodingError: when this class knows no channels, or there is no such channel.

    >>> f"{on_channel(0x80, 1):02X} {on_channel(0x0C, 5):02X}"
    '81 61'
    """
    if number == 0:
        return cla
    if not 0 < number <= HIGHEST_CHANNEL:
        raise EncodingError(f"logical channel {number}, expected 0 to {HIGHEST_CHANNEL}")
    if cla & ~(_PROPRIETARY | CHAINING | _FIRST_SM):
        raise EncodingError(f"CLA {cla:02X} cannot name logical channel {number}, expected 0X, 1X, 8X or 9X")
    if number <= _FIRST_CHANNEL:
        return cla | number
    secured = _FURTHER_SM if cla & _FIRST_SM else 0
    return cla & (_PROPRIETARY | CHAINING) | _FURTHER | secured | (number - _FIRST_CHANNEL - 1)


def get_response_class(cla: int) -> int:
    """Return the class byte of the GET RESPONSE that fetches a command's data: its channel, no other bit.

    ISO/IEC 7816-4 5.4.1; ``A0`` stays ``A0`` (TS 51.011 9.2.18).

    >>> f"{get_response_class(0x9D):02X} {get_response_class(0xE2):02X} {get_response_class(0xA0):02X}"
    '01 42 A0'
    """
    if cla == CLASS_2G:
        return CLASS_2G
    if cla & _FURTHER:
        return _FURTHER | cla & _FURTHER_CHANNEL
    return cla & _FIRST_CHANNEL


def chained(cla: int) -> int:
    """Return the class byte of a link that is not the last.

    :raises EncodingError: for class A0, which knows no chaining.
    """
    if cla == CLASS_2G:
        raise EncodingError("class A0 (2G SIM) knows no command chaining")
    return cla | CHAINING


def is_secured(cla: int) -> bool:
    """Whether a class byte says that the command is protected by secure messaging.

    FF is no class: commands for the reader itself begin with it (PC/SC part 3, 3.2.2.1).

    >>> [is_secured(cla) for cla in (0x00, 0x84, 0x0D, 0xE1, 0xC1, 0xFF)]
    [False, True, True, True, False, False]
    """
    return cla != _NO_CLASS and bool(cla & (_FURTHER_SM if cla & _FURTHER else _FIRST_SM))

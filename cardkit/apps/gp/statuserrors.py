"""Which error a status word of a security domain is (GPCS 11.1.3 and the tables of each command)."""

from __future__ import annotations

from cardkit import statuswords
from cardkit.errors import (
    CardFaultError,
    ChannelError,
    ConditionsError,
    DataError,
    KeyBlockedError,
    LengthError,
    MemoryFullError,
    NotFoundError,
    NotSupportedError,
    ParameterError,
    SecurityStatusError,
    StatusError,
)

_ERRORS: dict[int, type[StatusError]] = {
    0x6400: CardFaultError,
    0x6581: CardFaultError,
    0x6F00: CardFaultError,
    0x6700: LengthError,
    0x6881: ChannelError,
    0x6882: ChannelError,
    0x6982: SecurityStatusError,
    0x6983: KeyBlockedError,
    0x6985: ConditionsError,
    0x6A80: DataError,
    0x9485: DataError,
    0x6A81: ParameterError,
    0x6A86: ParameterError,
    0x6A82: NotFoundError,
    0x6A88: NotFoundError,
    0x6A84: MemoryFullError,
    0x6D00: NotSupportedError,
    0x6E00: NotSupportedError,
    0x9484: NotSupportedError,
}


def status_error(what: str, sw: int, *, expected: str = "9000", meaning: str = "") -> StatusError:
    """Return the error for a status word; raising it is up to the caller.

    :param what: the command in words.  :param sw: the status word, 0 to 0xFFFF.
    :param meaning: what it means here, by default what it means in general.

    >>> status_error("GET DATA 66", 0x6A88)
    NotFoundError('GET DATA 66: card answered 6A88 (referenced data not found), expected 9000')
    """
    return _ERRORS.get(sw, StatusError)(what, sw, expected=expected, meaning=meaning or statuswords.meaning(sw).text)

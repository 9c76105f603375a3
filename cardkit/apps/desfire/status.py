"""Status bytes of native commands (transport sheet 3.15), and the error each of them is."""

from __future__ import annotations

from cardkit import statuswords
from cardkit.errors import (
    CardFaultError,
    ConditionsError,
    DataError,
    LengthError,
    MemoryFullError,
    NotFoundError,
    NotSupportedError,
    ParameterError,
    SecurityStatusError,
    StatusError,
)

NO_CHANGES, INTEGRITY, NO_SUCH_KEY, LENGTH, PERMISSION, AUTHENTICATION = 0x0C, 0x1E, 0x40, 0x7E, 0x9D, 0xAE
NO_SUCH_APPLICATION, NO_SUCH_FILE, DUPLICATE, BOUNDARY, ILLEGAL, DELAY = 0xA0, 0xF0, 0xDE, 0xBE, 0x1C, 0xAD

_ERRORS: dict[int, type[StatusError]] = {
    NO_CHANGES: ConditionsError,
    0x0E: MemoryFullError,
    ILLEGAL: NotSupportedError,
    INTEGRITY: SecurityStatusError,
    NO_SUCH_KEY: NotFoundError,
    LENGTH: LengthError,
    PERMISSION: ConditionsError,
    0x9E: ParameterError,
    NO_SUCH_APPLICATION: NotFoundError,
    0xA1: CardFaultError,
    DELAY: SecurityStatusError,
    AUTHENTICATION: SecurityStatusError,
    BOUNDARY: DataError,
    0xC1: CardFaultError,
    0xCA: ConditionsError,
    0xCD: CardFaultError,
    0xCE: MemoryFullError,
    DUPLICATE: ConditionsError,
    0xEE: CardFaultError,
    NO_SUCH_FILE: NotFoundError,
    0xF1: CardFaultError,
}
_WRAPPED = 0x90


def status_error(what: str, status: int) -> StatusError:
    """Return the error for a status byte; raising it is up to the caller.

    >>> status_error("file 3", 0xF0)
    NotFoundError('file 3: card answered 91F0 (no such file), expected 9100')
    """
    word = 0x9100 | status
    meaning = statuswords.meaning(word, cla=_WRAPPED).text
    return _ERRORS.get(status, StatusError)(what, word, expected="9100", meaning=meaning)

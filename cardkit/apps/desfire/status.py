"""Status bytes of native commands (transport sheet 3.15), and the error each of them is."""

from __future__ import annotations

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

_STATUS: dict[int, tuple[str, type[StatusError]]] = {
    NO_CHANGES: ("no changes", ConditionsError),
    0x0E: ("out of memory", MemoryFullError),
    ILLEGAL: ("no such command", NotSupportedError),
    INTEGRITY: ("MAC, CRC or padding is wrong", SecurityStatusError),
    NO_SUCH_KEY: ("no such key", NotFoundError),
    LENGTH: ("wrong length", LengthError),
    PERMISSION: ("permission denied", ConditionsError),
    0x9E: ("wrong parameter", ParameterError),
    NO_SUCH_APPLICATION: ("no such application", NotFoundError),
    0xA1: ("application is damaged", CardFaultError),
    DELAY: ("authentication is delayed", SecurityStatusError),
    AUTHENTICATION: ("authentication is missing or wrong", SecurityStatusError),
    0xAF: ("more frames are expected", StatusError),
    BOUNDARY: ("beyond a boundary", DataError),
    0xC1: ("card is damaged", CardFaultError),
    0xCA: ("aborted", ConditionsError),
    0xCD: ("card is disabled", CardFaultError),
    0xCE: ("no more applications", MemoryFullError),
    DUPLICATE: ("there is one already", ConditionsError),
    0xEE: ("memory failure", CardFaultError),
    NO_SUCH_FILE: ("no such file", NotFoundError),
    0xF1: ("file is damaged", CardFaultError),
}


def status_error(what: str, status: int) -> StatusError:
    """Return the error for a status byte; raising it is up to the caller.

    >>> status_error("file 3", 0xF0)
    NotFoundError('file 3: card answered 91F0 (no such file), expected 9100')
    """
    meaning, error = _STATUS.get(status, ("", StatusError))
    return error(what, 0x9100 | status, expected="9100", meaning=meaning)


def status_of(error: StatusError) -> int:
    """Return the status byte of an error of a native command."""
    return error.sw & 0xFF

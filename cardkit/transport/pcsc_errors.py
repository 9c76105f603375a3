"""What a PC/SC result means: one error class for each condition, and whether the card may have run the command.

Section "Errors" of the PC/SC 2.01.14 part 5 result codes, as pcsc-lite 1.9 to 2.3 gives them. pcsc-lite checks
sharing, events and protocol before it calls the driver, so those results mean that the command never left; other
services give no such promise.
"""

from __future__ import annotations

import sys

from cardkit.errors import (
    AccessDeniedError,
    CardMuteError,
    CardRemovedError,
    CardResetError,
    Executed,
    NoCardError,
    NoReaderError,
    ProtocolMismatchError,
    ReaderBusyError,
    ReaderGoneError,
    ServiceDownError,
    TransportError,
    UnsupportedError,
)

SUCCESS = 0x00000000
CANCELLED = 0x80100002
INVALID_HANDLE = 0x80100003
UNKNOWN_READER = 0x80100009
TIMEOUT = 0x8010000A
SHARING_VIOLATION = 0x8010000B
NO_SMARTCARD = 0x8010000C
PROTO_MISMATCH = 0x8010000F
COMM_ERROR = 0x80100013
NOT_TRANSACTED = 0x80100016
READER_UNAVAILABLE = 0x80100017
NO_SERVICE = 0x8010001D
SERVICE_STOPPED = 0x8010001E
UNSUPPORTED_FEATURE = 0x8010001F
UNSUPPORTED_FEATURE_WINDOWS = 0x80100022
NO_READERS_AVAILABLE = 0x8010002E
UNRESPONSIVE_CARD = 0x80100066
UNPOWERED_CARD = 0x80100067
RESET_CARD = 0x80100068
REMOVED_CARD = 0x80100069
SECURITY_VIOLATION = 0x8010006A

_NO = Executed.NO
_UNKNOWN = Executed.UNKNOWN
# Certain with pcsc-lite only.
_NOT_SENT = Executed.NO if sys.platform == "linux" else Executed.UNKNOWN

_Row = tuple[type[TransportError], Executed, str]

# Results of a command on its way to the card.
_TRANSMIT: dict[int, _Row] = {
    NO_SERVICE: (ServiceDownError, _NO, "the PC/SC service is not running"),
    SERVICE_STOPPED: (ServiceDownError, _NO, "the PC/SC service has stopped"),
    COMM_ERROR: (ServiceDownError, _UNKNOWN, "the PC/SC service ended in mid-command"),
    READER_UNAVAILABLE: (ReaderGoneError, _UNKNOWN, "the reader was lost"),
    UNKNOWN_READER: (ReaderGoneError, _NO, "there is no such reader any more"),
    SHARING_VIOLATION: (ReaderBusyError, _NO, "another program is in a transaction with the card"),
    NO_SMARTCARD: (CardRemovedError, _UNKNOWN, "the card left the reader"),
    NOT_TRANSACTED: (CardRemovedError, _UNKNOWN, "the card left the reader a moment ago"),
    REMOVED_CARD: (CardRemovedError, _NOT_SENT, "the card left the reader before the command"),
    RESET_CARD: (CardResetError, _NOT_SENT, "another program reset the card: its session state is lost"),
    PROTO_MISMATCH: (ProtocolMismatchError, _NO, "the command was sent with the wrong protocol"),
    SECURITY_VIOLATION: (AccessDeniedError, _NO, "the PC/SC service refuses this user"),
}

# Results of everything else: no command was involved.
_OTHERWISE: dict[int, _Row] = {
    NO_SERVICE: (ServiceDownError, _NO, "the PC/SC service is not running"),
    SERVICE_STOPPED: (ServiceDownError, _NO, "the PC/SC service has stopped"),
    COMM_ERROR: (ServiceDownError, _NO, "the PC/SC service ended"),
    SECURITY_VIOLATION: (AccessDeniedError, _NO, "the PC/SC service refuses this user (polkit, or all contexts used)"),
    NO_READERS_AVAILABLE: (NoReaderError, _NO, "no reader is connected"),
    UNKNOWN_READER: (ReaderGoneError, _NO, "there is no such reader"),
    READER_UNAVAILABLE: (ReaderGoneError, _NO, "the reader was lost"),
    SHARING_VIOLATION: (ReaderBusyError, _NO, "another program holds the card"),
    NO_SMARTCARD: (NoCardError, _NO, "there is no card in the reader"),
    PROTO_MISMATCH: (ProtocolMismatchError, _NO, "the card refuses the protocol, or its ATR is no ATR"),
    UNPOWERED_CARD: (CardMuteError, _NO, "the card cannot be powered"),
    UNRESPONSIVE_CARD: (CardMuteError, _NO, "the card does not answer to reset"),
    RESET_CARD: (CardResetError, _NO, "another program reset the card"),
    REMOVED_CARD: (CardRemovedError, _NO, "the card left the reader"),
    UNSUPPORTED_FEATURE: (UnsupportedError, _NO, "the reader or its driver does not offer this"),
    UNSUPPORTED_FEATURE_WINDOWS: (UnsupportedError, _NO, "the reader or its driver does not offer this"),
}


def failure(operation: str, hresult: int, reader: str = "") -> TransportError:
    """Return the error for a failed PC/SC call.

    :param operation: ``context``, ``list``, ``connect``, ``transmit``, ``reset``, ``status``, ``wait``, ``control``.
    :param hresult: the unsigned 32-bit result.
    """
    is_transmit = operation == "transmit"
    unknown = _UNKNOWN if is_transmit else _NO
    table = _TRANSMIT if is_transmit else _OTHERWISE
    kind, executed, words = table.get(hresult, (TransportError, unknown, "the PC/SC call failed"))
    where = f"{reader}: " if reader else ""
    return kind(
        f"{where}{words} ({operation}, result {hresult:08X})",
        reader=reader,
        operation=operation,
        hresult=hresult,
        executed=executed,
    )

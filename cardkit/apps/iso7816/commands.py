"""Interindustry commands of files, records and codes (ISO/IEC 7816-4 11; ETSI TS 102 221 11.1).

Every function returns one CommandAPDU; the class byte is 00 unless said otherwise.

Clauses below the chapter are from memory.
"""

from __future__ import annotations

from enum import IntEnum

from cardkit.apdu import CommandAPDU
from cardkit.crypto import Secret
from cardkit.errors import EncodingError

ANY_LENGTH = 256
"""Ne that asks a card for all it has, in one short response."""

MF = 0x3F00
BLOCK_BYTES = 255
LARGEST_SFI = 30
LARGEST_RECORD = 254
_SFI_OFFSET = 0x80
_LARGEST_OFFSET = 0x7FFF


class Ins(IntEnum):
    """Instruction bytes."""

    DEACTIVATE = 0x04
    VERIFY = 0x20
    CHANGE = 0x24
    DISABLE = 0x26
    ENABLE = 0x28
    UNBLOCK = 0x2C
    INCREASE = 0x32
    ACTIVATE = 0x44
    GET_CHALLENGE = 0x84
    AUTHENTICATE = 0x88
    SEARCH_RECORD = 0xA2
    SELECT = 0xA4
    READ_BINARY = 0xB0
    READ_RECORD = 0xB2
    UPDATE_BINARY = 0xD6
    UPDATE_RECORD = 0xDC
    STATUS = 0xF2


class SelectBy(IntEnum):
    """What the data field of SELECT holds (P1)."""

    FID = 0x00
    CHILD_DF = 0x01
    PARENT = 0x03
    AID = 0x04
    PATH_FROM_MF = 0x08
    PATH_FROM_DF = 0x09


class Answer(IntEnum):
    """What SELECT returns (P2, bits 4 and 3)."""

    FCI = 0x00
    FCP = 0x04
    NOTHING = 0x0C


class Occurrence(IntEnum):
    """Which of several applications with the same start of the AID (P2, bits 2 and 1)."""

    FIRST = 0x00
    LAST = 0x01
    NEXT = 0x02
    PREVIOUS = 0x03


class RecordMode(IntEnum):
    """How READ and UPDATE RECORD find the record (P2, bits 3 to 1)."""

    NEXT = 2
    PREVIOUS = 3
    ABSOLUTE = 4


Content = bytes | tuple[bytes | Secret, ...]
"""A data field, or its parts where some are secret."""


def select(by: SelectBy, data: bytes, answer: Answer, occurrence: Occurrence = Occurrence.FIRST) -> CommandAPDU:
    """Select a file, directory or application.

    :param data: FID (2 bytes), AID (5 to 16), or path of FIDs without the MF.

    >>> select(SelectBy.PATH_FROM_MF, bytes.fromhex("7FFF6F07"), Answer.NOTHING).encode().hex()
    '00a4080c047fff6f07'
    """
    return CommandAPDU(0x00, Ins.SELECT, by, answer | occurrence, data, 0 if answer is Answer.NOTHING else ANY_LENGTH)


def status(cla: int = 0x80) -> CommandAPDU:
    """Ask for the control parameters of the current directory."""
    return CommandAPDU(cla, Ins.STATUS, 0x00, 0x00, ne=ANY_LENGTH)


def _place(offset: int, sfi: int | None) -> tuple[int, int]:
    """Return P1 P2 of READ and UPDATE BINARY."""
    if sfi is None:
        if not 0 <= offset <= _LARGEST_OFFSET:
            raise EncodingError(f"offset: got {offset}, expected 0 to {_LARGEST_OFFSET}")
        return offset >> 8, offset & 0xFF
    if not 1 <= sfi <= LARGEST_SFI or not 0 <= offset <= 0xFF:
        raise EncodingError(f"SFI and offset: got {sfi} and {offset}, expected 1 to {LARGEST_SFI} and 0 to 255")
    return _SFI_OFFSET | sfi, offset


def read_binary(offset: int, length: int, sfi: int | None = None) -> CommandAPDU:
    """Read part of a transparent file.

    :param offset: 0 to 32767; 0 to 255 with an SFI.  :param length: 1 to 256 bytes.
    """
    return CommandAPDU(0x00, Ins.READ_BINARY, *_place(offset, sfi), ne=length)


def update_binary(offset: int, data: Content, sfi: int | None = None) -> CommandAPDU:
    """Write part of a transparent file.

    :param data: 1 to 255 bytes.
    """
    return CommandAPDU(0x00, Ins.UPDATE_BINARY, *_place(offset, sfi), data)


def _record_p2(sfi: int | None, mode: int) -> int:
    if sfi is not None and not 1 <= sfi <= LARGEST_SFI:
        raise EncodingError(f"SFI: got {sfi}, expected 1 to {LARGEST_SFI}")
    return (sfi or 0) << 3 | mode


def _record(number: int) -> int:
    if not 0 <= number <= LARGEST_RECORD:
        raise EncodingError(f"record: got {number}, expected 0 (current) to {LARGEST_RECORD}")
    return number


def read_record(
    number: int, length: int, sfi: int | None = None, mode: RecordMode = RecordMode.ABSOLUTE
) -> CommandAPDU:
    """Read a record.

    :param number: 1 to 254, 0 for the current one.  :param length: that of the record.
    """
    return CommandAPDU(0x00, Ins.READ_RECORD, _record(number), _record_p2(sfi, mode), ne=length)


def update_record(
    number: int, data: Content, sfi: int | None = None, mode: RecordMode = RecordMode.ABSOLUTE
) -> CommandAPDU:
    """Write a record whole; a cyclic file takes number 0 and mode PREVIOUS."""
    return CommandAPDU(0x00, Ins.UPDATE_RECORD, _record(number), _record_p2(sfi, mode), data)


def search_record(pattern: bytes, start: int = 1, sfi: int | None = None) -> CommandAPDU:
    """Search forward from a record for those that hold the pattern."""
    return CommandAPDU(0x00, Ins.SEARCH_RECORD, _record(start), _record_p2(sfi, 0x04), pattern, ANY_LENGTH)


def increase(amount: bytes, sfi: int | None = None) -> CommandAPDU:
    """Add to the last record of a cyclic file; the answer is the new record and the amount."""
    p1 = 0x00 if sfi is None else _SFI_OFFSET | sfi
    return CommandAPDU(0x80, Ins.INCREASE, p1, 0x00, amount, ANY_LENGTH)


def authenticate(p2: int, data: bytes) -> CommandAPDU:
    """Run the authentication algorithm of the current application.

    :param p2: 80 and the security context.
    """
    return CommandAPDU(0x00, Ins.AUTHENTICATE, 0x00, p2, data, ANY_LENGTH)


def get_challenge(length: int) -> CommandAPDU:
    """Ask for random bytes."""
    return CommandAPDU(0x00, Ins.GET_CHALLENGE, 0x00, 0x00, ne=length)


CODE_BYTES = 8
_FILL = b"\xff"


def code_field(code: Secret) -> tuple[bytes | Secret, ...]:
    """Return the 8 bytes of a code as they go to the card: the code and FF behind it.

    :raises EncodingError: if it is empty or longer. TS 102 221 9.5.1
    """
    if not 1 <= len(code) <= CODE_BYTES:
        raise EncodingError(f"{code.name}: got {len(code)} bytes, expected 1 to {CODE_BYTES}")
    return (code, _FILL * (CODE_BYTES - len(code))) if len(code) < CODE_BYTES else (code,)


def code_command(ins: Ins, reference: int, *codes: Secret) -> CommandAPDU:
    """Present, change, disable, enable or unblock a code; without codes: ask how many tries are left.

    :param reference: key reference.  :param codes: old and new (CHANGE), unblocking code and new (UNBLOCK), else one.
    """
    data = tuple(part for code in codes for part in code_field(code))
    return CommandAPDU(0x00, ins, 0x00, reference, data)

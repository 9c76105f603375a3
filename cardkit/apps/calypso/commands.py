"""Commands of Calypso cards (transport sheet 6).

:param cla: of every function: the card's class, 00 or 94 (revision 2).  Records and counters count from 1; an SFI of 0
is the current file.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import IntEnum

from cardkit.apdu import CommandAPDU
from cardkit.crypto import Secret
from cardkit.errors import EncodingError

ANY = 256
_ONE_RECORD, _RECORDS = 4, 5
_SEARCH = 7
_MOST_OFFSET, _SHORT_OFFSET = 0x7FFF, 0x100
_BY_SFI = 0x80
_COUNTER_BYTES, _LID_BYTES = 3, 2


class Ins(IntEnum):
    """Instruction bytes."""

    INVALIDATE = 0x04
    VERIFY_PIN = 0x20
    DECREASE = 0x30
    INCREASE = 0x32
    DECREASE_MULTIPLE = 0x38
    INCREASE_MULTIPLE = 0x3A
    REHABILITATE = 0x44
    GENERATE_KEYS = 0x46
    SV_GET = 0x7C
    MANAGE_SESSION = 0x82
    GET_CHALLENGE = 0x84
    OPEN_SESSION = 0x8A
    CLOSE_SESSION = 0x8E
    SEARCH_RECORDS = 0xA2
    SELECT = 0xA4
    READ_BINARY = 0xB0
    READ_RECORDS = 0xB2
    READ_RECORDS_PARTLY = 0xB3
    GET_DATA = 0xCA
    WRITE_BINARY = 0xD0
    WRITE_RECORD = 0xD2
    UPDATE_BINARY = 0xD6
    CHANGE_KEY = 0xD8
    PUT_DATA = 0xDA
    UPDATE_RECORD = 0xDC
    APPEND_RECORD = 0xE2


class SessionKey(IntEnum):
    """Which key a session is opened with; none in the PKI mode."""

    NONE = 0
    PERSO = 1
    LOAD = 2
    DEBIT = 3


class SessionMode(IntEnum):
    """Which kind of session."""

    REGULAR = 1
    EXTENDED = 2
    PKI = 3


class Data(IntEnum):
    """What GET DATA asks for."""

    FCP = 0x0062
    FCI = 0x006F
    EF_LIST = 0x00C0
    TRACEABILITY = 0x0185
    CARD_PUBLIC_KEY = 0xDF2C
    CA_CERTIFICATE = 0xDF4A
    CA_CERTIFICATE_REST = 0xDF4B
    CARD_CERTIFICATE = 0xDF4C
    CARD_CERTIFICATE_REST = 0xDF4D


def select_application(aid: bytes) -> CommandAPDU:
    """Select by AID, or its beginning."""
    return CommandAPDU(0x00, Ins.SELECT, 0x04, 0x00, aid, ANY)


def select_file(
    lid: bytes = bytes(_LID_BYTES), *, cla: int = 0x00, p1: int = 0x09, following: bool = False
) -> CommandAPDU:
    """Select a file.

    :param lid: 2 bytes.  :param p1: 09 by LID; 02 by LID (revision 2), or the first file of the DF; 08 (revision 1).
    :param following: the one after the current.
    """
    if len(lid) != _LID_BYTES:
        raise EncodingError(f"LID {lid.hex().upper()}: expected {_LID_BYTES} bytes")
    return CommandAPDU(cla, Ins.SELECT, p1, 0x02 if following else 0x00, lid, ANY)


def get_data(tag: Data, *, cla: int = 0x00) -> CommandAPDU:
    """Ask for an object."""
    return CommandAPDU(cla, Ins.GET_DATA, tag >> 8, tag & 0xFF, ne=ANY)


def put_data(tag: Data, data: bytes | tuple[bytes | Secret, ...]) -> CommandAPDU:
    """Write an object: a certificate, or a key pair."""
    return CommandAPDU(0x00, Ins.PUT_DATA, tag >> 8, tag & 0xFF, data)


# Sessions


def open_session(
    key: SessionKey, challenge: bytes, mode: SessionMode = SessionMode.REGULAR, *, record: int = 0, sfi: int = 0
) -> CommandAPDU:
    """Open a session, and read a record with it.

    :param challenge: of the SAM or reader: 4 bytes, 8 in the extended and PKI modes.
    """
    expected = 4 if mode is SessionMode.REGULAR else 8
    if len(challenge) != expected:
        raise EncodingError(f"challenge of {len(challenge)} bytes, expected {expected}")
    data = challenge if mode is SessionMode.REGULAR else b"\0" + challenge
    return CommandAPDU(0x00, Ins.OPEN_SESSION, record << 3 | key, sfi << 3 | mode, data, ANY)


def open_session_2(key: SessionKey, challenge: bytes, *, record: int = 0, sfi: int = 0) -> CommandAPDU:
    """The same for revision 2."""
    return CommandAPDU(0x94, Ins.OPEN_SESSION, 0x80 | record << 3 | key, sfi << 3, challenge, ANY)


def close_session(mac: bytes, *, ratified: bool, cla: int = 0x00) -> CommandAPDU:
    """Close a session.  :param mac: of the SAM, 4 or 8 bytes.  :param ratified: at once, not by the next command."""
    return CommandAPDU(cla, Ins.CLOSE_SESSION, 0x80 if ratified else 0x00, 0x00, mac, ANY)


def abort_session(*, cla: int = 0x00) -> CommandAPDU:
    """Give a session up; in the PKI mode, close it and ask for the card's signature."""
    return CommandAPDU(cla, Ins.CLOSE_SESSION, 0x00, 0x00, ne=ANY)


def ratify(*, cla: int = 0x00) -> CommandAPDU:
    """Let the card know that its last answer arrived; it refuses, and that is enough."""
    return CommandAPDU(cla, Ins.READ_RECORDS, 0x00, 0x00, ne=ANY)


def manage_session(*, authenticate: bool, encrypt: bool, mac: bytes = b"") -> CommandAPDU:
    """Let the card prove itself in the midst of a session, or turn encryption on and off."""
    return CommandAPDU(0x00, Ins.MANAGE_SESSION, 0x00, int(authenticate) | int(encrypt) << 1, mac, ANY)


# Records


def read_records(record: int, sfi: int, length: int, *, several: bool = False, cla: int = 0x00) -> CommandAPDU:
    """Read a record, or that and the ones behind it.  :param length: bytes, 0 for all there are."""
    return CommandAPDU(
        cla, Ins.READ_RECORDS, record, sfi << 3 | (_RECORDS if several else _ONE_RECORD), ne=length or ANY
    )


def read_records_partly(record: int, sfi: int, offset: int, length: int) -> CommandAPDU:
    """Read a part of each record from one on."""
    data = bytes((0x54, 0x02, offset, length))
    return CommandAPDU(0x00, Ins.READ_RECORDS_PARTLY, record, sfi << 3 | _RECORDS, data, ANY)


def search_records(record: int, sfi: int, offset: int, wanted: bytes, mask: bytes, flags: int = 0) -> CommandAPDU:
    """Search records from one on.

    :param mask: as long as what is wanted.  :param flags: :data:`REPEAT` and :data:`FETCH`.
    :raises EncodingError: on a mask of another length.
    """
    if len(mask) != len(wanted):
        raise EncodingError(f"mask of {len(mask)} bytes, expected {len(wanted)}")
    data = bytes((flags, offset, len(wanted))) + wanted + mask
    return CommandAPDU(0x00, Ins.SEARCH_RECORDS, record, sfi << 3 | _SEARCH, data, ANY)


REPEAT, FETCH = 0x80, 0x01
"""Search at every offset from the one given; answer with the first record that matches, too."""


def change_record(ins: Ins, record: int, sfi: int, data: bytes, *, cla: int = 0x00) -> CommandAPDU:
    """Update a record, or write it: bits are only ever set.  :param ins: UPDATE_RECORD or WRITE_RECORD."""
    return CommandAPDU(cla, ins, record, sfi << 3 | _ONE_RECORD, data)


def append_record(sfi: int, data: bytes, *, cla: int = 0x00) -> CommandAPDU:
    """Append a record: in a cyclic file it becomes the first."""
    return CommandAPDU(cla, Ins.APPEND_RECORD, 0x00, sfi << 3, data)


# Binary files


def _place(offset: int, sfi: int) -> tuple[int, int]:
    if not sfi and 0 <= offset <= _MOST_OFFSET:
        return offset >> 8, offset & 0xFF
    if 0 <= offset < _SHORT_OFFSET:
        return _BY_SFI + sfi, offset
    raise EncodingError(f"offset {offset}: with an SFI less than 256, without one less than 32,768")


def read_binary(offset: int, length: int, sfi: int = 0, *, cla: int = 0x00) -> CommandAPDU:
    """Read bytes.  :param length: 0 for all there are.  :raises EncodingError: where the offset cannot be said."""
    return CommandAPDU(cla, Ins.READ_BINARY, *_place(offset, sfi), ne=length or ANY)


def change_binary(ins: Ins, offset: int, data: bytes, sfi: int = 0, *, cla: int = 0x00) -> CommandAPDU:
    """Update bytes, or write them: bits are only ever set.  :param ins: UPDATE_BINARY or WRITE_BINARY."""
    return CommandAPDU(cla, ins, *_place(offset, sfi), data)


# Counters


def change_counter(ins: Ins, counter: int, sfi: int, amount: int, *, answers: bool, cla: int = 0x00) -> CommandAPDU:
    """Increase or decrease a counter.

    :param amount: 0 to 2^24 - 1.  :param answers: whether the new value comes back, not only when the session closes.
    """
    ne = ANY if answers else 0
    return CommandAPDU(cla, ins, counter, sfi << 3, _amount(amount), ne)


def change_counters(ins: Ins, sfi: int, amounts: Mapping[int, int]) -> CommandAPDU:
    """Increase or decrease several.  :param amounts: by counter."""
    data = b"".join(bytes((counter,)) + _amount(amount) for counter, amount in amounts.items())
    return CommandAPDU(0x00, ins, 0x00, sfi << 3, data, ANY)


def _amount(amount: int) -> bytes:
    try:
        return amount.to_bytes(_COUNTER_BYTES)
    except OverflowError:
        raise EncodingError(f"amount {amount}, expected 0 to 16,777,215") from None


# PIN, keys, purse, life cycle


def verify_pin(pin: Secret, *, cla: int = 0x00) -> CommandAPDU:
    """Present the PIN: 4 bytes in clear, 8 ciphered by a SAM."""
    return CommandAPDU(cla, Ins.VERIFY_PIN, 0x00, 0x00, (pin,))


def read_pin_counter(*, cla: int = 0x00) -> CommandAPDU:
    """Ask how many tries are left: 63Cx, or 6983."""
    return CommandAPDU(cla, Ins.VERIFY_PIN, 0x00, 0x00, ne=ANY)


def change_pin(new: Secret, *, cla: int = 0x00) -> CommandAPDU:
    """Set the PIN: 4 bytes in clear, 16 ciphered by a SAM."""
    return CommandAPDU(cla, Ins.CHANGE_KEY, 0x00, 0xFF, (new,))


def change_key(index: int, cryptogram: bytes, *, cla: int = 0x00) -> CommandAPDU:
    """Set a key, by a cryptogram of a SAM."""
    return CommandAPDU(cla, Ins.CHANGE_KEY, 0x00, index, cryptogram)


def get_challenge(*, cla: int = 0x00) -> CommandAPDU:
    """Ask for 8 random bytes."""
    return CommandAPDU(cla, Ins.GET_CHALLENGE, 0x00, 0x00, ne=8)


_SV_ANSWER = {(False, 0x07): 0x21, (False, 0x09): 0x1E, (True, 0x07): 0x3D, (True, 0x09): 0x3D}
RELOAD, DEBIT = 0x07, 0x09


def sv_get(operation: int, *, extended: bool = False, cla: int = 0x00) -> CommandAPDU:
    """Ask for balance and log of the purse, before it is reloaded or debited.  :param cla: FA in revision 2."""
    ne = _SV_ANSWER[extended, operation]
    return CommandAPDU(cla, Ins.SV_GET, int(extended), operation, ne=ne)


def invalidate(*, cla: int = 0x00) -> CommandAPDU:
    """Make the application useless, until it is rehabilitated."""
    return CommandAPDU(cla, Ins.INVALIDATE, 0x00, 0x00, ne=ANY)


def rehabilitate(*, cla: int = 0x00) -> CommandAPDU:
    """Make it useful again."""
    return CommandAPDU(cla, Ins.REHABILITATE, 0x00, 0x00, ne=ANY)


def generate_keys() -> CommandAPDU:
    """Let the card make its key pair, on P-256; once."""
    return CommandAPDU(0x00, Ins.GENERATE_KEYS, 0x00, 0x00, bytes.fromhex("06082A8648CE3D030107"))

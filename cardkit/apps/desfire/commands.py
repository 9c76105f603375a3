"""Every native command: its byte, what of it stays clear, its protection (transport sheet 3.3).

Numbers on the wire have their low byte first; application identifiers are given as printed, and turned here.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from enum import IntEnum

from cardkit.apps.desfire.fields import little
from cardkit.apps.desfire.settings import AccessRights, FileSettings
from cardkit.crypto.desfire import DesfireKey
from cardkit.errors import EncodingError
from cardkit.secure.desfire import READ_SIGNATURE, Mode, NativeCommand

PICC = bytes(3)
"""The identifier of the card's own level."""
AID_BYTES, UID_BYTES = 3, 7
VERSION_BYTES, SIGNATURE_BYTES, TMV_BYTES = 28, 56, 8


class Op(IntEnum):
    """Command bytes."""

    SELECT_APPLICATION = 0x5A
    CREATE_APPLICATION = 0xCA
    DELETE_APPLICATION = 0xDA
    GET_APPLICATION_IDS = 0x6A
    GET_DF_NAMES = 0x6D
    GET_KEY_SETTINGS = 0x45
    CHANGE_KEY_SETTINGS = 0x54
    GET_KEY_VERSION = 0x64
    INITIALIZE_KEY_SET = 0x56
    FINALIZE_KEY_SET = 0x57
    ROLL_KEY_SET = 0x55
    SET_CONFIGURATION = 0x5C
    GET_VERSION = 0x60
    FREE_MEMORY = 0x6E
    GET_CARD_UID = 0x51
    FORMAT = 0xFC
    CREATE_STANDARD = 0xCD
    CREATE_BACKUP = 0xCB
    CREATE_VALUE = 0xCC
    CREATE_LINEAR = 0xC1
    CREATE_CYCLIC = 0xC0
    CREATE_TRANSACTION_MAC = 0xCE
    DELETE_FILE = 0xDF
    GET_FILE_IDS = 0x6F
    GET_ISO_FILE_IDS = 0x61
    GET_FILE_SETTINGS = 0xF5
    CHANGE_FILE_SETTINGS = 0x5F
    READ_DATA = 0xBD
    WRITE_DATA = 0x3D
    GET_VALUE = 0x6C
    CREDIT = 0x0C
    DEBIT = 0xDC
    LIMITED_CREDIT = 0x1C
    READ_RECORDS = 0xBB
    WRITE_RECORD = 0x3B
    UPDATE_RECORD = 0xDB
    CLEAR_RECORDS = 0xEB
    COMMIT = 0xC7
    ABORT = 0xA7
    COMMIT_READER_ID = 0xC8


LONG_FORMS: Mapping[int, int] = {0xBD: 0xAD, 0x3D: 0x8D, 0xBB: 0xAB, 0x3B: 0x8B, 0xDB: 0xBA}
"""Commands that have a twin with frames of any length (EV2 and later)."""
CREATE_RECORDS = (Op.CREATE_LINEAR, Op.CREATE_CYCLIC)


def _aid(aid: bytes) -> bytes:
    if len(aid) != AID_BYTES:
        raise EncodingError(f"application {aid.hex().upper()}: {len(aid)} bytes, expected {AID_BYTES}")
    return aid[::-1]


# The card and its applications


def select(aid: bytes) -> NativeCommand:
    """SelectApplication; ends every session."""
    return NativeCommand(Op.SELECT_APPLICATION, _aid(aid), answer=0)


def create_application(
    aid: bytes, first: int, second: bytes, iso_fid: int | None = None, df_name: bytes = b""
) -> NativeCommand:
    """CreateApplication.

    :param first: ks1.  :param second: ks2, and ks3 with what follows it.  :param df_name: up to 16 bytes.
    """
    iso = (b"" if iso_fid is None else little(iso_fid, 2)) + df_name
    return NativeCommand(Op.CREATE_APPLICATION, _aid(aid) + bytes((first,)) + second + iso, mode=Mode.MAC, answer=0)


def inform(op: Op, header: bytes = b"", answer: int | None = None) -> NativeCommand:
    """Return a command that asks, or one without parameters; with a MAC inside a session."""
    return NativeCommand(op, header, mode=Mode.MAC, answer=answer)


def get_card_uid() -> NativeCommand:
    """GetCardUID: the real one, inside a session only."""
    return NativeCommand(Op.GET_CARD_UID, mode=Mode.FULL, answer=UID_BYTES, reads=True)


def read_signature(*, enciphered: bool) -> NativeCommand:
    """Read_Sig.  :param enciphered: inside a session of EV2."""
    mode = Mode.FULL if enciphered else Mode.PLAIN
    return NativeCommand(READ_SIGNATURE, b"\0", mode=mode, answer=SIGNATURE_BYTES, reads=True)


def set_configuration(option: int, data: bytes) -> NativeCommand:
    """SetConfiguration."""
    return NativeCommand(Op.SET_CONFIGURATION, bytes((option,)), data, Mode.FULL, answer=0)


def change_key_settings(first: int) -> NativeCommand:
    """ChangeKeySettings.  :param first: ks1."""
    return NativeCommand(Op.CHANGE_KEY_SETTINGS, b"", bytes((first,)), Mode.FULL, answer=0)


def initialize_key_set(number: int, kind: int) -> NativeCommand:
    """InitializeKeySet.  :param kind: 00 two-key, 01 three-key triple DES, 02 AES (unverified)."""
    return NativeCommand(Op.INITIALIZE_KEY_SET, bytes((number, kind)), mode=Mode.MAC, answer=0)


def finalize_key_set(number: int, version: int) -> NativeCommand:
    """FinalizeKeySet (unverified)."""
    return NativeCommand(Op.FINALIZE_KEY_SET, bytes((number, version)), mode=Mode.MAC, answer=0)


# Files


def create_file(
    op: Op, number: int, settings: FileSettings, *, iso_fid: int | None = None, value: int = 0
) -> NativeCommand:
    """CreateStdDataFile and its sisters, by the settings the file shall have.

    :param value: what a value file begins with; in place of what may be given back.
    """
    iso = b"" if iso_fid is None else little(iso_fid, 2)
    head = bytes((number,)) + iso + bytes((settings.options,)) + settings.rights.build()
    body = settings.body.build()
    if op is Op.CREATE_VALUE:
        body = body[:8] + little(value, 4, signed=True) + body[-1:]
    elif op in CREATE_RECORDS:
        body = body[:6]
    return NativeCommand(op, head + body, mode=Mode.MAC, answer=0)


def create_transaction_mac(
    number: int, options: int, rights: AccessRights, key_option: int, key: DesfireKey
) -> NativeCommand:
    """CreateTransactionMACFile, with the key that makes the MACs; it is enciphered in a session."""
    header = bytes((number, options)) + rights.build() + bytes((key_option,))
    return NativeCommand(Op.CREATE_TRANSACTION_MAC, header, (key, bytes((key.version,))), Mode.FULL, answer=0)


def change_file_settings(number: int, change: bytes, mode: Mode) -> NativeCommand:
    """ChangeFileSettings.  :param change: as :meth:`FileSettings.change` builds it."""
    return NativeCommand(Op.CHANGE_FILE_SETTINGS, bytes((number,)), change, mode, answer=0)


def read_data(number: int, offset: int, length: int, mode: Mode) -> NativeCommand:
    """ReadData.  :param length: bytes, at least one: the answer of 0, to the end, has no length to check."""
    header = bytes((number,)) + little(offset, 3) + little(length, 3)
    return NativeCommand(Op.READ_DATA, header, mode=mode, answer=length, reads=True)


def write_data(number: int, offset: int, data: bytes, mode: Mode) -> NativeCommand:
    """WriteData."""
    header = bytes((number,)) + little(offset, 3) + little(len(data), 3)
    return NativeCommand(Op.WRITE_DATA, header, data, mode, answer=0)


def get_value(number: int, mode: Mode) -> NativeCommand:
    """GetValue: 4 bytes, signed."""
    return NativeCommand(Op.GET_VALUE, bytes((number,)), mode=mode, answer=4, reads=True)


def change_value(op: Op, number: int, amount: int, mode: Mode) -> NativeCommand:
    """Credit, Debit or LimitedCredit.

    :param amount: 0 to 2^31 - 1.  :raises EncodingError: on a negative amount.
    """
    if amount < 0:
        raise EncodingError(f"amount {amount}, expected 0 or more")
    return NativeCommand(op, bytes((number,)), little(amount, 4, signed=True), mode, answer=0)


def read_records(number: int, newest: int, count: int, size: int, mode: Mode) -> NativeCommand:
    """ReadRecords, answered oldest first.

    :param newest: how many records before the newest one the last of them is.  :param size: bytes of a record.
    """
    header = bytes((number,)) + little(newest, 3) + little(count, 3)
    return NativeCommand(Op.READ_RECORDS, header, mode=mode, answer=count * size, reads=True)


def write_record(number: int, offset: int, data: bytes, mode: Mode) -> NativeCommand:
    """WriteRecord: a new one, which the first write of a transaction opens."""
    header = bytes((number,)) + little(offset, 3) + little(len(data), 3)
    return NativeCommand(Op.WRITE_RECORD, header, data, mode, answer=0)


def commit(*, with_mac: bool = False) -> NativeCommand:
    """CommitTransaction.  :param with_mac: ask for TMC and TMV."""
    if with_mac:
        return NativeCommand(Op.COMMIT, b"\1", mode=Mode.MAC, answer=4 + TMV_BYTES)
    return NativeCommand(Op.COMMIT, mode=Mode.MAC, answer=0)


def commit_reader_id(reader: bytes) -> NativeCommand:
    """CommitReaderID.  :param reader: TMRI, 16 bytes."""
    return NativeCommand(Op.COMMIT_READER_ID, b"", reader, Mode.MAC, answer=16)


def identifiers(data: bytes, size: int) -> Sequence[bytes]:
    """Return identifiers that stand one behind the other, as printed.

    :raises EncodingError: where one is cut off.
    """
    if len(data) % size:
        raise EncodingError(f"identifiers: {len(data)} bytes, expected {size} for each")
    return [data[start : start + size][::-1] for start in range(0, len(data), size)]

"""Commands of a payment card (EMV 4.4 Book 1 11, Book 3 6.5): every function returns one CommandAPDU."""

from __future__ import annotations

from enum import IntEnum

from cardkit.apdu import CommandAPDU
from cardkit.apps.iso7816.commands import ANY_LENGTH, LARGEST_SFI, Answer, Occurrence, SelectBy
from cardkit.apps.iso7816.commands import select as select_file
from cardkit.crypto import Secret
from cardkit.encoding import tlv
from cardkit.errors import EncodingError

_CLA, _OWN_CLA = 0x00, 0x80
_ABSOLUTE = 0x04
_COMMAND_TEMPLATE = 0x83
_TAG_BYTES = 2
_LONGEST_DATA = 252


class Ins(IntEnum):
    """Instruction bytes."""

    APPLICATION_UNBLOCK = 0x18
    APPLICATION_BLOCK = 0x1E
    CARD_BLOCK = 0x16
    VERIFY = 0x20
    PIN_CHANGE = 0x24
    EXTERNAL_AUTHENTICATE = 0x82
    COMPUTE_CRYPTOGRAPHIC_CHECKSUM = 0x2A
    GET_CHALLENGE = 0x84
    INTERNAL_AUTHENTICATE = 0x88
    GET_PROCESSING_OPTIONS = 0xA8
    GENERATE_AC = 0xAE
    READ_RECORD = 0xB2
    GET_DATA = 0xCA
    PUT_DATA = 0xDA
    UPDATE_RECORD = 0xDC


class Cryptogram(IntEnum):
    """Kinds of application cryptograms: P1 of GENERATE AC, and bits 8 and 7 of the answer's CID."""

    AAC = 0x00
    TC = 0x40
    ARQC = 0x80


_CDA = 0x10
_CHECKSUM_P1, _CHECKSUM_P2 = 0x8E, 0x80


class PinForm(IntEnum):
    """How a PIN travels (P2 of VERIFY)."""

    PLAINTEXT = 0x80
    ENCIPHERED = 0x88


def select(name: bytes, *, further: bool = False) -> CommandAPDU:
    """Select an application by its name or the start of it.

    :param name: 5 to 16 bytes.  :param further: the next one whose name begins so.

    >>> select(b"1PAY.SYS.DDF01").encode().hex()
    '00a404000e315041592e5359532e444446303100'
    """
    return select_file(SelectBy.AID, name, Answer.FCI, Occurrence.NEXT if further else Occurrence.FIRST)


def read_record(sfi: int, number: int) -> CommandAPDU:
    """Read one record of a file.

    :param sfi: 1 to 30.  :param number: 1 to 255.
    :raises EncodingError: on numbers out of range.
    """
    if not 1 <= sfi <= LARGEST_SFI or not 1 <= number <= 0xFF:
        raise EncodingError(f"READ RECORD: SFI {sfi}, record {number}, expected 1 to {LARGEST_SFI} and 1 to 255")
    return CommandAPDU(_CLA, Ins.READ_RECORD, number, sfi << 3 | _ABSOLUTE, ne=ANY_LENGTH)


def get_processing_options(pdol_data: bytes) -> CommandAPDU:
    """Begin a transaction.

    :param pdol_data: what the PDOL asks for; empty without a PDOL.
    :raises EncodingError: when it is longer than a command carries.

    >>> get_processing_options(b"").encode().hex()
    '80a8000002830000'
    """
    return _own(Ins.GET_PROCESSING_OPTIONS, 0, 0, tlv.build(_COMMAND_TEMPLATE, pdol_data), longest=0xFF)


def get_data(tag: bytes) -> CommandAPDU:
    """Read one data object.  :param tag: 1 or 2 bytes."""
    if not 1 <= len(tag) <= _TAG_BYTES:
        raise EncodingError(f"GET DATA: tag {tag.hex().upper()}, expected 1 or 2 bytes")
    p1, p2 = tag.rjust(_TAG_BYTES, b"\x00")
    return CommandAPDU(_OWN_CLA, Ins.GET_DATA, p1, p2, ne=ANY_LENGTH)


def get_challenge() -> CommandAPDU:
    """Ask for random bytes."""
    return CommandAPDU(_CLA, Ins.GET_CHALLENGE, 0, 0, ne=ANY_LENGTH)


def verify(form: PinForm, data: Secret) -> CommandAPDU:
    """Present a PIN.  :param data: PIN block format 2 (8 bytes), or the enciphered block."""
    return CommandAPDU(_CLA, Ins.VERIFY, 0, form, (data,))


def internal_authenticate(ddol_data: bytes) -> CommandAPDU:
    """Ask for a dynamic signature.  :param ddol_data: what the DDOL asks for."""
    _check("INTERNAL AUTHENTICATE", ddol_data, _LONGEST_DATA)
    return CommandAPDU(_CLA, Ins.INTERNAL_AUTHENTICATE, 0, 0, ddol_data, ANY_LENGTH)


def generate_ac(kind: Cryptogram, cdol_data: bytes, *, cda: bool = False) -> CommandAPDU:
    """Ask for an application cryptogram.  :param cda: together with a signature."""
    return _own(Ins.GENERATE_AC, kind | (_CDA if cda else 0), 0, cdol_data)


def compute_cryptographic_checksum(udol_data: bytes) -> CommandAPDU:
    """Ask for the dynamic codes of a contactless card in mag-stripe mode (EMV Contactless Book C-2).

    :param udol_data: what the UDOL asks for.
    """
    return _own(Ins.COMPUTE_CRYPTOGRAPHIC_CHECKSUM, _CHECKSUM_P1, _CHECKSUM_P2, udol_data)


def external_authenticate(authentication_data: bytes) -> CommandAPDU:
    """Hand over the issuer's authentication.  :param authentication_data: value of tag 91, 8 to 16 bytes."""
    return CommandAPDU(_CLA, Ins.EXTERNAL_AUTHENTICATE, 0, 0, authentication_data)


def _own(ins: Ins, p1: int, p2: int, data: bytes, *, longest: int = _LONGEST_DATA) -> CommandAPDU:
    _check(ins.name.replace("_", " "), data, longest)
    return CommandAPDU(_OWN_CLA, ins, p1, p2, data, ANY_LENGTH)


def _check(what: str, data: bytes, longest: int) -> None:
    if len(data) > longest:
        raise EncodingError(f"{what}: {len(data)} bytes of data, expected {longest} or fewer")

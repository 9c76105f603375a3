"""Commands of a PIV card (SP 800-73-4 part 2, chapter 3), and those its vendor adds (Yubico's numbering)."""

from __future__ import annotations

from enum import IntEnum

from cardkit.apdu import CommandAPDU
from cardkit.apps.iso7816.commands import ANY_LENGTH, Ins, code_command, code_field
from cardkit.crypto import Secret
from cardkit.encoding import tlv

AID = bytes.fromhex("A000000308000010000100")
PIN, PUK, MANAGEMENT = 0x80, 0x81, 0x9B
"""Key references."""
_TAG_LIST, _TEMPLATE, _ALGORITHM, _DYNAMIC = 0x5C, 0xAC, 0x80, 0x7C
_WITNESS, _CHALLENGE, _RESPONSE, _EXPONENTIATION = 0x80, 0x81, 0x82, 0x85
_MANAGEMENT_KEY_LAST = 0xFF


class PivIns(IntEnum):
    """Instruction bytes; from F7 on, the vendor's."""

    GENERATE = 0x47
    GENERAL_AUTHENTICATE = 0x87
    GET_DATA = 0xCB
    PUT_DATA = 0xDB
    METADATA = 0xF7
    SERIAL = 0xF8
    SET_MANAGEMENT_KEY = 0xFF


def select() -> CommandAPDU:
    """Select the PIV application."""
    return CommandAPDU(0x00, Ins.SELECT, 0x04, 0x00, AID, ANY_LENGTH)


def get_data(tag: int) -> CommandAPDU:
    """Read a data object.  :param tag: one (7E), two or three bytes."""
    return CommandAPDU(0x00, PivIns.GET_DATA, 0x3F, 0xFF, _tag_list(tag), ANY_LENGTH)


def put_data(tag: int, container: bytes) -> CommandAPDU:
    """Write a data object.  :param container: object ``53``; for the discovery object itself."""
    return CommandAPDU(0x00, PivIns.PUT_DATA, 0x3F, 0xFF, _tag_list(tag) + container)


def _tag_list(tag: int) -> bytes:
    return tlv.build(_TAG_LIST, tag.to_bytes((tag.bit_length() + 7) // 8, "big"))


def generate(slot: int, algorithm: int) -> CommandAPDU:
    """Make a key pair on the card; the answer is the public key, ``7F49``."""
    data = tlv.build(_TEMPLATE, tlv.build(_ALGORITHM, bytes((algorithm,))))
    return CommandAPDU(0x00, PivIns.GENERATE, 0x00, slot, data, ANY_LENGTH)


def _authenticate(algorithm: int, slot: int, *objects: tuple[int, bytes]) -> CommandAPDU:
    data = tlv.build(_DYNAMIC, b"".join(tlv.build(tag, value) for tag, value in objects))
    return CommandAPDU(0x00, PivIns.GENERAL_AUTHENTICATE, algorithm, slot, data, ANY_LENGTH)


def sign(algorithm: int, slot: int, data: bytes) -> CommandAPDU:
    """Have data signed.  :param data: a hash (EC), or a whole padded block (RSA)."""
    return _authenticate(algorithm, slot, (_RESPONSE, b""), (_CHALLENGE, data))


def agree(algorithm: int, slot: int, point: bytes) -> CommandAPDU:
    """Ask for a key agreement.  :param point: of the other side, uncompressed."""
    return _authenticate(algorithm, slot, (_RESPONSE, b""), (_EXPONENTIATION, point))


def witness(algorithm: int) -> CommandAPDU:
    """Begin to authenticate card and management key to each other."""
    return _authenticate(algorithm, MANAGEMENT, (_WITNESS, b""))


def answer_witness(algorithm: int, clear: bytes, challenge: bytes) -> CommandAPDU:
    """Prove the management key by its witness, and ask for the card's proof."""
    return _authenticate(algorithm, MANAGEMENT, (_WITNESS, clear), (_CHALLENGE, challenge))


def verify(pin: Secret) -> CommandAPDU:
    """Present the PIN.  :raises EncodingError: on one of no or more than 8 bytes."""
    return code_command(Ins.VERIFY, PIN, pin)


def change(reference: int, old: Secret, new: Secret) -> CommandAPDU:
    """Change PIN or PUK.  :raises EncodingError: as :func:`verify`."""
    return code_command(Ins.CHANGE, reference, old, new)


def unblock(puk: Secret, pin: Secret) -> CommandAPDU:
    """Set the PIN by the PUK.  :raises EncodingError: as :func:`verify`."""
    return CommandAPDU(0x00, Ins.UNBLOCK, 0x00, PIN, (*code_field(puk), *code_field(pin)))


def set_management_key(algorithm: int, key: Secret) -> CommandAPDU:
    """Replace the management key, for which the old one must have been proven."""
    head = bytes((algorithm, MANAGEMENT, len(key)))
    last = _MANAGEMENT_KEY_LAST
    return CommandAPDU(0x00, PivIns.SET_MANAGEMENT_KEY, last, last, (head, key))


def metadata(reference: int) -> CommandAPDU:
    """Ask what is known of a key or code: algorithm, origin, tries, whether it is the one delivered."""
    return CommandAPDU(0x00, PivIns.METADATA, 0x00, reference, ne=ANY_LENGTH)


def serial() -> CommandAPDU:
    """Ask for the chip's own number, 4 bytes."""
    return CommandAPDU(0x00, PivIns.SERIAL, 0x00, 0x00, ne=ANY_LENGTH)

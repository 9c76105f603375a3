"""PIN blocks of formats 0 to 4 (ISO 9564-1, 9.3, 9.4): a PIN, its length, and often the PAN it belongs to.

PINs are ASCII digits in buffers their callers wipe; a block that does not decode is an error, never a wrong PIN.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import IntEnum

from cardkit.crypto.nibbles import ascii_digits, is_digits, mix, nibbles_of, packed_nibbles, values
from cardkit.crypto.secret import Secret
from cardkit.errors import EncodingError

LEAST_DIGITS, MOST_DIGITS = 4, 12
BLOCK_BYTES = 8
FORMAT_4_BYTES = 16
_PAN_FIELD_DIGITS = 12
_NIBBLES = 16
Random = Callable[[int], bytes]
Cipher = Callable[[bytes | bytearray], bytes]


class PinFormat(IntEnum):
    """The format of a PIN block, its first nibble."""

    ISO_0 = 0
    ISO_1 = 1
    ISO_2 = 2
    ISO_3 = 3
    ISO_4 = 4


WITH_PAN = (PinFormat.ISO_0, PinFormat.ISO_3, PinFormat.ISO_4)
ENCIPHERED = (PinFormat.ISO_0, PinFormat.ISO_1, PinFormat.ISO_3, PinFormat.ISO_4)  # format 2 is for cards only


@dataclass(frozen=True, slots=True)
class EncipheredPin:
    """A PIN as it travels: an enciphered block.

    :param reference: key of usage ``pin-enc`` it is under.  :param block: 8 bytes, 16 for format 4.
    :param pan: digits of the PAN it belongs to; empty for format 1.
    """

    reference: str
    block: bytes
    format: PinFormat
    pan: str = ""


def check_pin(pin: bytes | bytearray | Secret) -> None:
    """Raise EncodingError for a PIN that is not 4 to 12 ASCII digits; it is not shown."""
    if isinstance(pin, Secret):
        with pin.reveal() as clear:
            check_pin(clear)
        return
    if not LEAST_DIGITS <= len(pin) <= MOST_DIGITS or not pin.isdigit():
        raise EncodingError(f"PIN of {len(pin)} characters: expected 4 to 12 digits")


def format_2(pin: Secret) -> Secret:
    """Return the PIN block a card takes: format 2, clear, 8 bytes.

    :param pin: 4 to 12 ASCII digits.  :raises EncodingError: on anything else.
    EMV 4.4 Book 3, 6.5.12; ISO 9564-1 9.4.2

    >>> format_2(Secret(b"1234", "pin"))
    <Secret PIN block, 8 bytes>
    """
    with pin.reveal() as clear:
        block = plain_block(PinFormat.ISO_2, clear, "", bytes)
        try:
            return Secret(block, "PIN block")
        finally:
            block[:] = bytes(len(block))


def plain_block(form: PinFormat, pin: bytes | bytearray, pan: str, random: Random) -> bytearray:
    """Return a block of 8 bytes before it is enciphered: formats 0 to 3; the caller wipes it.

    :param pan: for formats 0 and 3.  :param random: gives as many random bytes as it is asked for (formats 1 and 3).
    :raises EncodingError: on a PIN or PAN of another length, or format 4.
    """
    check_pin(pin)
    nibbles = bytearray((form, len(pin))) + values(pin)
    room = _NIBBLES - len(nibbles)
    if form is PinFormat.ISO_1:
        nibbles += bytes(byte & 0xF for byte in random(room))
    elif form is PinFormat.ISO_3:
        nibbles += bytes(10 + byte % 6 for byte in random(room))  # that four letters come more often tells nothing
    elif form in (PinFormat.ISO_0, PinFormat.ISO_2):
        nibbles += b"\x0f" * room
    else:
        raise EncodingError(f"PIN block of format {form}: has 16 bytes, see encipher_format_4")
    return _with_pan(packed_nibbles(nibbles), form, pan)


def read_block(form: PinFormat, block: bytes | bytearray, pan: str) -> bytearray:
    """Return the PIN of a deciphered block of 8 bytes, formats 0 to 3; the caller wipes it.

    :raises EncodingError: on a block that is not of this format, or not for this PAN.
    """
    if len(block) != BLOCK_BYTES or form is PinFormat.ISO_4:
        raise EncodingError(f"PIN block of format {form}: {len(block)} bytes, expected 8 (format 4 has 16)")
    filler = {PinFormat.ISO_1: range(16), PinFormat.ISO_3: range(10, 16)}.get(form, range(15, 16))
    return _pin_of(form, _with_pan(bytearray(block), form, pan), filler)


def encipher_format_4(pin: bytes | bytearray, pan: str, encrypt: Cipher, random: Random) -> bytes:
    """Return an enciphered block of format 4, 16 bytes.

    :param encrypt: one block under an AES key.  :param random: gives random bytes.
    :raises EncodingError: on a PIN or PAN of another length.
    ISO 9564-1 9.4.6
    """
    check_pin(pin)
    nibbles = bytearray((PinFormat.ISO_4, len(pin))) + values(pin)
    field = packed_nibbles(nibbles.ljust(_NIBBLES, b"\x0a")) + random(BLOCK_BYTES)
    try:
        return encrypt(mix(bytearray(encrypt(field)), pan_field_4(pan)))
    finally:
        field[:] = bytes(len(field))


def decipher_format_4(block: bytes, pan: str, decrypt: Callable[[bytes], bytes]) -> bytearray:
    """Return the PIN of an enciphered block of format 4; the caller wipes it.

    :param decrypt: one block under an AES key.  :raises EncodingError: on a block that is not for this PAN or key.
    ISO 9564-1 9.4.6
    """
    if len(block) != FORMAT_4_BYTES:
        raise EncodingError(f"PIN block of format 4: {len(block)} bytes, expected {FORMAT_4_BYTES}")
    field = bytearray(decrypt(bytes(mix(bytearray(decrypt(block)), pan_field_4(pan)))))
    return _pin_of(PinFormat.ISO_4, field[:BLOCK_BYTES], range(10, 11))


def pan_field_4(pan: str) -> bytes:
    """Return the PAN field of format 4, 16 bytes.

    :param pan: 1 to 19 digits.  :raises EncodingError: on anything else.

    >>> pan_field_4("112233445566778899").hex()
    '61122334455667788990000000000000'
    """
    if not 1 <= len(pan) <= 19 or not is_digits(pan):
        raise EncodingError(f"PAN of {len(pan)} characters: expected 1 to 19 digits")
    short = pan.zfill(_PAN_FIELD_DIGITS)
    return bytes.fromhex(f"{len(short) - _PAN_FIELD_DIGITS}{short}".ljust(32, "0"))


def _pin_of(form: PinFormat, block: bytearray, filler: range) -> bytearray:
    nibbles = nibbles_of(block)
    size = nibbles[1]
    pin, tail = nibbles[2 : 2 + size], nibbles[2 + size :]
    right = nibbles[0] == form and LEAST_DIGITS <= size <= MOST_DIGITS and max(pin) < 10
    if not right or any(nibble not in filler for nibble in tail):
        raise EncodingError(f"PIN block: not of format {form}, or of another PAN or key")
    return ascii_digits(pin)


def _with_pan(block: bytearray, form: PinFormat, pan: str) -> bytearray:
    """Mix the PAN into a block, or out of it, where the format has it (ISO 9564-1 9.3.5)."""
    if form not in WITH_PAN:
        return block
    if len(pan) <= _PAN_FIELD_DIGITS or not is_digits(pan):
        raise EncodingError(f"PIN block of format {form}: PAN of {len(pan)} characters, expected 13 digits or more")
    return mix(block, bytes.fromhex("0000" + pan[-_PAN_FIELD_DIGITS - 1 : -1]))

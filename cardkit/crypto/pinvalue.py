"""What an issuer keeps of a PIN: PIN verification values, and IBM 3624 PINs and offsets (schemes' own, unverified)."""

from __future__ import annotations

from dataclasses import dataclass

from cardkit.crypto.nibbles import ascii_digits, is_digits, nibbles_of
from cardkit.crypto.pinblock import LEAST_DIGITS, MOST_DIGITS, check_pin
from cardkit.crypto.statickey import StaticKey
from cardkit.errors import EncodingError

PVV_DIGITS = 4
_PAN_PART = 11
_HEX = "0123456789ABCDEF"
_VALIDATION_DIGITS = 16


def decimalized(block: bytes, size: int) -> str:
    """Return the first digits of a block: its decimal nibbles in order, then its letters less ten.

    >>> decimalized(bytes.fromhex("a1b2"), 3)
    '120'
    """
    nibbles = nibbles_of(block)
    digits = [nibble for nibble in nibbles if nibble < 10] + [nibble - 10 for nibble in nibbles if nibble >= 10]
    return ascii_digits(digits[:size]).decode()


def pvv(pvk: StaticKey, pan: str, pvki: str, pin: bytes | bytearray) -> str:
    """Return a PIN verification value, 4 digits.

    :param pvk: 3DES.  :param pan: 12 digits or more.  :param pvki: the key's index, one digit.
    :param pin: 4 to 12 ASCII digits, of which four count.
    :raises EncodingError: on anything else.
    """
    check_pin(pin)
    if len(pan) <= _PAN_PART or not (pan + pvki).isdigit() or len(pvki) != 1:
        raise EncodingError(
            f"PVV: PAN of {len(pan)}, key index of {len(pvki)} characters, expected 12 digits or more, 1"
        )
    part = pan[-_PAN_PART - 1 : -1] + pvki + pin[:PVV_DIGITS].decode()
    return decimalized(pvk.ecb(bytes.fromhex(part)), PVV_DIGITS)


@dataclass(frozen=True, slots=True)
class Ibm3624:
    """How an issuer makes PINs of PANs.

    :param table: 16 digits: what stands for 0 to F.  :param start: and ``length``: which digits of the PAN.
    :param pad: the hexadecimal digit behind them.
    """

    table: str
    start: int = 0
    length: int = 16
    pad: str = "F"

    def __post_init__(self) -> None:
        if len(self.table) != _VALIDATION_DIGITS or not is_digits(self.table):
            raise EncodingError(f"IBM 3624: decimalization table of {len(self.table)} characters, expected 16 digits")
        if self.start < 0 or not 1 <= self.length <= _VALIDATION_DIGITS or self.pad.upper() not in list(_HEX):
            got = f"digits {self.start} to {self.start + self.length}, pad {self.pad!r}"
            raise EncodingError(f"IBM 3624: {got}, expected 1 to 16 digits of the PAN, and a hexadecimal digit")


def natural_pin(pvk: StaticKey, pan: str, terms: Ibm3624, size: int) -> bytearray:
    """Return the PIN the key gives a PAN; the caller wipes it.

    :param size: 4 to 12 digits.  :raises EncodingError: on another, or a PAN that is too short.
    """
    part = pan[terms.start : terms.start + terms.length]
    if len(part) != terms.length or not is_digits(part) or not LEAST_DIGITS <= size <= MOST_DIGITS:
        raise EncodingError(
            f"IBM 3624: {len(part)} digits of the PAN for a PIN of {size}, expected {terms.length} for 4 to 12"
        )
    enciphered = pvk.ecb(bytes.fromhex(part.ljust(_VALIDATION_DIGITS, terms.pad)))
    return bytearray(ord(terms.table[nibble]) for nibble in nibbles_of(enciphered)[:size])


def offset_of(pin: bytes | bytearray, natural: bytes | bytearray) -> str:
    """Return what is added to a natural PIN, digit by digit, to get a PIN of as many digits."""
    check_pin(pin)
    return "".join(str((a - b) % 10) for a, b in zip(pin, natural, strict=True))

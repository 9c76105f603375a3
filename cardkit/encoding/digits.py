"""Digits in nibbles: BCD, swapped BCD, dialling digits, and the Luhn check digit.

Reading never loses a nibble: values A to F come out as those letters, so writing them back gives the same bytes.
"""

from __future__ import annotations

from cardkit.errors import EncodingError

_NIBBLES = frozenset("0123456789ABCDEF")
# Dialling digits of phone book files (3GPP TS 31.102 4.4.2.3): A to E; F ends the number.
_DIALLING = str.maketrans("*#p?e", "ABCDE")
_DIALLED_CHARACTERS = frozenset("0123456789*#p?eF")
_DIALLED = str.maketrans("ABCDE", "*#p?e")


def encode_bcd(text: str, size: int | None = None, fill: str = "F") -> bytes:
    """Pack digits, the first in the high nibble, and fill up behind them.

    :param text: digits 0 to 9, and A to F for nibbles that are no digits.
    :param size: bytes of the field; by default as few as hold the text.
    :param fill: the nibble behind the last digit.
    :raises EncodingError: on another character, or if the text does not fit.

    >>> encode_bcd("12345", 4).hex()
    '12345fff'
    """
    return bytes.fromhex(_filled(text, size, fill))


def decode_bcd(data: bytes) -> str:
    """Return every nibble as a digit or letter, the fill included.

    >>> decode_bcd(bytes.fromhex("12345F"))
    '12345F'
    """
    return data.hex().upper()


def encode_swapped(text: str, size: int | None = None, fill: str = "F") -> bytes:
    """Pack digits, the first in the low nibble (3GPP TS 31.102, 24.008): arguments as :func:`encode_bcd`.

    >>> encode_swapped("8900100", 5).hex()
    '980001f0ff'
    """
    return bytes.fromhex(_swap(_filled(text, size, fill)))


def decode_swapped(data: bytes) -> str:
    """Return every nibble, low nibble first, the fill included.

    >>> decode_swapped(bytes.fromhex("980001F0FF"))
    '8900100FFF'
    """
    return _swap(data.hex().upper())


def encode_dialling(text: str, size: int | None = None) -> bytes:
    """Pack a dialled number: swapped digits, ``*``, ``#``, ``p`` (pause), ``?`` (wild), ``e`` (expansion), F behind.

    :raises EncodingError: on another character, or if the number does not fit.

    >>> encode_dialling("*100#").hex()
    '1a00fb'
    """
    if not _DIALLED_CHARACTERS.issuperset(text):
        raise EncodingError("dialling digits: expected 0-9 * # p ? e, got another character")
    return encode_swapped(text.translate(_DIALLING), size)


def decode_dialling(data: bytes) -> str:
    """Return every nibble as a dialling character, F included.

    >>> decode_dialling(bytes.fromhex("1A00FB"))
    '*100#F'
    """
    return decode_swapped(data).translate(_DIALLED)


_LUHN_VALUE = bytes(max(character - 0x30, 0) for character in range(256))
_LUHN_DOUBLED = bytes(sum(divmod(2 * digit, 10)) for digit in range(10)).ljust(256, b"\0")


def luhn_digit(text: str) -> str:
    """Return the check digit for a number without one (ISO/IEC 7812-1 annex B).

    :raises EncodingError: on anything but digits.

    >>> luhn_digit("7992739871")
    '3'
    """
    return str(-_luhn_sum(text + "0") % 10)


def luhn_valid(text: str) -> bool:
    """Whether the last digit is the Luhn check digit of those before it.

    :raises EncodingError: on anything but digits.

    >>> luhn_valid("79927398713"), luhn_valid("79927398710")
    (True, False)
    """
    return _luhn_sum(text) % 10 == 0


def _luhn_sum(text: str) -> int:
    if not (text.isascii() and text.isdigit()):
        raise EncodingError(f"Luhn check: expected digits only, got {len(text)} characters with others among them")
    digits = text.encode().translate(_LUHN_VALUE)
    return sum(digits[-1::-2]) + sum(digits[-2::-2].translate(_LUHN_DOUBLED))


def _filled(text: str, size: int | None, fill: str) -> str:
    if not _NIBBLES.issuperset(text):
        place = next(i for i, digit in enumerate(text) if digit not in _NIBBLES)
        raise EncodingError(f"digits: character {place + 1} of {len(text)} is not one of 0-9 A-F")
    nibbles = 2 * size if size is not None else len(text) + len(text) % 2
    if len(text) > nibbles:
        raise EncodingError(f"digits: {len(text)} do not fit in {size} bytes")
    return text.ljust(nibbles, fill)


def _swap(digits: str) -> str:
    # Pairs change places: odd positions first.
    swapped = [""] * len(digits)
    swapped[::2], swapped[1::2] = digits[1::2], digits[::2]
    return "".join(swapped)

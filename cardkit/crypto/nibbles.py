"""Digits in nibbles, in buffers that can be wiped: PINs never become text."""

from __future__ import annotations

from collections.abc import Iterable

_ZERO = ord("0")


def is_digits(text: str) -> bool:
    """Whether a text has nothing but ASCII digits, one at least."""
    return text.isascii() and text.isdigit()


def nibbles_of(block: bytes | bytearray) -> bytearray:
    """Return each nibble as a byte of its own, 0 to 15.

    >>> nibbles_of(bytes.fromhex("1F")).hex()
    '010f'
    """
    return bytearray(nibble for byte in block for nibble in (byte >> 4, byte & 0xF))


def packed_nibbles(nibbles: Iterable[int]) -> bytearray:
    """Return nibbles, an even number, two in a byte."""
    pairs = iter(nibbles)
    return bytearray(high << 4 | low for high, low in zip(pairs, pairs, strict=True))


def values(digits: bytes | bytearray) -> bytearray:
    """Return the values of ASCII digits."""
    return bytearray(digit - _ZERO for digit in digits)


def ascii_digits(numbers: Iterable[int]) -> bytearray:
    """Return ASCII digits for values from 0 to 9."""
    return bytearray(number + _ZERO for number in numbers)


def packed(digits: bytes | bytearray, size: int, fill: int) -> bytearray:
    """Return ASCII digits packed, filled up behind.

    :param size: nibbles in all, an even number.  :param fill: the nibble behind the digits.
    """
    return packed_nibbles(values(digits).ljust(size, bytes((fill,))))


def mix(block: bytearray, mask: bytes | bytearray) -> bytearray:
    """Add a mask to the front of a block, bit by bit, in place; return the block."""
    for place, byte in enumerate(mask):
        block[place] ^= byte
    return block

"""Secrets that the plant makes: random values in the form of their field (security.md K13)."""

from __future__ import annotations

from collections.abc import Callable

from cardkit.crypto.key import ALGORITHMS, Key, Usage
from cardkit.crypto.secret import Secret
from cardkit.profile.field import Field

RandomBytes = Callable[[int], bytes]

_UNBIASED = 250  # bytes from here on would make some digits more frequent than others


def maker(name: str, field: Field, rng: RandomBytes) -> Callable[[], Secret]:
    """Return the function that makes a field's value for one record.

    :param field: digits, hex or key, with ``make``.  :param rng: size -> random bytes.
    """
    if field.type == "digits":
        length = field.least
        return lambda: Secret(_digits(length, rng), name)
    if field.type == "hex":
        size = field.bytes or 0
        return lambda: Secret(rng(size), name)
    algorithm = field.algorithm or ""
    return lambda: Key(rng(ALGORITHMS[algorithm][0]), name, algorithm, Usage.CARD_KEY)


def _digits(length: int, rng: RandomBytes) -> bytearray:
    digits = bytearray()
    while len(digits) < length:
        digits += bytes(0x30 + value % 10 for value in rng(length) if value < _UNBIASED)
    del digits[length:]
    return digits

"""Secret sharing over GF(2^8): any m of n shares give the secret back, fewer say nothing (security.md 5).

Shamir's scheme byte by byte, polynomial 11B, the share's index is its x.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence
from dataclasses import dataclass

from cardkit.crypto.secret import Secret
from cardkit.errors import KeyStoreError

MOST_SHARES = 255
_POLYNOMIAL = 0x11B
_CHECK_BYTES = 4
_TEXT = re.compile(r"([1-9][0-9]{0,2})-((?:[0-9a-f]{2})+)-([0-9a-f]{8})")


@dataclass(frozen=True, slots=True)
class Share:
    """One share.

    :param index: 1 to 255, its x.  :param value: as long as the secret.
    """

    index: int
    value: Secret

    def to_text(self) -> str:
        """Return what the holder keeps: index, value in hex, check digits. It is a secret."""
        with self.value.reveal() as clear:
            return f"{self.index}-{clear.hex()}-{_check(self.index, clear)}"

    @classmethod
    def from_text(cls, text: str) -> Share:
        """Read a share a holder typed; KeyStoreError where it is mistyped."""
        match = _TEXT.fullmatch("".join(text.split()).lower())
        if match is None or int(match[1]) > MOST_SHARES:
            raise KeyStoreError("share: expected INDEX-HEX-CHECK, as it was given out")
        value = Secret(bytearray.fromhex(match[2]), f"share {match[1]}")
        with value.reveal() as clear:
            if _check(int(match[1]), clear) != match[3]:
                raise KeyStoreError(f"share {match[1]}: its check digits do not fit: mistyped")
        return cls(int(match[1]), value)


def _check(index: int, value: bytearray) -> str:
    return hashlib.sha256(b"cardkit-share-1\0" + bytes((index,)) + value).digest()[:_CHECK_BYTES].hex()


def split(secret: Secret, m: int, n: int, coefficients: Sequence[Secret]) -> list[Share]:
    """Return n shares of a secret, any m of which give it back.

    :param m: 2 to n.  :param n: up to 255.
    :param coefficients: m - 1 random values as long as the secret, used once.
    :raises KeyStoreError: on other numbers or lengths.
    """
    if not 2 <= m <= n <= MOST_SHARES:
        raise KeyStoreError(f"shares: {m} of {n}, expected 2 or more, of at most {MOST_SHARES}")
    if len(coefficients) != m - 1 or any(len(c) != len(secret) for c in coefficients):
        raise KeyStoreError(f"shares: {len(coefficients)} coefficients, expected {m - 1} as long as the secret")
    return [Share(x, _polynomial(x, [secret, *coefficients])) for x in range(1, n + 1)]


def _polynomial(x: int, coefficients: Sequence[Secret]) -> Secret:
    """Return the value at x of each byte's polynomial, constant term first (Horner's rule)."""
    result = bytearray(len(coefficients[0]))
    for coefficient in reversed(coefficients):
        with coefficient.reveal() as clear:
            for place, byte in enumerate(clear):
                result[place] = _times(result[place], x) ^ byte
    return _taken(result, f"share {x}")


def combine(shares: Sequence[Share]) -> Secret:
    """Return the secret of m shares; of fewer, or of wrong ones, some other value.

    :raises KeyStoreError: on no share, an index twice, or lengths that differ.
    """
    indexes = [share.index for share in shares]
    if not shares or len(set(indexes)) != len(indexes):
        raise KeyStoreError(f"shares {indexes}: indexes must differ, and there must be some")
    if len({len(share.value) for share in shares}) != 1:
        raise KeyStoreError(f"shares {indexes}: lengths differ")
    result = bytearray(len(shares[0].value))
    for share in shares:
        weight = _weight(share.index, indexes)
        with share.value.reveal() as clear:
            for place, byte in enumerate(clear):
                result[place] ^= _times(byte, weight)
    return _taken(result, "shared secret")


def _weight(index: int, indexes: Sequence[int]) -> int:
    """Return the Lagrange coefficient of one share at x = 0."""
    weight = 1
    for other in indexes:
        if other != index:
            weight = _times(weight, _times(other, _inverse(other ^ index)))
    return weight


def _times(a: int, b: int) -> int:
    """Multiply in GF(2^8)."""
    product = 0
    while b:
        if b & 1:
            product ^= a
        a <<= 1
        if a & 0x100:
            a ^= _POLYNOMIAL
        b >>= 1
    return product


def _inverse(a: int) -> int:
    """Return a to the power of 254, the inverse of a in GF(2^8)."""
    result = 1
    for bit in f"{254:b}":
        result = _times(result, result)
        if bit == "1":
            result = _times(result, a)
    return result


def _taken(buffer: bytearray, name: str) -> Secret:
    """Move a buffer into a secret and wipe it."""
    secret = Secret(buffer, name)
    buffer[:] = bytes(len(buffer))
    return secret

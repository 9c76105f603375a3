"""The RSA keys of a payment card, and what it signs and deciphers with them (EMV Book 2, 6.5, 6.6, 7).

The card works with plain integers: `cryptography` has no RSA without padding. Test keys only, not constant in time.
"""

import hashlib
from dataclasses import dataclass
from math import gcd
from typing import Final

from .. import statuswords as sw
from ..errors import StatusWordError

EXPONENTS: Final = (3, 65_537)
SMALLEST, LARGEST = 64, 248  # bytes of a modulus
_HEAD, _SIGNED, _SHA1, _FILLER, _TAIL = b"\x6a", b"\x05", b"\x01", b"\xbb", b"\xbc"
_OVERHEAD: Final = 25  # bytes of a signed block beside the dynamic data
_CRT: Final = 5


@dataclass(frozen=True, slots=True, repr=False)
class PrivateKey:
    """A private key, by the Chinese remainder theorem or as one exponent.

    :ivar size: bytes of the modulus.  :ivar crt: p, q, d mod (p-1), d mod (q-1), q^-1 mod p; empty without.
    """

    modulus: int
    size: int
    exponent: int = 0
    crt: tuple[int, ...] = ()

    def apply(self, block: bytes) -> bytes:
        """The private operation on a block of the modulus' size."""
        number = int.from_bytes(block, "big")
        if not self.crt:
            return pow(number, self.exponent, self.modulus).to_bytes(self.size, "big")
        p, q, dp, dq, inverse = self.crt
        one, other = pow(number % p, dp, p), pow(number % q, dq, q)
        return (other + (one - other) * inverse % p * q).to_bytes(self.size, "big")


def from_crt(components: tuple[bytes, ...]) -> PrivateKey:
    """A key from its five components in the order of DGIs 8201 to 8205: q^-1 mod p, dQ, dP, q, p.

    :raises StatusWordError: 6A80 when their lengths differ, or they do not belong together.
    """
    half = len(components[-1])
    inverse, dq, dp, q, p = (int.from_bytes(part, "big") for part in components)
    modulus = p * q
    size = (modulus.bit_length() + 7) // 8
    fits = len({len(part) for part in components}) == 1 and size in (2 * half, 2 * half - 1)
    if not fits or not SMALLEST <= size <= LARGEST or p < 3 or q < 3 or inverse * q % p != 1:
        raise StatusWordError(sw.WRONG_DATA)
    if not any(e * dp % (p - 1) == 1 and e * dq % (q - 1) == 1 for e in EXPONENTS):
        raise StatusWordError(sw.WRONG_DATA)
    return PrivateKey(modulus, size, crt=(p, q, dp, dq, inverse))


def from_exponent(exponent: bytes, modulus: bytes) -> PrivateKey:
    """A key from DGIs 8101 and 8103.

    :raises StatusWordError: 6A80 when their lengths differ, or they do not belong together.
    """
    d, n = int.from_bytes(exponent, "big"), int.from_bytes(modulus, "big")
    size = len(modulus)
    if len(exponent) != size or not SMALLEST <= size <= LARGEST or not modulus[0] or gcd(n, 2) != 1 or not 1 < d < n:
        raise StatusWordError(sw.WRONG_DATA)
    if not any(pow(pow(2, d, n), e, n) == 2 for e in EXPONENTS):
        raise StatusWordError(sw.WRONG_DATA)
    return PrivateKey(n, size, exponent=d)


def signed_dynamic_data(key: PrivateKey, dynamic: bytes, terminal: bytes) -> bytes:
    """Tag 9F4B: ICC dynamic data, signed together with what the terminal knows (EMV Book 2, tables 15 and 18).

    :param dynamic: with all its length bytes; at most 38, which fit the shortest key.
    """
    room = key.size - _OVERHEAD - len(dynamic)
    body = _SIGNED + _SHA1 + bytes((len(dynamic),)) + dynamic + _FILLER * room
    return key.apply(_HEAD + body + hashlib.sha1(body + terminal, usedforsecurity=False).digest() + _TAIL)

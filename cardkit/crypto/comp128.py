"""COMP128, the 2G algorithm A3/A8 of cards whose operator had none of his own: versions 1, 2 and 3.

Never published by its owner; as known since 1998 (version 1) and 2013. A few ten thousand challenges give the Ki of a
version 1 card away, and it makes keys of 54 bits; so does version 2.
"""

from __future__ import annotations

from collections.abc import Callable

from cardkit.crypto.aka import checked, subscriber_key
from cardkit.crypto.comp128tables import V1, V23
from cardkit.crypto.secret import Secret
from cardkit.errors import EncodingError

ROUNDS = 8
LEVELS = 5
SRES_BYTES, KC_BYTES = 4, 8
KC_54_BITS, UNUSED_BITS = (1 << 54) - 1, 10


class Comp128:
    """A3 and A8 of one subscriber.

    :param version: 1, 2 or 3.  :param ki: 16 bytes.  :raises EncodingError: on another version or length.

    >>> Comp128(3, bytes.fromhex("aa" * 16)).a3a8(bytes(16))[0].hex()
    '34b4225b'
    """

    def __init__(self, version: int, ki: bytes | Secret) -> None:
        if version not in _VERSIONS:
            raise EncodingError(f"COMP128: version {version}, expected 1, 2 or 3")
        self._run = _VERSIONS[version]
        self._ki = subscriber_key(ki, "ki", 16)

    def a3a8(self, rand: bytes) -> tuple[bytes, bytes]:
        """Return SRES (4 bytes) and Kc (8 bytes) for RAND (16 bytes)."""
        checked("RAND", rand, 16)
        with self._ki.reveal() as ki:
            return self._run(bytes(ki), rand)


# Version 1


def _version_1(ki: bytes, rand: bytes) -> tuple[bytes, bytes]:
    right = rand
    for _ in range(ROUNDS - 1):
        right = _spread(_compress([*ki, *right]))
    nibbles = int("".join(f"{nibble:x}" for nibble in _compress([*ki, *right])), 16)
    kc = (nibbles & KC_54_BITS) << UNUSED_BITS
    return nibbles.to_bytes(16, "big")[:SRES_BYTES], kc.to_bytes(KC_BYTES, "big")


def _compress(cells: list[int]) -> list[int]:
    """Mix 32 bytes into 32 nibbles: five levels of butterflies, each with its table and half the distance."""
    distance = 16
    for table in V1:
        size = len(table)
        for a in (i for i in range(32) if not i & distance):
            left, right = cells[a], cells[a + distance]
            cells[a], cells[a + distance] = table[(left + 2 * right) % size], table[(2 * left + right) % size]
        distance //= 2
    return cells


def _spread(nibbles: list[int]) -> bytes:
    """Take every 17th of the 128 bits."""
    bits = "".join(f"{nibble:04b}" for nibble in nibbles)
    return int("".join(bits[17 * i % 128] for i in range(128)), 2).to_bytes(16, "big")


# Versions 2 and 3

# Bit i of the new right side comes from this bit of the 32 bytes: byte, bit in it.
_SOURCES = tuple(((19 * i + 19) % 256 // 8, (3 * i + 3) % 8) for i in range(128))


def _version_3(ki: bytes, rand: bytes) -> tuple[bytes, bytes]:
    left = rand[::-1]
    right = bytes(k ^ r for k, r in zip(ki[::-1], left, strict=True))
    for _ in range(ROUNDS):
        left = _round(left, right)
    out = left[::-1]
    return out[:SRES_BYTES], out[-KC_BYTES:]


def _version_2(ki: bytes, rand: bytes) -> tuple[bytes, bytes]:
    sres, kc = _version_3(ki, rand)
    return sres, (int.from_bytes(kc, "big") >> UNUSED_BITS << UNUSED_BITS).to_bytes(KC_BYTES, "big")


def _round(left: bytes, right: bytes) -> bytes:
    low, high = left, right
    for level in range(LEVELS):
        low, high = _level(low, high, 1 << level)
    mixed = low + high
    bits = (mixed[byte] >> bit & 1 for byte, bit in _SOURCES)
    return sum(bit << i for i, bit in enumerate(bits)).to_bytes(16, "little")


def _level(low: bytes, high: bytes, size: int) -> tuple[bytes, bytes]:
    """Substitute both halves and shuffle them in pieces of ``size`` bytes."""
    first = _substitute(high, low)
    second = _substitute(first, high)
    pieces = (half[at : at + size] for at in range(0, 16, size) for half in (first, second))
    shuffled = b"".join(pieces)
    return shuffled[:16], shuffled[16:]


def _substitute(outer: bytes, inner: bytes) -> bytes:
    s0, s1 = V23
    return bytes(s0[s1[a] ^ b] for a, b in zip(outer, inner, strict=True))


_VERSIONS: dict[int, Callable[[bytes, bytes], tuple[bytes, bytes]]] = {1: _version_1, 2: _version_2, 3: _version_3}

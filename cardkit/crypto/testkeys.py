"""Which keys are obviously test keys: published ones, counting bytes, one repeated byte (security.md K2).

A key nobody may look at is told by its check values instead, whichever method they were made by.
"""

from __future__ import annotations

import hmac
import itertools
from collections.abc import Mapping
from functools import cache

from cardkit.crypto.kcv import KCVMethod, kcv
from cardkit.errors import KeyStoreError

PUBLISHED = {
    # keys found in standards and in every sample code
    "GlobalPlatform default": "404142434445464748494A4B4C4D4E4F",
    "GEMXPRESSOSAMPLE": "47454D5850524553534F53414D504C45",
    "FIPS 197 appendix B": "2B7E151628AED2A6ABF7158809CF4F3C",
    "3GPP TS 35.208 set 1 K": "465B5CE8B199B49FAA5F0A2EE238A6BC",
    "EMV examples": "0123456789ABCDEFFEDCBA9876543210",
    "11 22 .. FF 00": "112233445566778899AABBCCDDEEFF00",
    "ICAO 9303-11 D.1 KEnc": "AB94FDECF2674FDFB9B391F85D7F76F2",
    "ICAO 9303-11 D.1 KMac": "7962D9ECE03D1ACD4C76089DCE131543",
    "PIV management key of blank cards": "010203040506070801020304050607080102030405060708",
}
# Check values are kept of these too: 3 bytes tell a few dozen keys apart, not every run of counting bytes.
_PATTERNS = {
    "all zero": bytes(16),
    "all FF": bytes([0xFF]) * 16,
    "00..0F": bytes(range(16)),
    "F0..FF": bytes(range(0xF0, 0x100)),
    "GlobalPlatform default, 24 bytes": bytes(range(0x40, 0x58)),
    "GlobalPlatform default, 32 bytes": bytes(range(0x40, 0x60)),
}
# Keys chip makers deliver cards with, by their reference in a store of test keys.
CARD_DEFAULTS = {
    "test:gp-default": ("AES-128", PUBLISHED["GlobalPlatform default"]),
    "test:gp-default-3des": ("3DES-128", PUBLISHED["GlobalPlatform default"]),
    "test:gp-default-aes192": ("AES-192", bytes(range(0x40, 0x58)).hex()),
    "test:gp-default-aes256": ("AES-256", bytes(range(0x40, 0x60)).hex()),
    "test:desfire-default": ("AES-128", "00" * 16),
    "test:gemxpresso": ("3DES-128", PUBLISHED["GEMXPRESSOSAMPLE"]),
}
_PUBLISHED_BYTES = {name: bytes.fromhex(value) for name, value in PUBLISHED.items()}


def known_test_key(key: bytes | bytearray) -> str | None:
    """Return what makes a clear key a test key, or None for one that could be real.

    >>> known_test_key(bytes(range(0x40, 0x60)))
    'counting bytes'
    """
    if len(set(key)) == 1:
        return "one repeated byte"
    if len(key) > 1 and all((b - a) % 256 == 1 for a, b in itertools.pairwise(key)):
        return "counting bytes"
    for name, published in _PUBLISHED_BYTES.items():
        if hmac.compare_digest(published, key):
            return name
    return None


def check_values(algorithm: str, key: bytes | bytearray) -> dict[KCVMethod, str]:
    """Return a clear key's check values by every method its algorithm has; none for a key that is for no cipher."""
    values = {}
    for method in KCVMethod:
        try:
            values[method] = kcv(algorithm, key, method)
        except KeyStoreError:
            continue
    return values


def known_by_check_value(algorithm: str, values: Mapping[KCVMethod, str]) -> str | None:
    """Return which published key has one of these check values, or None.

    :param algorithm: of the key, ``AES-128`` ...  :param values: by method, upper hex.

    >>> known_by_check_value("AES-128", {KCVMethod.ZERO: "189956"})
    'GlobalPlatform default'
    """
    known = _published_check_values(algorithm.partition("-")[0])
    return next((known[method, value] for method, value in values.items() if (method, value) in known), None)


@cache
def _published_check_values(family: str) -> dict[tuple[KCVMethod, str], str]:
    return {
        (method, value): name
        for name, key in (_PUBLISHED_BYTES | _PATTERNS).items()
        for method, value in check_values(family, key).items()
    }


def refuse_test_key(name: str, algorithm: str, key: bytes | bytearray) -> None:
    """Raise KeyStoreError for a key a live store must not hold (K2)."""
    known = known_test_key(key) or known_by_check_value(algorithm, check_values(algorithm, key))
    if known is not None:
        raise KeyStoreError(f"key {name}: a known test key ({known}), refused in a live store")

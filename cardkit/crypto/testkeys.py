"""Which keys are obviously test keys: published ones, counting bytes, one repeated byte (security.md K2)."""

from __future__ import annotations

import hmac
import itertools

PUBLISHED = {
    # 16-byte keys found in standards and in every sample code
    "GlobalPlatform default": "404142434445464748494A4B4C4D4E4F",
    "GEMXPRESSOSAMPLE": "47454D5850524553534F53414D504C45",
    "FIPS 197 appendix B": "2B7E151628AED2A6ABF7158809CF4F3C",
    "3GPP TS 35.208 set 1 K": "465B5CE8B199B49FAA5F0A2EE238A6BC",
    "EMV examples": "0123456789ABCDEFFEDCBA9876543210",
    "11 22 .. FF 00": "112233445566778899AABBCCDDEEFF00",
    "ICAO 9303-11 D.1 KEnc": "AB94FDECF2674FDFB9B391F85D7F76F2",
    "ICAO 9303-11 D.1 KMac": "7962D9ECE03D1ACD4C76089DCE131543",
}
# Keys chip makers deliver cards with, by their reference in a store of test keys.
CARD_DEFAULTS = {
    "test:gp-default": ("AES-128", PUBLISHED["GlobalPlatform default"]),
    "test:gp-default-3des": ("3DES-128", PUBLISHED["GlobalPlatform default"]),
    "test:gp-default-aes192": ("AES-192", bytes(range(0x40, 0x58)).hex()),
    "test:gp-default-aes256": ("AES-256", bytes(range(0x40, 0x60)).hex()),
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

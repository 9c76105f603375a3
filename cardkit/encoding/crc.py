"""Redundancy checks: CRC-16 and CRC-32 of secured packets (ISO/IEC 13239, ETSI TS 102 225 annex B), CRC_A.

The clauses and their examples are from memory; the figures were recomputed.
"""

from __future__ import annotations

import binascii
import zlib

# x^16 + x^12 + x^5 + 1, least significant bit first.
_POLYNOMIAL_16 = 0x8408
_ALL_ONES_16 = 0xFFFF


def crc16(data: bytes) -> bytes:
    """Return the 2-byte CRC.

    >>> crc16(bytes.fromhex("0102030405")).hex()
    '22ec'
    """
    value = _ALL_ONES_16
    for byte in data:
        value ^= byte
        for _ in range(8):
            value = value >> 1 ^ (_POLYNOMIAL_16 if value & 1 else 0)
    return (value ^ _ALL_ONES_16).to_bytes(2)


def crc32(data: bytes) -> bytes:
    """Return the 4-byte CRC.

    >>> crc32(bytes.fromhex("0102030405")).hex()
    '470b99f4'
    """
    return zlib.crc32(data).to_bytes(4)


# Every byte with its bits in the opposite order: a CRC of reflected bits becomes one the standard library has.
_REFLECTED = bytes(int(f"{byte:08b}"[::-1], 2) for byte in range(256))
_START_A = 0xC6C6  # 6363 with its bits in the opposite order


def crc_a(data: bytes) -> bytes:
    """Return the 2-byte CRC_A of contactless cards, low byte first (ISO/IEC 14443-3 annex B, from memory).

    >>> crc_a(bytes(2)).hex(), crc_a(bytes.fromhex("1234")).hex()
    ('a01e', '26cf')
    """
    value = binascii.crc_hqx(data.translate(_REFLECTED), _START_A)
    return bytes((_REFLECTED[value >> 8], _REFLECTED[value & 0xFF]))

"""Redundancy checks of secured packets: CRC-16 and CRC-32 of ISO/IEC 13239, as ETSI TS 102 225 annex B uses them.

The clause and its example are from memory; the figures were recomputed.
"""

from __future__ import annotations

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

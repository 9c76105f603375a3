"""Signatures that give back part of their message: ISO/IEC 9796-2 scheme 2, RSA-2048, SHA-256, no salt (sheet 6).

As Calypso's certificates use it: trailer BC, 222 bytes recovered.
"""

from __future__ import annotations

import hashlib
import hmac

from cardkit.errors import AuthenticationError, EncodingError

SIGNATURE_BYTES, RECOVERED_BYTES = 256, 222
_HASH_BYTES = 32
_DATA_BYTES = SIGNATURE_BYTES - _HASH_BYTES - 1
_TRAILER, _BORDER = 0xBC, 0x01
_FIRST_BIT = 0x80


def recover(modulus: bytes, exponent: int, clear: bytes, signature: bytes) -> bytes:
    """Return the part of a message that is in its signature, 222 bytes.

    :param modulus: 256 bytes.  :param clear: the part beside the signature.  :param signature: 256 bytes.
    :raises EncodingError: on another length.  :raises AuthenticationError: when it is no signature of this message.
    """
    if len(modulus) != SIGNATURE_BYTES or len(signature) != SIGNATURE_BYTES:
        raise EncodingError(
            f"signature of {len(signature)} bytes under a modulus of {len(modulus)}, expected {SIGNATURE_BYTES} each"
        )
    number, n = int.from_bytes(signature), int.from_bytes(modulus)
    encoded = pow(number, exponent, n).to_bytes(SIGNATURE_BYTES)
    masked, digest, trailer = encoded[:_DATA_BYTES], encoded[_DATA_BYTES:-1], encoded[-1]
    data = bytearray(a ^ b for a, b in zip(masked, _mask(digest, _DATA_BYTES), strict=True))
    data[0] &= ~_FIRST_BIT & 0xFF
    recovered = bytes(data[1:])
    length = (8 * RECOVERED_BYTES).to_bytes(8)
    expected = hashlib.sha256(length + recovered + hashlib.sha256(clear).digest()).digest()
    right = hmac.compare_digest(expected, digest)
    if not right or trailer != _TRAILER or data[0] != _BORDER or number >= n:
        raise AuthenticationError("certificate: its signature is wrong")
    return recovered


def _mask(seed: bytes, size: int) -> bytes:
    """Return MGF1 with SHA-256 (RFC 8017 B.2.1)."""
    blocks = range(-(-size // _HASH_BYTES))
    return b"".join(hashlib.sha256(seed + counter.to_bytes(4)).digest() for counter in blocks)[:size]

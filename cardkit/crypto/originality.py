"""Originality signatures: ECDSA on secp224r1 over a UID itself, which is not hashed (AN12196; transport sheet 3.14)."""

from __future__ import annotations

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import Prehashed, encode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA224

from cardkit.errors import EncodingError

HALF_BYTES = 28


def load_public(point: bytes) -> ec.EllipticCurvePublicKey:
    """Return a public key.  :param point: uncompressed, on secp224r1.  :raises EncodingError: where it is none."""
    try:
        return ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP224R1(), point)
    except ValueError:
        raise EncodingError(f"originality key: {len(point)} bytes, expected a point on secp224r1") from None


def verifies(point: bytes, uid: bytes, signature: bytes) -> bool:
    """Whether a signature of a UID is under a public key.

    :param uid: up to 28 bytes: it is the number that is signed.  :param signature: r and s, 28 bytes each.
    :raises EncodingError: where the point is none.
    """
    key = load_public(point)
    if len(signature) != 2 * HALF_BYTES:
        return False
    r, s = (int.from_bytes(half) for half in (signature[:HALF_BYTES], signature[HALF_BYTES:]))
    try:
        key.verify(encode_dss_signature(r, s), uid.rjust(HALF_BYTES, b"\0"), ec.ECDSA(Prehashed(SHA224())))
    except InvalidSignature:
        return False
    return True

"""Signatures that cards make on P-256, bare: r and s one behind the other."""

from __future__ import annotations

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA256

from cardkit.errors import AuthenticationError, EncodingError

_HALF, _UNCOMPRESSED = 32, b"\x04"


def verify_p256(public_key: bytes, message: bytes, signature: bytes) -> None:
    """Check a signature, ECDSA with SHA-256.

    :param public_key: X and Y, 64 bytes.  :param signature: r and s, 64 bytes.
    :raises EncodingError: where they are none.  :raises AuthenticationError: when it is wrong.
    """
    if len(signature) != 2 * _HALF:
        raise EncodingError(f"signature of {len(signature)} bytes, expected {2 * _HALF}")
    try:
        key = ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), _UNCOMPRESSED + public_key)
    except ValueError:
        raise EncodingError(f"public key of {len(public_key)} bytes, expected a point on P-256") from None
    r, s = (int.from_bytes(half) for half in (signature[:_HALF], signature[_HALF:]))
    try:
        key.verify(encode_dss_signature(r, s), message, ec.ECDSA(SHA256()))
    except InvalidSignature:
        raise AuthenticationError("signature of the card: wrong") from None

"""Key agreement on elliptic curves, for SCP11 (BSI TR-03111 4.3.1; GPCS Amendment F)."""

from __future__ import annotations

from cryptography.hazmat.primitives.asymmetric import ec

from cardkit.crypto.key import Key, Usage
from cardkit.crypto.private import PrivateKey
from cardkit.errors import EncodingError, KeyStoreError

UNCOMPRESSED = 0x04


def agree(key: PrivateKey, point: bytes) -> Key:
    """Return the X coordinate of an ECDH agreement, leading zeros kept.

    :param key: on an elliptic curve, with usage agree.
    :param point: the other side's public key, ``04 X Y``.
    :raises EncodingError: on a point of another form or not on the curve.  :raises KeyStoreError: on another key.
    """
    loaded = key.load()
    if key.usage is not Usage.AGREE or not isinstance(loaded, ec.EllipticCurvePrivateKey):
        raise KeyStoreError(f"key {key.name}: usage {key.usage}, a key agreement needs {Usage.AGREE}")
    shared = bytearray(loaded.exchange(ec.ECDH(), public_point(loaded.curve, point)))
    try:
        return Key(shared, f"{key.name} agreed", f"ECDH-{loaded.key_size}", Usage.MASTER_DERIVE)
    finally:
        shared[:] = bytes(len(shared))


def public_point(curve: ec.EllipticCurve, point: bytes) -> ec.EllipticCurvePublicKey:
    """Return the public key of an uncompressed point.

    :raises EncodingError: on a point of another form or not on the curve.
    """
    size = 1 + 2 * ((curve.key_size + 7) // 8)
    if len(point) != size or point[0] != UNCOMPRESSED:
        raise EncodingError(f"point on {curve.name}: {len(point)} bytes, expected {size} beginning with 04")
    try:
        return ec.EllipticCurvePublicKey.from_encoded_point(curve, point)
    except ValueError:
        raise EncodingError(f"point on {curve.name}: not on the curve") from None

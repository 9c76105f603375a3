"""Elliptic curves of the card: references, points, keys (GPCS Table B-2 for references, B.4 for the rest)."""

from typing import Final

from cryptography.hazmat.primitives.asymmetric import ec

from .. import statuswords as sw
from ..errors import StatusWordError
from .keysets import CardKeyEntry
from .protection import Random

KEY_EC_PUBLIC, KEY_EC_PRIVATE, KEY_EC_CURVE = 0xB0, 0xB1, 0xF0  # key types of GPCS Table 11-16

_CURVES: Final[dict[int, ec.EllipticCurve]] = {
    0x00: ec.SECP256R1(),
    0x01: ec.SECP384R1(),
    0x02: ec.SECP521R1(),
    0x03: ec.BrainpoolP256R1(),
    0x05: ec.BrainpoolP384R1(),
    0x07: ec.BrainpoolP512R1(),
}
_DRAWS: Final = 64


def curve(reference: bytes) -> ec.EllipticCurve:
    """The curve behind a key component F0.

    :raises StatusWordError: 6A80 for a reference this card does not know; the twisted Brainpool curves are such.
    """
    found = _CURVES.get(reference[0]) if len(reference) == 1 else None
    if found is None:
        raise StatusWordError(sw.WRONG_DATA)
    return found


def private_key(scalar: bytes, on: ec.EllipticCurve) -> ec.EllipticCurvePrivateKey:
    """:raises StatusWordError: 6A80 for 0, and from the order of the group on."""
    try:
        return ec.derive_private_key(int.from_bytes(scalar, "big"), on)
    except ValueError:
        raise StatusWordError(sw.WRONG_DATA) from None


def public_key(point: bytes, on: ec.EllipticCurve) -> ec.EllipticCurvePublicKey:
    """:param point: 04 X Y.  :raises StatusWordError: 6A80 unless it lies on the curve; infinity does not."""
    if point[:1] != b"\x04":
        raise StatusWordError(sw.WRONG_DATA)
    try:
        return ec.EllipticCurvePublicKey.from_encoded_point(on, point)
    except ValueError:
        raise StatusWordError(sw.WRONG_DATA) from None


def point_of(key: ec.EllipticCurvePublicKey) -> bytes:
    """The uncompressed point, 04 X Y."""
    numbers, size = key.public_numbers(), (key.curve.key_size + 7) // 8
    return b"\x04" + numbers.x.to_bytes(size, "big") + numbers.y.to_bytes(size, "big")


def draw(random: Random, on: ec.EllipticCurve) -> ec.EllipticCurvePrivateKey:
    """A new key pair: as many random bits as the curve has, again when the number is too large or 0.

    :raises StatusWordError: 6F00 when the source gives no usable number.
    """
    size = (on.key_size + 7) // 8
    for _ in range(_DRAWS):
        number = int.from_bytes(random(size), "big") & (1 << on.key_size) - 1
        try:
            return ec.derive_private_key(number, on)
        except ValueError:
            continue
    raise StatusWordError(sw.INTERNAL)


def _curve_of(key: CardKeyEntry) -> ec.EllipticCurve:
    return curve(dict(key.more).get(KEY_EC_CURVE, b"\x00"))


def private_of(key: CardKeyEntry) -> ec.EllipticCurvePrivateKey:
    """The private key of an entry.

    :raises StatusWordError: 6A88 when it is no such key.
    """
    if key.type != KEY_EC_PRIVATE:
        raise StatusWordError(sw.DATA_NOT_FOUND)
    return private_key(key.value, _curve_of(key))


def public_of(key: CardKeyEntry) -> ec.EllipticCurvePublicKey:
    """The public key of an entry.

    :raises StatusWordError: 6A88 when it is no such key.
    """
    if key.type != KEY_EC_PUBLIC:
        raise StatusWordError(sw.DATA_NOT_FOUND)
    return public_key(key.value, _curve_of(key))


def shared_secret(own: ec.EllipticCurvePrivateKey, other: ec.EllipticCurvePublicKey) -> bytes:
    """ECDH: the X coordinate.

    :raises StatusWordError: 6A80 when the keys are of different curves.
    """
    if own.curve.name != other.curve.name:
        raise StatusWordError(sw.WRONG_DATA)
    return own.exchange(ec.ECDH(), other)

"""Key pairs on elliptic curves that are made for one chip and go into it (ICAO Doc 9303-11 6.1, 6.2)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from cardkit.crypto import points
from cardkit.crypto.curves import Curve
from cardkit.crypto.secret import Secret
from cardkit.errors import KeyStoreError

_EXTRA_BYTES = 8  # of random, so that a scalar's distribution shows no bias (FIPS 186-4 B.4.1)


@dataclass(frozen=True, slots=True)
class ChipKey:
    """A chip's key pair.

    :param public: uncompressed point.  :param scalar: its private half, as long as the order.
    """

    curve: Curve
    public: bytes
    scalar: Secret = field(repr=False)


def make_chip_key(curve: Curve, rng: Callable[[int], bytes]) -> ChipKey:
    """Make a key pair.  :param rng: size -> random bytes."""
    number = int.from_bytes(rng(curve.scalar_size + _EXTRA_BYTES), "big") % (curve.n - 1) + 1
    return ChipKey(curve, _public(curve, number), Secret(number.to_bytes(curve.scalar_size, "big"), "chip key"))


def chip_key_of(curve: Curve, scalar: Secret) -> ChipKey:
    """Return the key pair of a private half.  :raises KeyStoreError: where it is none of this curve."""
    with scalar.reveal() as clear:
        number = int.from_bytes(clear, "big")
    if len(scalar) != curve.scalar_size or not 0 < number < curve.n:
        raise KeyStoreError(f"chip key: {len(scalar)} bytes are no private key on {curve.name}")
    return ChipKey(curve, _public(curve, number), scalar)


def _public(curve: Curve, number: int) -> bytes:
    fast = points.NATIVE.get(curve.name)
    if fast is not None:
        public = ec.derive_private_key(number, fast).public_key()
        return public.public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)
    point = points.multiply(curve, number, (curve.x, curve.y))
    assert point is not None
    return b"\x04" + b"".join(part.to_bytes(curve.size, "big") for part in point)

"""Key pairs for chips: made without bias, taken only where they are of the curve, by library and own arithmetic."""

from __future__ import annotations

import pytest

from cardkit.crypto import Secret, curves, points
from cardkit.crypto.chipkeys import chip_key_of, make_chip_key
from cardkit.errors import KeyStoreError

CURVES = [curves.BY_NAME[name] for name in ("P-256", "brainpoolP384r1", "brainpoolP192r1")]
EACH = pytest.mark.parametrize("curve", CURVES, ids=lambda curve: curve.name)


def point(curve, number):
    x, y = points.multiply(curve, number, (curve.x, curve.y))
    return b"\x04" + x.to_bytes(curve.size, "big") + y.to_bytes(curve.size, "big")


@EACH
def test_key_comes_from_eight_bytes_more_than_the_order_has(curve):
    """FIPS 186-4 B.4.1: a remainder of so many bytes shows no bias."""
    for number, scalar in ((0, 1), (5, 6), (curve.n - 2, curve.n - 1), (curve.n - 1, 1)):
        asked = []
        key = make_chip_key(curve, lambda size, n=number, a=asked: (a.append(size), n.to_bytes(size, "big"))[1])

        assert asked == [curve.scalar_size + 8]
        assert key.curve is curve
        assert key.public == point(curve, scalar)
        assert key.scalar == Secret(scalar.to_bytes(curve.scalar_size, "big"), "expected")
        assert key.scalar.name == "chip key"


@EACH
def test_key_of_a_private_half(curve):
    for number in (1, 2, curve.n - 1):
        scalar = Secret(number.to_bytes(curve.scalar_size, "big"), "given")
        key = chip_key_of(curve, scalar)

        assert (key.curve, key.public, key.scalar) == (curve, point(curve, number), scalar)


@EACH
def test_private_half_that_is_none_of_the_curve(curve):
    size = curve.scalar_size
    for value in (
        bytes(size),
        curve.n.to_bytes(size, "big"),
        b"\xff" * size,
        bytes(size) + b"\x01",
        b"\x01" * (size - 1),
    ):
        with pytest.raises(KeyStoreError, match=rf"^chip key: {len(value)} bytes are no private key on {curve.name}$"):
            chip_key_of(curve, Secret(value, "given"))

"""ECDSA and the tables of curves and groups: the library that has most of the curves says what is right."""

from __future__ import annotations

import hashlib

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import Prehashed, decode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA1, SHA256, SHA512

from cardkit.crypto import curves, primegroups
from cardkit.crypto.curves import Curve
from cardkit.crypto.ecdsa import verifies
from cardkit.crypto.groups import DhGroup, standardized_group

P256 = curves.BY_NAME["P-256"]
MESSAGE = b"a data group"


def signed(curve: Curve, known: ec.EllipticCurve, kind: SHA1 | SHA256 | SHA512):
    """A public point, a hash, and a signature of it the library made."""
    key = ec.derive_private_key(0x1234567, known)
    numbers = key.public_key().public_numbers()
    hashed = hashlib.new(kind.name, MESSAGE).digest()
    return (numbers.x, numbers.y), hashed, decode_dss_signature(key.sign(hashed, ec.ECDSA(Prehashed(kind))))


@pytest.mark.parametrize("kind", [SHA1(), SHA256(), SHA512()], ids=lambda kind: kind.name)
@pytest.mark.parametrize(
    ("curve", "known"),
    [(P256, ec.SECP256R1()), (curves.BY_NAME["brainpoolP384r1"], ec.BrainpoolP384R1())],
    ids=["P-256", "brainpoolP384r1"],
)
def test_signature_of_the_library_is_right(curve, known, kind):
    """Hashes shorter than the order, as long, and longer: of these the leftmost bits count."""
    public, hashed, (r, s) = signed(curve, known, kind)

    assert verifies(curve, public, hashed, r, s)
    assert verifies(curve, public, hashed, r, curve.n - s)


def test_signature_of_something_else_is_wrong():
    public, hashed, (r, s) = signed(P256, ec.SECP256R1(), SHA256())
    other = (public[0], P256.p - public[1])
    for given in (
        (public, hashlib.sha256(b"another").digest(), r, s), (other, hashed, r, s),
        (public, hashed, r ^ 1, s), (public, hashed, r, s ^ 1), (public, hashed, s, r),
    ):  # fmt: skip
        assert not verifies(P256, *given)


@pytest.mark.parametrize("half", [0, -1, P256.n, P256.n + 1])
def test_halves_out_of_range_are_wrong(half):
    """``r + n`` and ``s + n`` would verify, were they not out of range."""
    public, hashed, (r, s) = signed(P256, ec.SECP256R1(), SHA256())

    assert not verifies(P256, public, hashed, half, s)
    assert not verifies(P256, public, hashed, r, half)
    assert not verifies(P256, public, hashed, r + P256.n, s)
    assert not verifies(P256, public, hashed, r, s + P256.n)


def test_sum_at_infinity_is_wrong():
    """With hash 1 and the public key -G, any r = 1 asks for (G - G) / s."""
    public, hashed = (P256.x, P256.p - P256.y), (1).to_bytes(32, "big")

    assert not verifies(P256, public, hashed, 1, 5)


def test_curves_are_known_by_their_parameters():
    for curve in curves.CURVES:
        assert curves.matching(curve.p, curve.a, curve.b, curve.n) is curve
        assert curves.matching(curve.p, curve.a - curve.p, curve.b, curve.n) is curve
        for change in ((1, 0, 0, 0), (0, 1, 0, 0), (0, 0, 1, 0), (0, 0, 0, 1)):
            given = (value + by for value, by in zip((curve.p, curve.a, curve.b, curve.n), change, strict=True))
            assert curves.matching(*given) is None
    assert curves.matching(0, 1, 2, 3) is None


def test_prime_groups_are_known_by_prime_and_generator():
    for group in primegroups.PRIME_GROUPS:
        assert primegroups.matching(group.p, group.g) is group
        assert primegroups.matching(group.p, group.g + 1) is None
        assert primegroups.matching(group.p + 2, group.g) is None


def test_short_form_of_a_public_key():
    """Of a point its x coordinate, of a number its SHA-1 (TR-03110-3 A.2.2.3)."""
    number, point = bytes(range(1, 129)), b"\x04" + bytes(range(64))
    group = standardized_group(0)

    assert isinstance(group, DhGroup)
    assert group.compressed(number) == hashlib.sha1(number).digest()
    assert standardized_group(12).compressed(point) == bytes(range(32))

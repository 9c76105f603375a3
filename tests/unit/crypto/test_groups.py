"""Key pairs on curves and prime groups: the library and plain arithmetic say what is right."""

from __future__ import annotations

import re

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from cardkit.crypto import Secret, curves, primegroups
from cardkit.crypto.groups import DhGroup, EcGroup, KeyPair, standardized_group
from cardkit.errors import EncodingError

P256 = curves.BY_NAME["P-256"]
EC = EcGroup(P256)
PRIMES = primegroups.PRIME_GROUPS[0]
DH = DhGroup(PRIMES)


def library_key(scalar):
    return ec.derive_private_key(scalar, ec.SECP256R1())


def point_of(key):
    return key.public_key().public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)


@pytest.mark.parametrize(("number", "scalar"), [(0, 1), (5, 6), (P256.n - 2, P256.n - 1), (P256.n - 1, 1)])
def test_key_pair_comes_from_eight_bytes_more_than_the_order_has(number, scalar):
    """FIPS 186-4 B.4.1: so the remainder shows no bias."""
    asked = []

    def random(size):
        asked.append(size)
        return number.to_bytes(size, "big")

    pair = EC.key_pair(random)
    assert asked == [40]
    assert pair.public == point_of(library_key(scalar))


def test_both_sides_agree_as_the_library_does():
    ours, theirs = library_key(7), library_key(11)
    expected = ours.exchange(ec.ECDH(), theirs.public_key())

    assert KeyPair(EC, 7).agree(point_of(theirs)) == Secret(expected, "expected")
    assert KeyPair(DH, 7).agree(pow(PRIMES.g, 11, PRIMES.p).to_bytes(PRIMES.size, "big")) == Secret(
        pow(PRIMES.g, 77, PRIMES.p).to_bytes(PRIMES.size, "big"), "expected"
    )


def test_mapped_generator_is_the_nonce_times_the_old_one_and_what_was_agreed():
    """With the keys 7 and 11 and the nonce 5, the new generator is (5 + 77) G (9303-11 4.4.3.3.1)."""
    on_curve = KeyPair(EC, 7).mapped(Secret(b"\x05", "nonce"), point_of(library_key(11)))
    modulo = KeyPair(DH, 7).mapped(Secret(b"\x05", "nonce"), DH.public(11))

    assert on_curve.public(1) == point_of(library_key(82))
    assert modulo.public(1) == pow(PRIMES.g, 82, PRIMES.p).to_bytes(PRIMES.size, "big")


@pytest.mark.parametrize(
    ("public", "why"),
    [
        (b"", "0 bytes, expected 65 beginning with 04"),
        (b"\x02" + bytes(64), "65 bytes, expected 65 beginning with 04"),
        (b"\x04" + bytes(63), "64 bytes, expected 65 beginning with 04"),
        (b"\x04" + bytes(64), "65 bytes, not on the curve"),
    ],
)
def test_bytes_that_are_no_point(public, why):
    with pytest.raises(EncodingError, match=rf"^public key on P-256: {why}$"):
        KeyPair(EC, 7).agree(public)


def test_what_ends_at_infinity():
    back = point_of(library_key(P256.n - 5))
    with pytest.raises(EncodingError, match=r"^public key on P-256: 65 bytes, mapped to the point at infinity$"):
        KeyPair(EC, 1).mapped(Secret(b"\x05", "nonce"), back)
    with pytest.raises(EncodingError, match=r"^public key on P-256: 65 bytes, agreed on the point at infinity$"):
        EC.shared(P256.n, back)
    with pytest.raises(EncodingError, match=r"^private key on P-256: a multiple of the order$"):
        EC.public(2 * P256.n)


def test_point_whose_x_coordinate_is_zero_is_on_the_curve():
    """Coordinates go from zero up to the prime, and no further: x + p would name the same point again."""
    root = pow(P256.b, (P256.p + 1) // 4, P256.p)

    assert P256.contains(0, root)
    assert not P256.contains(P256.p, root)
    assert not P256.contains(0, root + P256.p)
    assert not P256.contains(0, root - P256.p)
    assert not P256.contains(-P256.p, root)


@pytest.mark.parametrize("number", [0, 1, PRIMES.p - 1, PRIMES.p])
def test_numbers_of_a_small_group_are_no_keys(number):
    what = re.escape(f"public key on {PRIMES.name}: ")
    with pytest.raises(EncodingError, match=rf"^{what}{PRIMES.size} bytes, not of the subgroup$"):
        KeyPair(DH, 7).agree(number.to_bytes(PRIMES.size, "big"))
    with pytest.raises(EncodingError, match=rf"^{what}1 bytes, expected {PRIMES.size}$"):
        KeyPair(DH, 7).agree(b"\x02")


def test_domain_parameters_that_are_reserved():
    with pytest.raises(EncodingError, match=r"^standardized domain parameters 3: reserved for future use$"):
        standardized_group(3)

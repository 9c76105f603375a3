"""RSA keys made for a card: their parts in the order a card takes them, against a key and its parts from elsewhere."""

from __future__ import annotations

import json
from math import lcm
from pathlib import Path

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from cardkit.crypto import MemoryKeyStore
from cardkit.crypto.cardrsa import CardRsaKey, from_numbers
from cardkit.crypto.emvrsa import RsaPublicKey
from cardkit.crypto.secret import Secret, joined
from cardkit.errors import KeyStoreError

VECTORS = Path(__file__).parents[2] / "vectors" / "emv_oda.json"


def test_parts_stand_in_the_order_of_the_groupings():
    """A key of a public card simulator and its CRT parts as DGI 8201 to 8205."""
    (vector,) = (item for item in json.loads(VECTORS.read_text()) if item["out"]["kind"] == "icc_private_key")
    n, d, p, q = (int(vector["in"][name], 16) for name in "ndpq")
    numbers = rsa.RSAPrivateNumbers(
        p, q, d, rsa.rsa_crt_dmp1(d, p), rsa.rsa_crt_dmq1(d, q), rsa.rsa_crt_iqmp(p, q), rsa.RSAPublicNumbers(3, n)
    )
    key = from_numbers(numbers)
    expected = [vector["out"]["dgi"][name] for name in ("8201", "8202", "8203", "8204", "8205")]
    assert [joined((part,)).hex().upper() for part in key.crt] == expected
    assert (key.public.modulus.hex().upper(), key.public.exponent) == (vector["in"]["n"], b"\x03")


def of_file(bits, exponent):
    """Return a key pair that was made once, for making one takes long."""
    data = (VECTORS.parent / "keys" / f"emv-{bits}-{exponent}.der").read_bytes()
    return from_numbers(serialization.load_der_private_key(data, None).private_numbers())


@pytest.mark.parametrize("exponent", [3, 65537])
@pytest.mark.parametrize("bits", [1024, 1152, 1408, 1984])
def test_a_pair_that_fits_passes(bits, exponent):
    of_file(bits, exponent).check()


@pytest.mark.parametrize("place", range(7))
def test_a_pair_with_any_part_changed_does_not_pass(place):
    """CRT parts in their order, then d, then the modulus."""
    key = of_file(1024, 3)
    values = [bytearray(joined((part,))) for part in (*key.crt, key.exponent)] + [bytearray(key.public.modulus)]
    values[place][-1] ^= 2
    *parts, d, modulus = values
    public = RsaPublicKey(bytes(modulus), key.public.exponent)
    with pytest.raises(KeyStoreError, match="not of one pair"):
        CardRsaKey(public, tuple(Secret(part, "part") for part in parts), Secret(d, "d")).check()


def test_a_pair_of_numbers_that_are_no_primes_does_not_pass():
    """All parts fit together; only calculating with them finds it out."""
    p, q = (3 << 510) + 0x5B1, (3 << 510) + 0xBC9
    d = pow(65537, -1, lcm(p - 1, q - 1))
    public = rsa.RSAPublicNumbers(65537, p * q)
    numbers = rsa.RSAPrivateNumbers(p, q, d, d % (p - 1), d % (q - 1), pow(q, -1, p), public)
    with pytest.raises(KeyStoreError, match="a signature is not verified"):
        from_numbers(numbers).check()


def test_a_new_key_does_what_it_says():
    key = MemoryKeyStore().make_card_rsa(1024, 3)
    n, d = int.from_bytes(key.public.modulus, "big"), int.from_bytes(joined((key.exponent,)), "big")
    assert key.public.bits == 1024
    assert pow(pow(0xC0FFEE, d, n), 3, n) == 0xC0FFEE
    assert [len(part) for part in key.crt] == [64] * 5


@pytest.mark.parametrize(("bits", "exponent"), [(1016, 3), (1032, 3), (2064, 3), (1024, 5), (1024, 2)])
def test_a_size_or_exponent_that_no_card_has_is_refused(bits, exponent):
    with pytest.raises(KeyStoreError, match="expected 1024 to 2048 bits in steps of 16 with 3 or 65537"):
        MemoryKeyStore().make_card_rsa(bits, exponent)

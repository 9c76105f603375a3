"""RSA keys made for a card: their parts in the order a card takes them, against a key and its parts from elsewhere."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric import rsa

from cardkit.crypto import MemoryKeyStore
from cardkit.crypto.cardrsa import from_numbers
from cardkit.crypto.secret import joined
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


def test_a_new_key_does_what_it_says():
    key = MemoryKeyStore().make_card_rsa(1024, 3)
    n, d = int.from_bytes(key.public.modulus, "big"), int.from_bytes(joined((key.exponent,)), "big")
    assert key.public.bits == 1024
    assert pow(pow(0xC0FFEE, d, n), 3, n) == 0xC0FFEE
    assert [len(part) for part in key.crt] == [64] * 5


@pytest.mark.parametrize(("bits", "exponent"), [(1016, 3), (1032, 3), (2048, 3), (1024, 5), (1024, 2)])
def test_a_size_or_exponent_that_no_card_has_is_refused(bits, exponent):
    with pytest.raises(KeyStoreError, match="expected 1024 to 1984 bits in steps of 16 with 3 or 65537"):
        MemoryKeyStore().make_card_rsa(bits, exponent)

"""Key pairs made ahead in processes: each is whole, and given once."""

from __future__ import annotations

import pytest

from cardkit.crypto import MemoryKeyStore
from cardkit.crypto.rsapool import CardRsaPool
from cardkit.errors import KeyStoreError


def test_a_store_takes_its_card_keys_from_a_pool():
    store = MemoryKeyStore()
    with CardRsaPool(wanted=2, processes=1) as pool:
        store.card_rsa_source = pool
        keys = [store.make_card_rsa(1024, 65537) for _ in range(3)]
    for key in keys:
        key.check()
    assert len({key.public.modulus for key in keys}) == 3
    assert {(key.public.bits, key.public.exponent) for key in keys} == {(1024, b"\x01\x00\x01")}


def test_what_goes_wrong_in_a_process_is_told():
    with CardRsaPool(wanted=1, processes=1) as pool, pytest.raises(KeyStoreError, match="RSA of 2048 bits"):
        pool(2048, 3)

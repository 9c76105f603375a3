"""Key pairs made ahead in processes: each is whole, and given once."""

from __future__ import annotations

import os
from concurrent.futures import Future

import pytest

from cardkit.crypto import MemoryKeyStore, rsapool
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
    with CardRsaPool(wanted=1, processes=1) as pool, pytest.raises(KeyStoreError, match="RSA of 2064 bits"):
        pool(2064, 3)


def test_what_a_process_makes_is_opened_under_its_number_alone():
    rsapool._begin(bytes(range(32)))
    sealed = rsapool._make(7, 1024, 3)
    cipher = rsapool._cipher(bytes(range(32)))
    pair = rsapool._unpacked(cipher.open(rsapool._address(7), sealed), 128)

    pair.check()
    assert (pair.public.bits, pair.public.exponent) == (1024, b"\x03")
    assert sealed != rsapool._make(7, 1024, 3)
    with pytest.raises(KeyStoreError, match="does not open under card RSA pool"):
        cipher.open(rsapool._address(8), sealed)


def test_pool_makes_as_many_as_are_wanted_and_no_more(monkeypatch):
    """Two ahead for each process, until all that are wanted are begun; beyond them one by one."""
    begun = []

    class Pool:
        def __init__(self, count, *_, **__):
            self.count = count

        def submit(self, make, number, bits, exponent):
            begun.append((number, bits, exponent))
            done = Future()
            done.set_result(sealed)
            return done

    monkeypatch.setattr(rsapool, "ProcessPoolExecutor", Pool)
    monkeypatch.setattr(rsapool, "_unpacked", lambda data, size: (data, size))
    monkeypatch.setattr(rsapool.CellCipher, "open", lambda self, address, data: address.record_no)
    sealed = b"sealed"
    pool = CardRsaPool(wanted=5, processes=1)

    taken = [pool(1024, 3) for _ in range(2)] + [pool(1152, 3) for _ in range(3)]
    assert taken == [(1, 128), (2, 128), (4, 144), (5, 144), (6, 144)]
    assert begun == [(1, 1024, 3), (2, 1024, 3), (3, 1024, 3), (4, 1152, 3), (5, 1152, 3), (6, 1152, 3)]
    assert CardRsaPool(1)._pool.count == (os.cpu_count() or 1)

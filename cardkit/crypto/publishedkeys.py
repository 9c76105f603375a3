"""Subscriber keys that everybody knows: those of the standards' test data, and those of one byte over and over."""

from __future__ import annotations

from cardkit.crypto.secret import Secret

HOME_KEY_A_BYTES = 32

# K, OP, OPc of 3GPP TS 35.207 and 35.208; K, TOP, TOPc of TS 35.233; bytes that count.
PUBLISHED = frozenset(
    bytes.fromhex(value)
    for value in (
        "465b5ce8b199b49faa5f0a2ee238a6bc",
        "cdc202d5123e20f62b6d676ac72cb318",
        "cd63cb71954a9f4e48a5994e37a02baf",
        "0396eb317b6d1c36f19c1c84cd6ffd16",
        "ff53bade17df5d4e793073ce9d7579fa",
        "53c15671c60a4b731c55b4a441c0bde2",
        "fec86ba6eb707ed08905757b1bb44b8f",
        "dbc59adcb6f9a0ef735477b7fadf8374",
        "1006020f0a478bf6b699f15c062e42b3",
        "9e5944aea94b81165c82fbf9f32db751",
        "223014c5806694c007ca1eeef57f004f",
        "a64a507ae1a2a98bb88eb4210135dc87",
        "4ab1deb05ca6ceb051fc98e77d026a84",
        "2d16c5cd1fdf6b22383584e3bef2a8d8",
        "dcf07cbd51855290b92a07a9891e523e",
        "6c38a116ac280c454f59332ee35c8c4f",
        "1ba00a1a7c6700ac8c3ff3e96ad08725",
        "3803ef5363b947c6aaa225e58fae3934",
        "bd04d9530e87513c5d837ac2ad954623a8e2330c115305a73eb45d1f40cccbff",
        "fffefdfcfbfaf9f8f7f6f5f4f3f2f1f0efeeedecebeae9e8e7e6e5e4e3e2e1e0",
        "808182838485868788898a8b8c8d8e8f909192939495969798999a9b9c9d9e9f",
        "305425427e18c503c8a4b294ea72c95d0c36c6c6b29d0c65de5974d5977f8524",
        "b8da837a50652d6ac7c97da14f6acc61",
        "0952be13556c32ebc58195d9dd930493e12a9003669988ffde5fa1f0fe35cc01",
        "2bc16eb657a68e1f446f08f57c0efb1d493527a2e652ce281eb6ca0e4487760a",
        "1574ca56881d05c189c82880f789c9cd4244955f4426aa2b69c29f15770e5aa5",
        "e59f6eb10ea406813f4991b0b9e02f181edf4c7e17b480f66d34da35ee88c95e",
        "3c6052e41532a28a47aa3cbb89f223e8f3aaa976aecd48bc3e7d6165a55eff62",
        "b04a66f26c62fcd6c82de22a179ab65506ecf47f56245cd149966cfa9cec7a51",
        "000102030405060708090a0b0c0d0e0f",
        "00112233445566778899aabbccddeeff",
        "404142434445464748494a4b4c4d4e4f",
        "303132333435363738393a3b3c3d3e3f",
    )
)

# Home network keys of TS 33.501 C.4: profile A, and the X coordinate of profile B.
PUBLISHED_HOME_KEYS = frozenset(
    bytes.fromhex(value)
    for value in (
        "5a8d38864820197c3394b92613b20b91633cbd897119273bf8e4a6f4eec0a650",
        "72da71976234ce833a6907425867b82e074d44ef907dfb4b3e21c1c2256ebcd1",
    )
)


def is_published_home_key(key: bytes) -> bool:
    """Whether everybody knows the private key to a home network's public key of 32, 33 or 65 bytes."""
    return (key if len(key) == HOME_KEY_A_BYTES else key[1:33]) in PUBLISHED_HOME_KEYS


def weakness_of(key: Secret) -> str | None:
    """Say why a key must not be on a card that is sold; None if nothing is known against it."""
    with key.reveal() as clear:
        if len(set(clear)) == 1:
            return "one byte over and over"
        return "a published test key" if bytes(clear) in PUBLISHED else None

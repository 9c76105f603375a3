"""One block under a key known by value, against published examples."""

from __future__ import annotations

import pytest

from cardkit.crypto import Secret
from cardkit.crypto.challengeresponse import decrypt_block, encrypt_block
from cardkit.errors import KeyStoreError

# FIPS 197 appendix C.1 and C.3; DES as J. O. Grabbe's worked example has it, one key three times.
EXAMPLES = [
    ("AES-128", bytes(range(16)).hex(), "00112233445566778899aabbccddeeff", "69c4e0d86a7b0430d8cdb78070b4c55a"),
    ("AES-256", bytes(range(32)).hex(), "00112233445566778899aabbccddeeff", "8ea2b7ca516745bfeafc49904b496089"),
    ("3DES-192", "133457799bbcdff1" * 3, "0123456789abcdef", "85e813540f0ab405"),
]


@pytest.mark.parametrize(("algorithm", "key", "clear", "sealed"), EXAMPLES)
def test_published_blocks(algorithm, key, clear, sealed):
    secret = Secret(bytes.fromhex(key), "key")
    assert encrypt_block(algorithm, secret, bytes.fromhex(clear)).hex() == sealed
    assert decrypt_block(algorithm, secret, bytes.fromhex(sealed)).hex() == clear


@pytest.mark.parametrize(
    ("algorithm", "size", "block"), [("AES-128", 16, 8), ("3DES-192", 24, 16), ("AES-128", 15, 16)]
)
def test_other_sizes_are_refused_without_the_key(algorithm, size, block):
    with pytest.raises(KeyStoreError) as caught:
        encrypt_block(algorithm, Secret(b"\xa7" * size, "key"), bytes(block))
    assert "a7a7" not in str(caught.value).lower()

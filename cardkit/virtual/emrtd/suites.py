"""The four suites of eMRTD protocols: 3DES, AES-128, AES-192, AES-256 (ICAO Doc 9303-11 9.7, 9.8)."""

import hashlib
from dataclasses import dataclass
from typing import Final

from ..gp.crypto import (
    AES_BLOCK,
    DES_BLOCK,
    aes_cbc,
    aes_cbc_decrypt,
    aes_cmac,
    aes_ecb,
    des3_cbc,
    des3_cbc_decrypt,
    retail_mac,
    retail_mac_of_blocks,
)

ENCRYPTION, MAC, PASSWORD = 1, 2, 3  # counters of the key derivation function
MAC_SIZE: Final = 8
_SHA1_KEY: Final = 16  # keys up to here are derived with SHA-1


@dataclass(frozen=True, slots=True)
class Suite:
    """A block cipher and what is derived for it.

    :ivar size: bytes of a key.  :ivar block: bytes of a block.  :ivar aes: else triple DES with two keys.
    """

    size: int
    block: int
    aes: bool

    def derive(self, secret: bytes, counter: int, nonce: bytes = b"") -> bytes:
        """KDF(K, c) of Doc 9303-11 9.7.1; with a nonce, as chip authentication version 2 derives."""
        data = secret + nonce + counter.to_bytes(4, "big")
        if self.size > _SHA1_KEY:
            return hashlib.sha256(data).digest()[: self.size]
        key = hashlib.sha1(data, usedforsecurity=False).digest()[: self.size]
        return key if self.aes else bytes(_odd(byte) for byte in key)

    def encrypt(self, key: bytes, data: bytes, iv: bytes | None = None) -> bytes:
        """CBC over whole blocks; IV zero when there is none."""
        vector = bytes(self.block) if iv is None else iv
        return aes_cbc(key, data, vector) if self.aes else des3_cbc(key, data, vector)

    def decrypt(self, key: bytes, data: bytes, iv: bytes | None = None) -> bytes:
        """The reverse of `encrypt`."""
        vector = bytes(self.block) if iv is None else iv
        return aes_cbc_decrypt(key, data, vector) if self.aes else des3_cbc_decrypt(key, data, vector)

    def message_iv(self, key: bytes, counter: bytes) -> bytes:
        """The IV of one protected message: its counter, enciphered (9.8.6.1); zero with 3DES."""
        return aes_ecb(key, counter) if self.aes else bytes(self.block)

    def mac_of_blocks(self, key: bytes, padded: bytes) -> bytes:
        """The MAC of secure messaging over data that are padded to whole blocks."""
        return aes_cmac(key, padded)[:MAC_SIZE] if self.aes else retail_mac_of_blocks(key, padded)

    def token(self, key: bytes, data: bytes) -> bytes:
        """An authentication token: over data as they are with AES, padded with 3DES (4.4.3.4)."""
        return aes_cmac(key, data)[:MAC_SIZE] if self.aes else retail_mac(key, data)


TRIPLE_DES: Final = Suite(16, DES_BLOCK, aes=False)
AES128, AES192, AES256 = (Suite(size, AES_BLOCK, aes=True) for size in (16, 24, 32))
BY_NUMBER: Final = {1: TRIPLE_DES, 2: AES128, 3: AES192, 4: AES256}  # last part of protocol identifiers


def _odd(byte: int) -> int:
    """A byte of a DES key with odd parity."""
    return byte & 0xFE | (byte.bit_count() - (byte & 1)) % 2 ^ 1

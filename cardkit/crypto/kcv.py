"""Key check values: four methods, and a value never travels without its method (ANSI X9.24-1 annex A, GP SCP03)."""

from __future__ import annotations

from enum import StrEnum
from typing import cast

from cryptography.hazmat.primitives.ciphers import BlockCipherAlgorithm, Cipher, algorithms, modes
from cryptography.hazmat.primitives.cmac import CMAC

from cardkit.errors import KeyStoreError

try:
    from cryptography.hazmat.decrepit.ciphers.algorithms import TripleDES
except ImportError:  # cryptography before 43
    from cryptography.hazmat.primitives.ciphers.algorithms import TripleDES


class KCVMethod(StrEnum):
    """How a key check value was made."""

    ZERO = "zero_block_ecb"
    ONES = "ones_block_ecb"
    CMAC_3 = "cmac_zero_block_3"
    CMAC_5 = "cmac_zero_block_5"


def block_cipher(algorithm: str, key: bytes | bytearray) -> BlockCipherAlgorithm:
    """Return the block cipher of a key.

    :param algorithm: ``AES`` or ``3DES``, with or without ``-bits``.  :param key: 16, 24 or 32 bytes (3DES: 16 or 24).
    :raises KeyStoreError: on another algorithm, or a length it does not have.
    """
    family = algorithm.partition("-")[0]
    if family == "AES" and len(key) in (16, 24, 32):
        return algorithms.AES(key)
    if family == "3DES" and len(key) in (16, 24):
        return TripleDES(cast("bytes", expand_3des(key)))  # any buffer will do
    raise KeyStoreError(f"key of {len(key)} bytes: no block cipher {algorithm} has that length")


def expand_3des(key: bytes | bytearray) -> bytes | bytearray:
    """Return the 24-byte form of a two-key (16-byte) 3DES key, K1 K2 K1; the only place that does so."""
    return key + key[:8] if len(key) == 16 else key


def kcv(algorithm: str, key: bytes | bytearray, method: KCVMethod) -> str:
    """Return the key check value of a clear key as upper hex.

    :param algorithm: as in :func:`block_cipher`.  :param key: the clear key.
    :returns: 6 hex digits, 10 for ``CMAC_5``.
    :raises KeyStoreError: where the algorithm, length or method does not fit.

    >>> kcv("AES", bytes(range(0x40, 0x50)), KCVMethod.ONES)
    '504A77'
    """
    cipher = block_cipher(algorithm, key)
    size = cipher.block_size // 8
    if method is KCVMethod.ONES and size != 16:
        raise KeyStoreError(f"KCV of a {algorithm} key: {method} is for AES keys only")
    if method in (KCVMethod.CMAC_3, KCVMethod.CMAC_5):
        mac = CMAC(cipher)
        mac.update(bytes(size))
        return mac.finalize()[: 5 if method is KCVMethod.CMAC_5 else 3].hex().upper()
    block = b"\x01" * size if method is KCVMethod.ONES else bytes(size)
    encryptor = Cipher(cipher, modes.ECB()).encryptor()  # noqa: S305  a check value is one block
    return encryptor.update(block)[:3].hex().upper()

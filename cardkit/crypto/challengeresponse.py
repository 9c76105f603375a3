"""Answers to a card's challenge: one block under a key that is known by value, as the chip's maker or an order gave it.

Such a key may be weak, as published defaults are (PIV: one DES key three times), which no :class:`~.key.Key` may be.
"""

from __future__ import annotations

from cryptography.hazmat.primitives.ciphers import Cipher, modes

from cardkit.crypto.kcv import block_cipher
from cardkit.crypto.secret import Secret
from cardkit.errors import KeyStoreError


def encrypt_block(algorithm: str, key: Secret, block: bytes) -> bytes:
    """Return one block under a key.

    :param algorithm: ``3DES`` or ``AES``, with or without ``-bits``.
    :raises KeyStoreError: on a key of another length, or data of another size than one block.
    """
    encryptor = _cipher(algorithm, key, block).encryptor()
    return encryptor.update(block) + encryptor.finalize()


def decrypt_block(algorithm: str, key: Secret, block: bytes) -> bytes:
    """Return what one block holds.  :raises KeyStoreError: as :func:`encrypt_block`."""
    decryptor = _cipher(algorithm, key, block).decryptor()
    return decryptor.update(block) + decryptor.finalize()


def _cipher(algorithm: str, key: Secret, block: bytes) -> Cipher[modes.ECB]:
    with key.reveal() as clear:
        cipher = block_cipher(algorithm, clear)
    if 8 * len(block) != cipher.block_size:
        raise KeyStoreError(f"{key.name}: {len(block)} bytes, a block of {algorithm} has {cipher.block_size // 8}")
    return Cipher(cipher, modes.ECB())  # noqa: S305  one block, random

"""Cipher block chaining on contexts that stay: a session makes its ciphers once, and chooses an IV for each message.

A running CBC context is started anew with any IV by mixing the block it would chain with out of the first block.
"""

from __future__ import annotations

from cryptography.hazmat.primitives.ciphers import Cipher, modes

from cardkit.crypto.kcv import block_cipher
from cardkit.errors import EncodingError

_number = int.from_bytes  # big-endian, as everything here; looked up once, a command needs it five times


def _misfit(data: bytes, iv: bytes, size: int) -> EncodingError:
    return EncodingError(
        f"CBC: got {len(data)} bytes and an IV of {len(iv)}, expected one or more blocks of {size} and an IV of one"
    )


class CbcEncryptor:
    """CBC encryption under one key.

    :param algorithm: ``AES`` or ``3DES``, with or without ``-bits``.  :param key: 16, 24 or 32 bytes (3DES: 16 or 24).
    :raises KeyStoreError: on another algorithm, or a length it does not have.

    >>> CbcEncryptor("AES", bytes(range(0x40, 0x50))).encrypt(b"\\x01" * 16)[:3].hex()
    '504a77'
    """

    __slots__ = ("_context", "_last", "block_size")

    def __init__(self, algorithm: str, key: bytes | bytearray) -> None:
        cipher = block_cipher(algorithm, key)
        self.block_size = cipher.block_size // 8
        self._context = Cipher(cipher, modes.CBC(bytes(self.block_size))).encryptor()
        self._last = 0  # the block the context chains with

    def encrypt(self, data: bytes, iv: bytes = b"") -> bytes:
        """Return the ciphertext.

        :param data: one or more whole blocks.  :param iv: one block; empty for zeros.
        :raises EncodingError: on part of a block or no block.
        """
        size = self.block_size
        if not data or len(data) % size or (iv and len(iv) != size):
            raise _misfit(data, iv, size)
        first = _number(data[:size]) ^ self._last
        if iv:
            first ^= _number(iv)
        out = self._context.update(first.to_bytes(size) + data[size:])
        self._last = _number(out[-size:])
        return out


class CbcDecryptor:
    """CBC decryption under one key; parameters as for :class:`CbcEncryptor`."""

    __slots__ = ("_context", "block_size")

    def __init__(self, algorithm: str, key: bytes | bytearray) -> None:
        cipher = block_cipher(algorithm, key)
        self.block_size = cipher.block_size // 8
        self._context = Cipher(cipher, modes.ECB()).decryptor()  # noqa: S305  the chaining is done here

    def decrypt(self, data: bytes, iv: bytes = b"") -> bytes:
        """Return the plaintext, padding included.

        :param data: one or more whole blocks.  :param iv: one block; empty for zeros.
        :raises EncodingError: on part of a block or no block.
        """
        size = self.block_size
        if not data or len(data) % size or (iv and len(iv) != size):
            raise _misfit(data, iv, size)
        chained = (iv or bytes(size)) + data[:-size]
        return (_number(self._context.update(data)) ^ _number(chained)).to_bytes(len(data))

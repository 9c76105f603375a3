"""The three calculations every derivation on a card's static key is made of, wherever that key lives.

A key in memory is a :class:`ClearKey`; a PKCS#11 token has its own class. Derivations (:mod:`cardkit.crypto.scp`,
:mod:`cardkit.crypto.diversify`) are written once, over this protocol.
"""

from __future__ import annotations

from typing import Protocol

from cryptography.hazmat.primitives.ciphers import Cipher, modes
from cryptography.hazmat.primitives.cmac import CMAC

from cardkit.crypto.kcv import block_cipher
from cardkit.crypto.key import Key
from cardkit.errors import KeyStoreError


class StaticKey(Protocol):
    """A block cipher key that is used and not seen."""

    @property
    def name(self) -> str:
        """What the key is called in messages."""
        ...

    @property
    def algorithm(self) -> str:
        """``AES-128``, ``AES-192``, ``AES-256``, ``3DES-128`` or ``3DES-192``."""
        ...

    def ecb(self, data: bytes | bytearray) -> bytes:
        """Encrypt whole blocks, each for itself."""
        ...

    def cbc(self, data: bytes | bytearray) -> bytes:
        """Encrypt whole blocks, chained from an IV of zeros."""
        ...

    def cmac(self, message: bytes) -> bytes:
        """Return the CMAC of a message, one block long (NIST SP 800-38B)."""
        ...


class ClearKey:
    """A static key in the memory of this process.

    :param key: AES or 3DES; the cipher contexts made from it live as long as one call.
    :raises KeyStoreError: on a key of another family.
    """

    __slots__ = ("_key", "algorithm", "name")

    def __init__(self, key: Key) -> None:
        self._key, self.name, self.algorithm = key, key.name, key.algorithm
        check_block_cipher(self)

    def ecb(self, data: bytes | bytearray) -> bytes:
        """Encrypt whole blocks, each for itself."""
        with self._key.reveal() as clear:
            cipher = Cipher(block_cipher(self.algorithm, clear), modes.ECB())  # noqa: S305  derivations are single blocks
        return cipher.encryptor().update(data)

    def cbc(self, data: bytes | bytearray) -> bytes:
        """Encrypt whole blocks, chained from an IV of zeros."""
        with self._key.reveal() as clear:
            cipher = Cipher(block_cipher(self.algorithm, clear), modes.CBC(bytes(block_bytes(self))))
        return cipher.encryptor().update(data)

    def cbc_decrypt(self, data: bytes | bytearray) -> bytes:
        """Decrypt whole blocks, chained from an IV of zeros."""
        with self._key.reveal() as clear:
            cipher = Cipher(block_cipher(self.algorithm, clear), modes.CBC(bytes(block_bytes(self))))
        return cipher.decryptor().update(data)

    def cmac(self, message: bytes) -> bytes:
        """Return the CMAC of a message, one block long."""
        with self._key.reveal() as clear:
            mac = CMAC(block_cipher(self.algorithm, clear))
        mac.update(message)
        return mac.finalize()

    def __repr__(self) -> str:
        return f"ClearKey({self._key!r})"


def is_aes(key: StaticKey) -> bool:
    """Whether a key is for AES; otherwise it is for 3DES."""
    return key.algorithm.startswith("AES-")


def block_bytes(key: StaticKey) -> int:
    """Return the size of the key's cipher block: 16 (AES) or 8 (3DES)."""
    return 16 if is_aes(key) else 8


def key_bytes(key: StaticKey) -> int:
    """Return the size of the key itself: the number in its algorithm is in bits."""
    return int(key.algorithm.partition("-")[2]) // 8


def check_block_cipher(key: StaticKey) -> None:
    """Raise KeyStoreError for a key that is no block cipher key."""
    if key.algorithm.partition("-")[0] not in ("AES", "3DES"):
        raise KeyStoreError(f"key {key.name}: {key.algorithm}, expected an AES or 3DES key")


def check_value(key: StaticKey) -> bytes:
    """Return the 3-byte check value GlobalPlatform has for a key: AES a block of 01, 3DES a block of zeros (B.6)."""
    return key.ecb(bytes((1,)) * 16 if is_aes(key) else bytes(8))[:3]

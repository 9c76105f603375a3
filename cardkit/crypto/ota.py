"""What a key store does with a card's over-the-air keys: KIc ciphers packets, KID proves them (ETSI TS 102 225 5.1).

The keys stay in their store: packets go in, packets come out. IVs are zeros, as the standard has them.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from contextlib import AbstractContextManager
from typing import Protocol, runtime_checkable

from cardkit.crypto.cardkeys import CardKey
from cardkit.crypto.key import Usage
from cardkit.crypto.statickey import StaticKey, block_bytes, is_aes
from cardkit.errors import KeyStoreError, UnsupportedKeyOperationError

# A card's static keys may be put there by PUT KEY and used over the air; keys of a platform have one purpose each.
KIC = (Usage.SECURE_CHANNEL, Usage.DATA_ENC)
KID = (Usage.SECURE_CHANNEL, Usage.DATA_MAC)
_EITHER = (Usage.SECURE_CHANNEL, Usage.DATA_ENC, Usage.DATA_MAC)

DES_CHECKSUM_BYTES = 8
AES_CHECKSUM_BYTES = (4, 8)


@runtime_checkable
class DecipheringKey(Protocol):
    """A static key that also decrypts: not every store has them."""

    def cbc_decrypt(self, data: bytes) -> bytes:
        """Decrypt whole blocks, chained from an IV of zeros."""
        ...


class OtaKeyStore(Protocol):
    """What SCP80 asks of a key store. Every operation raises KeyStoreError: no such key, or another purpose."""

    def ota_algorithm(self, key: CardKey) -> str:
        """Return the algorithm of a card's key: ``AES-128``, ``3DES-192`` ..."""
        ...

    def ota_encrypt(self, key: CardKey, data: bytes) -> bytes:
        """Return the secured part of a packet under KIc; whole blocks."""
        ...

    def ota_decrypt(self, key: CardKey, data: bytes) -> bytes:
        """Return the plain part of a packet under KIc; whole blocks."""
        ...

    def ota_checksum(self, key: CardKey, message: bytes, size: int) -> bytes:
        """Return the cryptographic checksum of a packet under KID."""
        ...


class OtaOperations(ABC):
    """The operations of :class:`OtaKeyStore`, on whatever static keys a store gives."""

    @abstractmethod
    def _card_key(self, key: CardKey, purpose: str, allowed: tuple[Usage, ...]) -> AbstractContextManager[StaticKey]:
        """Give a card's key for the length of a ``with`` block; KeyStoreError where there is none for this purpose."""

    def ota_algorithm(self, key: CardKey) -> str:
        """Return the algorithm of a card's key: ``AES-128``, ``3DES-192`` ..."""
        with self._card_key(key, "over the air", _EITHER) as static:
            return static.algorithm

    def ota_encrypt(self, key: CardKey, data: bytes) -> bytes:
        """Return the secured part of a packet under KIc.

        :param data: one or more whole blocks of the cipher.
        """
        with self._card_key(key, "KIc", KIC) as static:
            return static.cbc(_whole_blocks(static, data))

    def ota_decrypt(self, key: CardKey, data: bytes) -> bytes:
        """Return the plain part of a packet under KIc.

        :param data: one or more whole blocks of the cipher.
        :raises UnsupportedKeyOperationError: where the store's keys do not decrypt.
        """
        with self._card_key(key, "KIc", KIC) as static:
            if not isinstance(static, DecipheringKey):
                raise UnsupportedKeyOperationError(
                    f"key {static.name}: this store does not decrypt with it: ask for responses in clear"
                )
            return static.cbc_decrypt(_whole_blocks(static, data))

    def ota_checksum(self, key: CardKey, message: bytes, size: int) -> bytes:
        """Return the cryptographic checksum of a packet under KID: AES CMAC, or the last block of 3DES-CBC.

        :param size: 8, or 4 for AES: the leading bytes of the CMAC.
        TS 102 225 5.1.3
        """
        with self._card_key(key, "KID", KID) as static:
            sizes = AES_CHECKSUM_BYTES if is_aes(static) else (DES_CHECKSUM_BYTES,)
            if size not in sizes:
                known = " or ".join(map(str, sizes))
                raise KeyStoreError(f"key {static.name}: checksum of {size} bytes, {static.algorithm} has {known}")
            if is_aes(static):
                return static.cmac(message)[:size]
            return static.cbc(message + bytes(-len(message) % DES_CHECKSUM_BYTES))[-DES_CHECKSUM_BYTES:]


def _whole_blocks(key: StaticKey, data: bytes) -> bytes:
    block = block_bytes(key)
    if not data or len(data) % block:
        raise KeyStoreError(f"packet under {key.name}: {len(data)} bytes, expected a multiple of {block}")
    return data

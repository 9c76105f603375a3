"""Sensitive data in a session: keys of PUT KEY, values of STORE DATA (GPCS D.3.5, E.4.7; Amd D 6.2.8)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from cardkit.crypto import Key, KeyStore
from cardkit.crypto.cardkeys import CardKey, CardKeySet, WrappedCardKey
from cardkit.crypto.cbc import CbcDecryptor, CbcEncryptor
from cardkit.crypto.pinblock import EncipheredPin
from cardkit.errors import KeyStoreError

_DES_BLOCK = 8


@dataclass(frozen=True, slots=True)
class Dek:
    """The data encryption key that counts in a session: its own, or the card's static one.

    :param keystore: where the keys are that it wraps.  :param key: of the session, or a static key of the card.
    :param block_size: 8 (3DES) or 16 (AES): data comes in multiples of it.
    :param chained: implicit SCP02: 3DES in CBC mode instead of ECB (GPCS E.4.7).
    """

    keystore: KeyStore
    key: CardKey | Key
    block_size: int
    chained: bool = False

    def encrypt(self, data: bytes) -> bytes:
        """Return sensitive data encrypted; no padding is added.

        :param data: a multiple of ``block_size``.
        :raises KeyStoreError: on another length, or where the store refuses.
        """
        encrypted = self.keystore.encrypt_for_card(data, self.key)
        return self._in_chain(encrypted) if self.chained else encrypted

    def wrap(self, key: CardKey) -> WrappedCardKey:
        """Return a key as PUT KEY takes it.

        :raises KeyStoreError: where the store refuses.
        """
        wrapped = self.keystore.wrap_for_card(key, self.key)
        return replace(wrapped, cryptogram=self._in_chain(wrapped.cryptogram)) if self.chained else wrapped

    def wrap_all(self, keys: Sequence[CardKey]) -> bytes:
        """Return keys one behind the other as one sensitive value (EMV CPS: a grouping of card keys).

        :raises KeyStoreError: where the store refuses, or the keys are no whole blocks.
        """
        encrypted = self.keystore.wrap_keys_for_card(keys, self.key)
        return self._in_chain(encrypted) if self.chained else encrypted

    def wrap_pin(self, pin: EncipheredPin) -> bytes:
        """Return a PIN that came enciphered as a sensitive value: a block of format 2, filled up for AES.

        :raises KeyStoreError: where the store refuses.  :raises EncodingError: on a block that does not decode.
        """
        encrypted = self.keystore.pin_for_card(pin, self.key)
        return self._in_chain(encrypted) if self.chained else encrypted

    def _in_chain(self, blocks: bytes) -> bytes:
        """Turn ECB under the session's key into CBC: the session knows that key, the store has only the other mode."""
        if not isinstance(self.key, Key):
            raise KeyStoreError("implicit SCP02: sensitive data goes under the session's DEK, not a static one")
        with self.key.reveal() as dek:
            decryptor, encryptor = CbcDecryptor("3DES", dek), CbcEncryptor("3DES", dek)
        clear = b"".join(decryptor.decrypt(blocks[i : i + _DES_BLOCK]) for i in range(0, len(blocks), _DES_BLOCK))
        return encryptor.encrypt(clear)


def session_dek(keystore: KeyStore, own: Key | None, keys: CardKeySet | None, block_size: int, *, chained: bool) -> Dek:
    """Return the DEK of a session.

    :param own: the session's, where the protocol has one.  :param keys: the card's static keys.
    :raises KeyStoreError: when there is neither.
    """
    if own is not None:
        return Dek(keystore, own, block_size, chained)
    if keys is None:
        raise KeyStoreError("sensitive data goes under the card's static DEK here: no key set was given")
    return Dek(keystore, keys.dek, block_size)

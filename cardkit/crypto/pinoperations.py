"""What every key store does with PINs: they come enciphered, leave enciphered, and are checked by values."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager

from cardkit.crypto import pinblock, pinvalue
from cardkit.crypto.cardkeys import CardKey
from cardkit.crypto.emvstore import PinSource
from cardkit.crypto.key import Key, Usage
from cardkit.crypto.mac import pad80
from cardkit.crypto.operations import CardKeyOperations, encrypt_under
from cardkit.crypto.ota import DecipheringKey
from cardkit.crypto.pinblock import EncipheredPin, PinFormat
from cardkit.crypto.pinvalue import Ibm3624
from cardkit.crypto.secret import Secret
from cardkit.crypto.statickey import StaticKey, block_bytes, is_aes
from cardkit.errors import EncodingError, KeyStoreError

_PIN_VALUE = ("a PIN verification value", (Usage.PVK,))
_TRANSLATING = ("a PIN block", (Usage.PIN_ENC,))


class PinOperations(CardKeyOperations):
    """Operations on PINs, on whatever keys a store gives; a PIN in clear lives in a buffer, for one calculation."""

    def pvv(self, reference: str, pan: str, pvki: str, pin: PinSource) -> str:
        """Return a PIN verification value, 4 digits: see :func:`cardkit.crypto.pinvalue.pvv`."""
        with self._pin_value_key(reference) as pvk, self._pin(pin) as clear:
            return pinvalue.pvv(pvk, pan, pvki, clear)

    def ibm3624_offset(self, reference: str, pan: str, terms: Ibm3624, pin: PinSource) -> str:
        """Return the offset of a PIN, as many digits."""
        with self._pin_value_key(reference) as pvk, self._pin(pin) as clear:
            natural = pinvalue.natural_pin(pvk, pan, terms, len(clear))
            with wiped(natural):
                return pinvalue.offset_of(clear, natural)

    def pin_for_card(self, pin: PinSource, dek: CardKey | Key) -> bytes:
        """Return a PIN block of format 2 under a card's DEK; for AES it is filled up to 16 bytes (80 00 ..)."""
        with (
            self._pin(pin) as clear,
            self._dek(dek) as static,
            wiped(pinblock.plain_block(PinFormat.ISO_2, clear, "", bytes)) as block,
        ):
            return encrypt_under(static, pad80(bytes(block), block_bytes(static)) if is_aes(static) else block)

    def translate_pin(self, pin: PinSource, reference: str, form: PinFormat, pan: str) -> bytes:
        """Return a PIN in a block under another key of usage ``pin-enc``: 8 bytes, 16 for format 4.

        :raises EncodingError: on format 2, which is for cards, or a PAN that is too short.
        :raises KeyStoreError: on a key of the wrong cipher.
        """
        with self._pin(pin) as clear, self._pin_key(reference, form) as key:
            if form is PinFormat.ISO_4:
                return pinblock.encipher_format_4(clear, pan, key.ecb, os.urandom)
            with wiped(pinblock.plain_block(form, clear, pan, os.urandom)) as block:
                return key.ecb(block)

    @contextmanager
    def _pin(self, source: PinSource) -> Iterator[bytearray]:
        """Give a PIN in clear, ASCII digits, for the length of a ``with`` block."""
        if isinstance(source, Secret):
            pinblock.check_pin(source)
            with source.reveal() as clear:
                yield clear
            return
        with wiped(self._deciphered(source)) as pin:
            yield pin

    def _deciphered(self, source: EncipheredPin) -> bytearray:
        with self._pin_key(source.reference, source.format) as key:
            if not isinstance(key, DecipheringKey):
                raise KeyStoreError(f"key {key.name}: this store does not decipher PIN blocks")
            if source.format is PinFormat.ISO_4:
                return pinblock.decipher_format_4(source.block, source.pan, key.cbc_decrypt)
            if len(source.block) != pinblock.BLOCK_BYTES:
                raise EncodingError(f"PIN block of format {source.format}: {len(source.block)} bytes, expected 8")
            with wiped(bytearray(key.cbc_decrypt(source.block))) as block:
                return pinblock.read_block(source.format, block, source.pan)

    @contextmanager
    def _pin_key(self, reference: str, form: PinFormat) -> Iterator[StaticKey]:
        if form not in pinblock.ENCIPHERED:
            raise EncodingError(f"PIN block of format {form}: is for cards, and never under a key of the host")
        with self._card_key(CardKey(reference), *_TRANSLATING) as key:
            cipher = "AES" if form is PinFormat.ISO_4 else "3DES"
            if not key.algorithm.startswith(cipher):
                raise KeyStoreError(f"key {key.name}: {key.algorithm}, PIN blocks of format {form} go under {cipher}")
            yield key

    def _pin_value_key(self, reference: str) -> AbstractContextManager[StaticKey]:
        return self._card_key(CardKey(reference), *_PIN_VALUE)


@contextmanager
def wiped(buffer: bytearray) -> Iterator[bytearray]:
    """Give a buffer, and overwrite it at the end."""
    try:
        yield buffer
    finally:
        buffer[:] = bytes(len(buffer))

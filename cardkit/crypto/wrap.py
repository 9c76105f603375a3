"""Transport wrapping of order fields: AES key wrap, and the CBC columns found in the field."""

from __future__ import annotations

from enum import StrEnum

from cryptography.hazmat.primitives.ciphers import Cipher, modes
from cryptography.hazmat.primitives.keywrap import InvalidUnwrap, aes_key_unwrap

from cardkit.crypto.kcv import block_cipher
from cardkit.crypto.key import Key, Usage
from cardkit.errors import KeyStoreError

COLUMN_IV = b"\x23" * 16
UNWRAPPING = (Usage.KEK, Usage.TRANSPORT_IN)


class Wrapping(StrEnum):
    """How a value is wrapped under its transport key."""

    AES_KW = "aes-kw"
    AES_CBC_23 = "aes-cbc-23"


def unwrap(key: Key, wrapped: bytes, wrapping: Wrapping) -> bytearray:
    """Return the clear value; the caller wipes it.

    :param key: AES with usage kek or transport-in.
    :param wrapped: AES_KW: 24 bytes or more, a multiple of 8 (RFC 3394). AES_CBC_23: a multiple of 16, fixed IV of
        sixteen 23h, no padding and no integrity: read for interoperability only.
    :raises KeyStoreError: on a key for another purpose, a wrong length or a failed integrity check.
    """
    if key.usage not in UNWRAPPING:
        raise KeyStoreError(f"key {key.name}: usage {key.usage}, unwrapping needs {' or '.join(UNWRAPPING)}")
    if wrapping is Wrapping.AES_KW:
        return _unwrap_aes_kw(key, wrapped)
    if not wrapped or len(wrapped) % 16:
        raise KeyStoreError(f"value under {key.name}: {len(wrapped)} bytes, expected a multiple of 16 for {wrapping}")
    with key.reveal() as clear:
        decryptor = Cipher(block_cipher(key.algorithm, clear), modes.CBC(COLUMN_IV)).decryptor()
    value = bytearray(len(wrapped) + 15)
    return value[: decryptor.update_into(wrapped, value)]


def _unwrap_aes_kw(key: Key, wrapped: bytes) -> bytearray:
    if len(wrapped) < 24 or len(wrapped) % 8:
        raise KeyStoreError(f"value under {key.name}: {len(wrapped)} bytes, expected 24 or more and a multiple of 8")
    try:
        with key.reveal() as clear:
            return bytearray(aes_key_unwrap(bytes(clear), wrapped))
    except InvalidUnwrap:
        raise KeyStoreError(
            f"value under {key.name}: integrity check failed: another key, or a changed value"
        ) from None

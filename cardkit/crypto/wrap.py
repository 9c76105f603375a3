"""Transport wrapping of the fields of order and output files: AES key wrap and AES-GCM, and what is found in the field.

Older files hold Ki and OPc as whole blocks under AES or 3DES without chaining, or columns under AES-CBC with a fixed
IV: neither has integrity. Both are read, and written for operators who ask for them.
"""

from __future__ import annotations

import hmac
from enum import StrEnum

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers import Cipher, modes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.keywrap import InvalidUnwrap, aes_key_unwrap, aes_key_wrap

from cardkit.crypto.kcv import block_cipher
from cardkit.crypto.key import Key, Usage
from cardkit.crypto.secret import Secret
from cardkit.errors import KeyStoreError

COLUMN_IV = b"\x23" * 16
NONCE_BYTES = 12
TAG_BYTES = 16
UNWRAPPING = (Usage.KEK, Usage.TRANSPORT_IN)
WRAPPING = (Usage.TRANSPORT_OUT,)


class Wrapping(StrEnum):
    """How a value is wrapped under its transport key.

    AES_KW: RFC 3394, 16 bytes or more and a multiple of 8. AES_GCM: ``nonce 12 | ciphertext | tag 16``, bound to a
    context. The others take whole blocks and have no integrity; AES_CBC_23 has a fixed IV of sixteen 23h.
    """

    AES_KW = "aes-kw"
    AES_GCM = "aes-gcm"
    AES_CBC_23 = "aes-cbc-23"
    AES_ECB = "aes-ecb"
    TDES_ECB = "3des-ecb"

    @property
    def family(self) -> str:
        """``AES`` or ``3DES``: of the key."""
        return "3DES" if self is Wrapping.TDES_ECB else "AES"

    @property
    def block_bytes(self) -> int:
        """What the length of a clear value is a multiple of."""
        return {Wrapping.AES_GCM: 1, Wrapping.AES_KW: 8, Wrapping.TDES_ECB: 8}.get(self, 16)


def unwrap(key: Key, wrapped: bytes, wrapping: Wrapping, context: bytes = b"") -> bytearray:
    """Return the clear value; the caller wipes it.

    :param key: usage kek or transport-in, AES or 3DES as the wrapping says.  :param context: of AES_GCM.
    :raises KeyStoreError: on a key for another purpose, a wrong length or a failed integrity check.
    """
    _check_key(key, wrapping, "unwrapping", UNWRAPPING)
    check_wrapped(key.name, wrapped, wrapping)
    if wrapping is Wrapping.AES_KW:
        return _unwrap_aes_kw(key, wrapped)
    if wrapping is Wrapping.AES_GCM:
        return _open_gcm(key, wrapped, context)
    decryptor = _cipher(key, wrapping).decryptor()
    value = bytearray(len(wrapped) + 15)
    return value[: decryptor.update_into(wrapped, value)]


def wrap(key: Key, value: Secret, wrapping: Wrapping, context: bytes = b"", nonce: bytes = b"") -> bytes:
    """Return a value under a transport key.

    :param key: usage transport-out, AES or 3DES as the wrapping says.  :param context: of AES_GCM.
    :param nonce: of AES_GCM, 12 bytes, never the same for two different values.
    :raises KeyStoreError: on a key for another purpose, or a value that is no whole blocks.
    """
    _check_key(key, wrapping, "wrapping", WRAPPING)
    check_clear(key.name, len(value), wrapping)
    with value.reveal() as clear, key.reveal() as secret:
        if wrapping is Wrapping.AES_KW:
            return aes_key_wrap(bytes(secret), bytes(clear))
        if wrapping is Wrapping.AES_GCM:
            if len(nonce) != NONCE_BYTES:
                raise KeyStoreError(f"value under {key.name}: nonce of {len(nonce)} bytes, expected {NONCE_BYTES}")
            return nonce + AESGCM(secret).encrypt(nonce, clear, context)
        return _cipher(key, wrapping).encryptor().update(clear)


def bound_nonce(key: Key, context: bytes, value: Secret) -> bytes:
    """Return the nonce of a value in its place, 12 bytes: a file made again has the same bytes.

    :param key: of the plant, HMAC-256 with usage data-mac.
    """
    if key.usage is not Usage.DATA_MAC:
        raise KeyStoreError(f"key {key.name}: usage {key.usage}, a nonce needs {Usage.DATA_MAC}")
    with key.reveal() as secret, value.reveal() as clear:
        message = b"cardkit-nonce-1" + len(context).to_bytes(4, "big") + context + clear
        return hmac.digest(secret, message, "sha256")[:NONCE_BYTES]


def clear_text(value: Secret, *, of_text: bool) -> str:
    """Return a secret as an output file without transport key has it: TEST orders only (K16).

    :param of_text: whether the value is text, else it is written as hex.
    """
    with value.reveal() as clear:
        return clear.decode("ascii") if of_text else clear.hex().upper()


def check_wrapped(name: str, wrapped: bytes, wrapping: Wrapping) -> None:
    """Refuse a wrapped value whose length cannot be; KeyStoreError.

    :param name: of the key, for the message.
    """
    block = wrapping.block_bytes
    least = {Wrapping.AES_KW: 24, Wrapping.AES_GCM: NONCE_BYTES + TAG_BYTES + 1}.get(wrapping, block)
    if len(wrapped) < least or len(wrapped) % block:
        form = f"{least} or more" if block == 1 else _blocks(least, block)
        raise KeyStoreError(f"value under {name}: {len(wrapped)} bytes, expected {form} for {wrapping}")


def check_clear(name: str, size: int, wrapping: Wrapping) -> None:
    """Refuse a clear value that this wrapping does not take; KeyStoreError.

    :param name: of the key, for the message.  :param size: of the value in bytes.
    """
    block = wrapping.block_bytes
    least = 16 if wrapping is Wrapping.AES_KW else block
    if size < least or size % block:
        raise KeyStoreError(f"value for {name}: {size} bytes, {wrapping} takes {_blocks(least, block)}")


def _blocks(least: int, block: int) -> str:
    return f"a multiple of {block}" if least == block else f"{least} or more and a multiple of {block}"


def check_algorithm(name: str, algorithm: str, wrapping: Wrapping) -> None:
    """Refuse a key of another family; KeyStoreError.

    :param name: of the key, for the message.
    """
    if not algorithm.startswith(f"{wrapping.family}-"):
        raise KeyStoreError(f"key {name}: {algorithm}, {wrapping} needs {wrapping.family}")


def _check_key(key: Key, wrapping: Wrapping, purpose: str, allowed: tuple[Usage, ...]) -> None:
    if key.usage not in allowed:
        raise KeyStoreError(f"key {key.name}: usage {key.usage}, {purpose} needs {' or '.join(allowed)}")
    check_algorithm(key.name, key.algorithm, wrapping)


def _cipher(key: Key, wrapping: Wrapping) -> Cipher[modes.CBC] | Cipher[modes.ECB]:
    with key.reveal() as clear:
        cipher = block_cipher(key.algorithm, clear)
    if wrapping is Wrapping.AES_CBC_23:
        return Cipher(cipher, modes.CBC(COLUMN_IV))
    return Cipher(cipher, modes.ECB())  # noqa: S305  what the operator's platform reads


def _unwrap_aes_kw(key: Key, wrapped: bytes) -> bytearray:
    try:
        with key.reveal() as clear:
            return bytearray(aes_key_unwrap(bytes(clear), wrapped))
    except InvalidUnwrap:
        raise altered(key.name) from None


def _open_gcm(key: Key, wrapped: bytes, context: bytes) -> bytearray:
    nonce, sealed = wrapped[:NONCE_BYTES], wrapped[NONCE_BYTES:]
    try:
        with key.reveal() as clear:
            return bytearray(AESGCM(clear).decrypt(nonce, sealed, context))
    except InvalidTag:
        raise altered(key.name) from None


def altered(name: str) -> KeyStoreError:
    """Return what says that a wrapped value is not what was wrapped, or not under this key.

    :param name: of the key.
    """
    return KeyStoreError(f"value under {name}: integrity check failed: another key, or a changed value")

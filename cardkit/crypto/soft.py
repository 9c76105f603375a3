"""The operations of a key store whose keys are in the memory of this process: those for tests and the file store."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey

from cardkit.crypto import agreement, auditsign, cardrsa, content, digest, emvrsa, wrap
from cardkit.crypto import marker as marking
from cardkit.crypto.cardkeys import CardKey, Scheme, WrappedCardKey
from cardkit.crypto.diversify import derived_algorithm, diversify
from cardkit.crypto.emvoperations import CERTIFYING, EmvOperations
from cardkit.crypto.emvrsa import RsaPublicKey
from cardkit.crypto.kcv import KCVMethod, kcv
from cardkit.crypto.key import Key, Usage
from cardkit.crypto.keystore import KeyInfo
from cardkit.crypto.marker import Binding, MarkerState
from cardkit.crypto.operations import (
    AGREEING,
    AUDITING,
    FOR_CARD,
    SIGNING,
    VERIFYING,
    check_card_key,
    check_usage,
    wrap_clear,
)
from cardkit.crypto.private import PrivateKey
from cardkit.crypto.secret import Secret
from cardkit.crypto.statickey import ClearKey, StaticKey
from cardkit.crypto.wrap import Wrapping
from cardkit.errors import KeyStoreError


class SoftKeyStore(EmvOperations):
    """Keys by reference, in clear memory: Key, PrivateKey, or (for usage card-secret) Secret."""

    def __init__(self) -> None:
        self._keys: dict[str, Secret] = {}

    def close(self) -> None:
        """Wipe every key."""
        for key in self._keys.values():
            key.wipe()
        self._keys.clear()

    def references(self) -> list[str]:
        """Return the references of all keys, sorted."""
        return sorted(self._keys)

    def find(self, reference: str) -> KeyInfo:
        """Return a key's public facts; KeyStoreError where there is none."""
        key = self._get(reference)
        if isinstance(key, Key | PrivateKey):
            return KeyInfo(reference, key.algorithm, key.bits, key.usage, key.kvn, key.kcv)
        return KeyInfo(reference, "", 8 * len(key), Usage.CARD_SECRET, None, None)

    def kcv(self, reference: str, method: KCVMethod) -> str:
        """Return a key's check value by a named method, upper hex."""
        key = self._key(reference)
        with key.reveal() as clear:
            return kcv(key.algorithm, clear, method)

    def card_secret(self, reference: str) -> Secret:
        """Return a value that is presented to the card in clear; KeyStoreError for any other key."""
        secret = self._get(reference)
        if isinstance(secret, Key | PrivateKey):
            raise KeyStoreError(f"key {reference}: usage {secret.usage}, expected {Usage.CARD_SECRET}")
        return secret

    def unwrap(self, reference: str, wrapped: bytes, wrapping: Wrapping, context: bytes = b"") -> bytearray:
        """Return the clear value of a wrapped order field; the caller wipes it."""
        return wrap.unwrap(self._key(reference), wrapped, wrapping, context)

    def wrap(
        self, reference: str, value: Secret, wrapping: Wrapping, context: bytes = b"", nonce: bytes = b""
    ) -> bytes:
        """Return a value of an output file under a transport-out key; the nonce is of AES-GCM, 12 bytes."""
        return wrap.wrap(self._key(reference), value, wrapping, context, nonce)

    def marker(self, reference: str, binding: Binding, state: MarkerState) -> bytes:
        """Return the 18-byte marker of a binding under a batch key."""
        return marking.marker(self._key(reference), binding, state)

    def dup_digest(self, reference: str, kind: str, value: str) -> bytes:
        """Return the 32-byte keyed digest of a business key."""
        return digest.dup_digest(self._key(reference), kind, value)

    def wrap_for_card(self, key: CardKey, dek: CardKey | Key) -> WrappedCardKey:
        """Return a key as PUT KEY takes it, under a card's static DEK or a session's (GPCS 11.8.2)."""
        with self._clear_card_key(key, "a key for a card", FOR_CARD) as clear, self._dek(dek) as static:
            return wrap_clear(static, clear)

    def agree(self, reference: str, point: bytes) -> Key:
        """Return the X coordinate of an ECDH agreement (SCP11) with a private key of the store.

        :param point: the other side's public key, uncompressed.  :raises EncodingError: where it is not on the curve.
        """
        key = self._get(reference)
        if not isinstance(key, PrivateKey):
            raise KeyStoreError(f"key {reference}: no private key, a key agreement needs one on an elliptic curve")
        check_usage(reference, key.usage, "a key agreement", AGREEING)
        return agreement.agree(key, point)

    def sign_content(self, reference: str, message: bytes) -> bytes:
        """Return a DAP signature or token: DES retail MAC, AES CMAC, RSA or ECDSA by the key (GPCS B.3, B.4, C.4)."""
        return content.sign(self._signing_key(reference, "a signature", SIGNING), message)

    def sign_audit(self, reference: str, message: bytes) -> bytes:
        """Return the signature of a checkpoint or another statement of the audit, 64 bytes. security.md 11"""
        key = self._signing_key(reference, "a checkpoint", AUDITING)
        if not isinstance(key, PrivateKey):
            raise KeyStoreError(f"key {reference}: {key.algorithm}, a checkpoint needs a private key")
        return auditsign.sign(key, message)

    def public_key_info(self, reference: str) -> bytes:
        """Return the public half of a private key: SubjectPublicKeyInfo, DER; KeyStoreError for any other key."""
        key = self._get(reference)
        if not isinstance(key, PrivateKey):
            raise KeyStoreError(f"key {reference}: no private key, it has no public half")
        return key.public

    def verify_content(self, reference: str, message: bytes, signature: bytes) -> None:
        """Check a receipt or DAP signature by the key; AuthenticationError when it is wrong."""
        content.verify(self._signing_key(reference, "checking a signature", VERIFYING), message, signature)

    def emv_public(self, reference: str) -> RsaPublicKey:
        """Return the public half of a key that signs certificates of payment cards."""
        numbers = self._certifying(reference).private_numbers().public_numbers
        return RsaPublicKey.of(numbers.n, numbers.e)

    def emv_sign(self, reference: str, content: bytes, extra: bytes) -> bytes:
        """Return the block ``6A content SHA-1(content extra) BC``, signed: see :func:`cardkit.crypto.emvrsa.sign`."""
        numbers = self._certifying(reference).private_numbers()
        emvrsa.check_certified(reference, content)
        pair = cardrsa.from_numbers(numbers)
        return emvrsa.sign(pair.crt, pair.public, reference, content, extra)

    def _certifying(self, reference: str) -> RSAPrivateKey:
        key = self._signing_key(reference, "a certificate", CERTIFYING)
        loaded = key.load() if isinstance(key, PrivateKey) else None
        if not isinstance(loaded, RSAPrivateKey):
            raise KeyStoreError(f"key {reference}: {key.algorithm}, EMV certificates are signed with RSA")
        return loaded

    def _signing_key(self, reference: str, purpose: str, allowed: tuple[Usage, ...]) -> Key | PrivateKey:
        key = self._get(reference)
        if not isinstance(key, Key | PrivateKey):
            raise KeyStoreError(
                f"key {reference}: usage {Usage.CARD_SECRET}, it is presented to a card and nothing else"
            )
        check_usage(reference, key.usage, purpose, allowed)
        return key

    @contextmanager
    def _card_key(self, key: CardKey, purpose: str, allowed: tuple[Usage, ...]) -> Iterator[StaticKey]:
        with self._clear_card_key(key, purpose, allowed) as clear:
            yield ClearKey(clear)

    @contextmanager
    def _clear_card_key(self, key: CardKey, purpose: str, allowed: tuple[Usage, ...]) -> Iterator[Key]:
        """Give a stored key, or the one derived from it for a card, which is wiped afterwards."""
        stored = self._key(key.reference)
        check_card_key(key, stored.usage, purpose, allowed)
        if key.scheme is Scheme.NONE:
            yield stored
            return
        clear = diversify(ClearKey(stored), key)
        try:
            algorithm = derived_algorithm(stored.algorithm, key.scheme)
            derived = Key(clear, f"{key.reference}/{key.scheme}", algorithm, Usage.SECURE_CHANNEL)
        finally:
            clear[:] = bytes(len(clear))
        try:
            yield derived
        finally:
            Secret.wipe(derived)  # without a last look at its check value: nobody sees this key again

    def _get(self, reference: str) -> Secret:
        try:
            return self._keys[reference]
        except KeyError:
            raise KeyStoreError(f"key {reference}: not in this key store, which holds {len(self._keys)} keys") from None

    def _key(self, reference: str) -> Key:
        key = self._get(reference)
        if isinstance(key, Key):
            return key
        if isinstance(key, PrivateKey):
            raise KeyStoreError(f"key {reference}: {key.algorithm}, a private key for usage {key.usage}")
        raise KeyStoreError(f"key {reference}: usage {Usage.CARD_SECRET}, it is presented to a card and nothing else")

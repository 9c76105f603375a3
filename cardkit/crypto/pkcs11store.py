"""The key store on a PKCS#11 token: keys that never leave it, work that is done where they are (security.md 7).

What a token cannot do is done with a wiped buffer where the sheet allows it, and written down (K9); else it is refused.
"""

from __future__ import annotations

import hmac
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from typing import Any, Self

from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from cardkit.crypto import content, digest, pkcs11asymmetric, pkcs11fields
from cardkit.crypto import marker as marking
from cardkit.crypto.cardkeys import CardKey, Scheme, WrappedCardKey
from cardkit.crypto.custodians import Custodian
from cardkit.crypto.diversify import derivation_data, derived_algorithm, diversify
from cardkit.crypto.emvoperations import CERTIFYING, EmvOperations
from cardkit.crypto.emvrsa import RsaPublicKey
from cardkit.crypto.kcv import KCVMethod
from cardkit.crypto.key import Key, Usage
from cardkit.crypto.keystore import KeyInfo
from cardkit.crypto.management import Clock, State, check_usable, shown_method, utc_now
from cardkit.crypto.marker import Binding, MarkerState
from cardkit.crypto.operations import (
    AGREEING,
    AUDITING,
    CHECKED,
    DEK,
    FOR_CARD,
    SIGNING,
    VERIFYING,
    check_card_key,
    check_usage,
    wrap_clear,
)
from cardkit.crypto.pkcs11attributes import Facts, bits, is_symmetric, may_encrypt, may_sign
from cardkit.crypto.pkcs11keys import TokenKeys, never_shown
from cardkit.crypto.pkcs11module import pkcs11
from cardkit.crypto.pkcs11probe import DERIVE_3DES, WRAP_3DES, WRAP_AES, probe
from cardkit.crypto.pkcs11token import DecipheringTokenKey, Token, TokenKey, cbc_mechanism
from cardkit.crypto.pkcs11uri import Pkcs11URI
from cardkit.crypto.secret import Secret
from cardkit.crypto.statickey import ClearKey, StaticKey
from cardkit.crypto.wrap import UNWRAPPING, WRAPPING, Wrapping
from cardkit.errors import KeyStoreError, UnsupportedKeyOperationError

_A = pkcs11.Attribute
_M = pkcs11.Mechanism
# Derived by one mechanism, if the token has it.
_INSIDE = (Scheme.EMV, Scheme.VISA2, Scheme.VISA, Scheme.EMV_A, Scheme.EMV_B)


class Pkcs11KeyStore(TokenKeys, EmvOperations):
    """An open token; made by :meth:`open` or, on a token new to cardkit, by :meth:`create`.

    One thread uses it: for more, see :mod:`cardkit.crypto.hsmworkers`.
    """

    def __init__(self, token: Token, clock: Clock) -> None:
        super().__init__(token, clock)
        self._lacks = probe(token)
        self.recorded_exceptions: Counter[str] = Counter()

    @classmethod
    def open(cls, uri: str, pin: Secret, *, clock: Clock = utc_now) -> Self:
        """Open a token that :meth:`create` made a key store.

        :param uri: RFC 7512, see :class:`Pkcs11URI`.  :param pin: of the user; kept for one reopening.
        :raises KeyStoreLockedError: where the PIN is refused: it is never tried again.
        """
        store = cls(Token(Pkcs11URI.parse(uri), pin), clock)
        store.load_terms()
        return store

    @classmethod
    def create(
        cls, uri: str, kind: str, pin: Secret, *, custodians: Sequence[Custodian] = (), clock: Clock = utc_now
    ) -> Self:
        """Make an initialized token a key store of kind TEST or LIVE, for good.

        :raises KeyStoreError: where it is one already.
        """
        store = cls(Token(Pkcs11URI.parse(uri), pin), clock)
        store.write_terms(kind, custodians)
        return store

    @property
    def limits(self) -> list[str]:
        """What this token cannot do, as probed when it was opened: for plans, and for the journal."""
        return sorted(self._lacks)

    def find(self, reference: str) -> KeyInfo:
        """Return a key's public facts; KeyStoreError where there is none."""
        _, facts = self._usable(reference)
        return KeyInfo(reference, facts.algorithm, bits(facts.algorithm), facts.usage, facts.kvn, self.shown(reference))

    def kcv(self, reference: str, method: KCVMethod) -> str:
        """Return a key's check value by a named method, upper hex."""
        _, facts = self._usable(reference)
        block = 16 if facts.algorithm.startswith("AES-") else 8
        if method is KCVMethod.ONES and block == 8:
            raise KeyStoreError(f"KCV of a {facts.algorithm} key: {method} is for AES keys only")
        if method is shown_method(facts.algorithm):
            return facts.kcv  # made when the key was, and bound to it: objects of ours cannot be modified
        static = self._stored(reference, facts)
        by_cmac = method in (KCVMethod.CMAC_3, KCVMethod.CMAC_5)
        if not (may_sign if by_cmac else may_encrypt)(facts.usage):
            raise UnsupportedKeyOperationError(
                f"key {reference}: a {facts.usage} cannot make a check value by {method}"
            )
        if by_cmac:
            value = static.cmac(bytes(block))[: 5 if method is KCVMethod.CMAC_5 else 3]
        else:
            value = static.ecb(bytes(block))[:3]
        return value.hex().upper()

    def card_key_kcv(self, key: CardKey) -> bytes:
        """Return the 3-byte check value GlobalPlatform has for a card's key, of a kept one as it was made."""
        _, facts = self._usable(key.reference)
        if key.scheme is Scheme.NONE and facts.usage is Usage.CARD_KEY:
            check_card_key(key, facts.usage, "a check value", CHECKED)
            return bytes.fromhex(facts.kcv)
        return super().card_key_kcv(key)

    def card_secret(self, reference: str) -> Secret:
        """Refuse: a token gives nothing away, not even what a card is shown in clear."""
        if reference not in self._token.labels():
            raise never_shown(reference)
        _, facts = self._usable(reference)
        raise KeyStoreError(f"key {reference}: usage {facts.usage}, expected {Usage.CARD_SECRET}")

    def unwrap(self, reference: str, wrapped: bytes, wrapping: Wrapping, context: bytes = b"") -> bytearray:
        """Return the clear value of a wrapped order field; the caller wipes it."""
        _, facts = self._usable(reference)
        check_usage(reference, facts.usage, "unwrapping", UNWRAPPING)
        return pkcs11fields.unwrap(self._token, reference, facts, wrapped, wrapping, context)

    def wrap(
        self,
        reference: str,
        value: Secret,
        wrapping: Wrapping,
        context: bytes = b"",  # noqa: ARG002  of AES-GCM, which tokens are not asked for
        nonce: bytes = b"",  # noqa: ARG002
    ) -> bytes:
        """Return a value of an output file under a transport-out key, by AES key wrap."""
        _, facts = self._usable(reference)
        check_usage(reference, facts.usage, "wrapping", WRAPPING)
        return pkcs11fields.wrap(self._token, reference, facts, value, wrapping)

    def marker(self, reference: str, binding: Binding, state: MarkerState) -> bytes:
        """Return the 18-byte marker of a binding under a batch key."""
        return marking.sealed(self._hmac(reference, "a marker", Usage.DATA_MAC, binding.message()), state)

    def dup_digest(self, reference: str, kind: str, value: str) -> bytes:
        """Return the 32-byte keyed digest of a business key."""
        return self._hmac(reference, "a duplicate digest", Usage.DUP_DIGEST, digest.message(kind, value))

    def _hmac(self, reference: str, purpose: str, usage: Usage, message: bytes) -> bytes:
        _, facts = self._usable(reference)
        check_usage(reference, facts.usage, purpose, (usage,))
        if not facts.algorithm.startswith("HMAC-"):
            raise KeyStoreError(f"key {reference}: {facts.algorithm}, {purpose} needs HMAC-256")
        return bytes(self._token.use(reference, lambda key: key.sign(message, mechanism=_M.SHA256_HMAC)))

    def wrap_for_card(self, key: CardKey, dek: CardKey | Key) -> WrappedCardKey:
        """Return a key as PUT KEY takes it, under a card's static DEK or a session's (GPCS 11.8.2).

        :raises UnsupportedKeyOperationError: where the token cannot wrap such a key.
        """
        _, facts = self._usable(key.reference)
        check_card_key(key, facts.usage, "a key for a card", FOR_CARD)
        if key.scheme is Scheme.NONE:
            return self._wrap_inside(key.reference, facts, dek)
        with self._derived_clear(key, facts) as clear, self._dek(dek) as static:
            return wrap_clear(static, clear)

    def _clear_card_key(self, key: CardKey, purpose: str, allowed: tuple[Usage, ...]) -> AbstractContextManager[Key]:
        _, facts = self._usable(key.reference)
        check_card_key(key, facts.usage, purpose, allowed)
        if key.scheme is Scheme.NONE:
            raise UnsupportedKeyOperationError(
                f"key {key.reference}: not extractable: this token cannot make {purpose}"
            )
        return self._derived_clear(key, facts)

    def _wrap_inside(self, reference: str, facts: Facts, dek: CardKey | Key) -> WrappedCardKey:
        if facts.usage is not Usage.CARD_KEY:
            raise UnsupportedKeyOperationError(
                f"key {reference}: usage {facts.usage}, not extractable: cards are loaded with a {Usage.CARD_KEY}"
            )
        size = bits(facts.algorithm) // 8
        with self._wrapping_key(dek) as (wrapping, algorithm):
            mechanism, block = cbc_mechanism(algorithm)
            aes = algorithm.startswith("AES-")
            if (WRAP_AES if aes else WRAP_3DES) in self._lacks or size % block:
                raise UnsupportedKeyOperationError(
                    f"key {reference}: {facts.algorithm} under {algorithm}: this token does not wrap it for a card"
                )
            parameter = bytes(block) if aes else None
            target = self._token.find(reference)[0]
            cryptogram = self._token.run(
                f"key {reference}",
                lambda _: wrapping.wrap_key(
                    target, mechanism=mechanism if aes else _M.DES3_ECB, mechanism_param=parameter
                ),
            )
        return WrappedCardKey(facts.algorithm, size, bytes(cryptogram), bytes.fromhex(facts.kcv))

    @contextmanager
    def _wrapping_key(self, dek: CardKey | Key) -> Iterator[tuple[Any, str]]:
        """Give a DEK's handle and algorithm; one that is not kept on the token is put there as a session object."""
        if isinstance(dek, Key):
            with self._token.session_key(dek, Usage.SECURE_CHANNEL) as handle:
                yield handle, dek.algorithm
            return
        handle, facts = self._usable(dek.reference)
        check_card_key(dek, facts.usage, "a DEK", DEK)
        if dek.scheme is Scheme.NONE:
            yield handle, facts.algorithm
            return
        with (
            self._derived_clear(dek, facts) as clear,
            self._token.session_key(clear, Usage.SECURE_CHANNEL) as derived,
        ):
            yield derived, clear.algorithm

    def agree(self, reference: str, point: bytes) -> Key:
        """Return the X coordinate of an ECDH agreement (SCP11) with a private key of the token.

        :param point: the other side's public key, uncompressed.  :raises EncodingError: where it is not on the curve.
        """
        _, facts = self._usable(reference)
        if is_symmetric(facts.algorithm):
            raise KeyStoreError(f"key {reference}: no private key, a key agreement needs one on an elliptic curve")
        check_usage(reference, facts.usage, "a key agreement", AGREEING)
        return pkcs11asymmetric.agree(self._token, reference, self.public_key(reference), point)

    def sign_content(self, reference: str, message: bytes) -> bytes:
        """Return a DAP signature or token: AES CMAC, RSA or ECDSA by the key (GPCS B.3, B.4, C.4).

        :raises UnsupportedKeyOperationError: for 3DES: tokens have no retail MAC.
        """
        _, facts = self._usable(reference)
        check_usage(reference, facts.usage, "a signature", SIGNING)
        if is_symmetric(facts.algorithm):
            return self._content_mac(reference, facts, message)
        return pkcs11asymmetric.sign(self._token, reference, self.public_key(reference), message)

    def sign_audit(self, reference: str, message: bytes) -> bytes:
        """Return the signature of a checkpoint, 64 bytes: ECDSA P-256 as plain r and s. security.md 11"""
        _, facts = self._usable(reference)
        check_usage(reference, facts.usage, "a checkpoint", AUDITING)
        if facts.algorithm != "EC-P256":
            raise UnsupportedKeyOperationError(
                f"key {reference}: {facts.algorithm}, tokens sign checkpoints by EC-P256"
            )
        return pkcs11asymmetric.sign(self._token, reference, self.public_key(reference), message)

    def public_key_info(self, reference: str) -> bytes:
        """Return the public half of a private key of the token: SubjectPublicKeyInfo, DER."""
        return self.public_key(reference).public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)

    def verify_content(self, reference: str, message: bytes, signature: bytes) -> None:
        """Check a receipt or DAP signature by the key; AuthenticationError when it is wrong."""
        _, facts = self._usable(reference)
        check_usage(reference, facts.usage, "checking a signature", VERIFYING)
        if is_symmetric(facts.algorithm):
            right = hmac.compare_digest(self._content_mac(reference, facts, message), signature)
        else:
            right = content.verifies(self.public_key(reference), message, signature)
        content.check(reference, signature, right)

    def _content_mac(self, reference: str, facts: Facts, message: bytes) -> bytes:
        if facts.algorithm.startswith("3DES-"):
            raise UnsupportedKeyOperationError(f"key {reference}: this token has no retail MAC for {facts.algorithm}")
        if not facts.algorithm.startswith("AES-"):
            raise KeyStoreError(f"key {reference}: {facts.algorithm}, content is signed with AES, 3DES, RSA or EC")
        return self._stored(reference, facts).cmac(message)

    def emv_public(self, reference: str) -> RsaPublicKey:
        """Return the public half of a key that signs certificates of payment cards."""
        _, facts = self._usable(reference)
        check_usage(reference, facts.usage, "a certificate", CERTIFYING)
        public = None if is_symmetric(facts.algorithm) else self.public_key(reference)
        if not isinstance(public, RSAPublicKey):
            raise KeyStoreError(f"key {reference}: {facts.algorithm}, EMV certificates are signed with RSA")
        numbers = public.public_numbers()
        return RsaPublicKey.of(numbers.n, numbers.e)

    def emv_sign(self, reference: str, content: bytes, extra: bytes) -> bytes:
        """Return the block ``6A content SHA-1(content extra) BC``, signed inside the token (CKM_RSA_X_509)."""
        return pkcs11asymmetric.emv_sign(self._token, reference, self.emv_public(reference), content, extra)

    def _usable(self, reference: str) -> tuple[Any, Facts]:
        """Return handle and facts of a key that may be used today, in a store of this kind."""
        handle, facts = self._token.find(reference)
        check_usable(reference, State.ACTIVE, facts.not_after, self._clock)
        if self.kind == "LIVE" and facts.kcv:
            self.refuse_known(reference, facts.algorithm, facts.kcv)
        return handle, facts

    def _stored(self, reference: str, facts: Facts) -> TokenKey:
        kind = DecipheringTokenKey if facts.usage is Usage.PIN_ENC else TokenKey
        return kind(reference, facts.algorithm, lambda work: self._token.use(reference, lambda key: bytes(work(key))))

    @contextmanager
    def _card_key(self, key: CardKey, purpose: str, allowed: tuple[Usage, ...]) -> Iterator[StaticKey]:
        _, facts = self._usable(key.reference)
        check_card_key(key, facts.usage, purpose, allowed)
        if key.scheme is Scheme.NONE:
            yield self._stored(key.reference, facts)
        elif key.scheme in _INSIDE and DERIVE_3DES not in self._lacks:
            algorithm = derived_algorithm(facts.algorithm, key.scheme)
            with self._token.derived_3des(key.reference, derivation_data(key)) as handle:
                name = f"{key.reference}/{key.scheme}"
                yield TokenKey(name, algorithm, lambda work: self._token.run(name, lambda _: bytes(work(handle))))
        else:
            with self._derived_clear(key, facts) as clear:
                yield ClearKey(clear)

    @contextmanager
    def _derived_clear(self, key: CardKey, facts: Facts) -> Iterator[Key]:
        """Give a card's key, checked before, in a buffer that is wiped afterwards, and count the exception (K9)."""
        self.recorded_exceptions[f"{key.reference}: {key.scheme} card keys in a wiped buffer"] += 1
        clear = diversify(self._stored(key.reference, facts), key)
        try:
            algorithm = derived_algorithm(facts.algorithm, key.scheme)
            derived = Key(clear, f"{key.reference}/{key.scheme}", algorithm, Usage.SECURE_CHANNEL)
        finally:
            clear[:] = bytes(len(clear))
        try:
            yield derived
        finally:
            derived.wipe()

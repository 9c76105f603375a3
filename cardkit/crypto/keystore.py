"""The KeyStore Protocol: work with long-term keys by reference, each operation bound to a purpose.

A reference is ``scheme:name``: ``test:vu1-adm1``, ``order:kek-1``, ``plant:dup``, ``batch:B-2031-0001``.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Literal, Protocol

from cardkit.crypto.cardkeys import CardKey, CardKeySet, SessionKeys, WrappedCardKey
from cardkit.crypto.cardrsa import CardRsaKey
from cardkit.crypto.digest import DupDigests
from cardkit.crypto.emvstore import EmvKeyStore
from cardkit.crypto.kcv import KCVMethod
from cardkit.crypto.key import Key, Usage
from cardkit.crypto.marker import Binding, MarkerState
from cardkit.crypto.secret import Secret
from cardkit.crypto.wrap import Wrapping


@dataclass(frozen=True, slots=True)
class KeyInfo:
    """The public facts of a key: what a plan may print.

    :param algorithm: empty for a card secret, which is no cipher key.  :param kcv: upper hex, None where there is none.
    :param fingerprint: of a card secret, which has no check value: its digest under a key of its store, lower hex, so
        that nobody without that store can try codes; None for keys, and where the store has no such key.
    """

    reference: str
    algorithm: str
    bits: int
    usage: Usage
    kvn: int | None
    kcv: str | None
    fingerprint: str | None = None


class KeyStore(EmvKeyStore, Protocol):
    """What cardkit asks of a key store. Every operation raises KeyStoreError: no such key, or another purpose."""

    card_rsa_source: Callable[[int, int], CardRsaKey]
    """Where :meth:`make_card_rsa` has its key pairs from, by bits and exponent: made there, or ahead in a pool."""

    @property
    def kind(self) -> Literal["TEST", "LIVE"]:
        """Whether it holds test keys or live ones, never both."""
        ...

    def find(self, reference: str) -> KeyInfo:
        """Return a key's public facts."""
        ...

    def kcv(self, reference: str, method: KCVMethod) -> str:
        """Return a key's check value by a named method, upper hex."""
        ...

    def card_secret(self, reference: str) -> Secret:
        """Return a value that is presented to the card in clear, such as a chip's transport ADM."""
        ...

    def unwrap(self, reference: str, wrapped: bytes, wrapping: Wrapping, context: bytes = b"") -> bytearray:
        """Return the clear value of a wrapped order field; the caller wipes it.

        :param context: what the value is bound to, of AES-GCM.
        """
        ...

    def wrap(
        self, reference: str, value: Secret, wrapping: Wrapping, context: bytes = b"", nonce: bytes = b""
    ) -> bytes:
        """Return a value of an output file under a transport-out key.

        :param context: what the value is bound to, of AES-GCM.  :param nonce: of AES-GCM, 12 bytes.
        """
        ...

    def marker(self, reference: str, binding: Binding, state: MarkerState) -> bytes:
        """Return the 18-byte marker of a binding under a batch key."""
        ...

    def dup_digest(self, reference: str, kind: str, value: str) -> bytes:
        """Return the 32-byte keyed digest of a business key."""
        ...

    def card_key_kcv(self, key: CardKey) -> bytes:
        """Return the 3-byte check value GlobalPlatform has for a card's key (AES: ones block, 3DES: zero block)."""
        ...

    def card_key_digest(self, key: CardKey, role: str, digests: DupDigests) -> bytes:
        """Return the 32-byte keyed digest of a card's own key, by which a repeated one shows (security.md K15)."""
        ...

    def scp01_session(self, keys: CardKeySet, host_challenge: bytes, card_challenge: bytes) -> SessionKeys:
        """Return S-ENC and S-MAC (GPCS D.4.1); challenges of 8 bytes. The DEK stays static."""
        ...

    def scp02_session(self, keys: CardKeySet, sequence: bytes) -> SessionKeys:
        """Return S-ENC, S-MAC, S-RMAC and S-DEK for a 2-byte sequence counter (GPCS E.4.1)."""
        ...

    def scp03_session(self, keys: CardKeySet, context: bytes) -> SessionKeys:
        """Return S-ENC, S-MAC and S-RMAC (Amd D 6.2.1).

        :param context: host challenge and card challenge, 16 or 32 bytes.
        """
        ...

    def scp03_card_challenge(self, key: CardKey, sequence: bytes, aid: bytes, size: int) -> bytes:
        """Return the pseudo-random card challenge the static ENC key gives (Amd D 6.2.2.1), 8 or 16 bytes."""
        ...

    def wrap_for_card(self, key: CardKey, dek: CardKey | Key) -> WrappedCardKey:
        """Return a key as PUT KEY takes it, under a card's static DEK or a session's (GPCS 11.8.2, sheet 13.5).

        :raises KeyStoreError: also where this store cannot: at plan time, before a card is touched.
        """
        ...

    def wrap_keys_for_card(self, keys: Sequence[CardKey], dek: CardKey | Key) -> bytes:
        """Return keys one behind the other under a card's DEK, as one value of STORE DATA (EMV CPS, DGI 8000).

        :raises KeyStoreError: where they are no whole blocks, or this store cannot chain them.
        """
        ...

    def card_key(self, key: CardKey) -> AbstractContextManager[Key]:
        """Give a transport card's own key for the length of a ``with`` block: DESFire and CIPURSE change and use it so.

        The master key it is derived from stays in the store. Rule K9, DESFire and CIPURSE: no token does it inside.

        :raises KeyStoreError: also where this store never shows the key.
        """
        ...

    def make_card_rsa(self, bits: int, exponent: int) -> CardRsaKey:
        """Return a new RSA key pair for a card: 1024 to 2048 bits in steps of 16, exponent 3 or 65537."""
        ...

    def encrypt_for_card(self, data: bytes, dek: CardKey | Key) -> bytes:
        """Return sensitive data under a card's DEK: AES-CBC with IV 0, 3DES-ECB.

        :param data: a multiple of the cipher's block.
        """
        ...

    def agree(self, reference: str, point: bytes) -> Key:
        """Return the X coordinate of an ECDH agreement (SCP11) with a private key of the store.

        :param point: the other side's public key, uncompressed; refused if it is not on the curve.
        """
        ...

    def sign_content(self, reference: str, message: bytes) -> bytes:
        """Return a DAP signature or token: DES retail MAC, AES CMAC, RSA or ECDSA by the key (GPCS B.3, B.4, C.4)."""
        ...

    def sign_audit(self, reference: str, message: bytes) -> bytes:
        """Return the signature of a checkpoint, 64 bytes: Ed25519, or ECDSA P-256 as plain r and s (security.md 11)."""
        ...

    def public_key_info(self, reference: str) -> bytes:
        """Return the public half of a private key: SubjectPublicKeyInfo, DER, an elliptic curve by its name."""
        ...

    def verify_content(self, reference: str, message: bytes, signature: bytes) -> None:
        """Check a receipt or DAP signature by the key.

        :raises AuthenticationError: when it is wrong.
        """
        ...

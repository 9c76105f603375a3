"""What every key store does with a card's keys: sessions, check values, sensitive data."""

from __future__ import annotations

import os
from abc import abstractmethod
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager
from types import TracebackType
from typing import Self

from cardkit.crypto import scp
from cardkit.crypto.cardkeys import OF_PAYMENT_CARDS, CardKey, CardKeySet, Scheme, SessionKeys, WrappedCardKey
from cardkit.crypto.cardrsa import CardRsaKey, generate
from cardkit.crypto.digest import DupDigests
from cardkit.crypto.key import Key, Usage
from cardkit.crypto.ota import OtaOperations
from cardkit.crypto.statickey import ClearKey, StaticKey, block_bytes, check_value, is_aes
from cardkit.errors import KeyStoreError

# K8: which keys serve which purpose. A diversified key may do whatever a secure channel key may.
SESSION = (Usage.SECURE_CHANNEL, Usage.MASTER_DERIVE)
DERIVING = (Usage.MASTER_DERIVE, Usage.SECURE_CHANNEL)
DEK = (Usage.SECURE_CHANNEL,)
# An issuer's master keys give a payment card's, which are loaded into it, and are good for nothing themselves.
ISSUER_MASTERS = (Usage.IMK_AC, Usage.IMK_SMI, Usage.IMK_SMC, Usage.IMK_IDN, Usage.IMK_CVC3)
FOR_CARD = (Usage.CARD_KEY, Usage.SECURE_CHANNEL, *ISSUER_MASTERS)
TRANSPORT = (Usage.CARD_KEY, Usage.SECURE_CHANNEL)
CHECKED = (Usage.CARD_KEY, Usage.SECURE_CHANNEL, Usage.MASTER_DERIVE, *ISSUER_MASTERS)
SIGNING = (Usage.SIGN,)
VERIFYING = (Usage.SIGN, Usage.DATA_MAC)
AGREEING = (Usage.AGREE,)
AUDITING = (Usage.AUDIT_SIGN,)

_SAMPLE = bytes(range(0x10, 0x20))  # two blocks of 3DES that differ, one of AES: as many bits as a key has


def check_usage(name: str, usage: Usage, purpose: str, allowed: tuple[Usage, ...]) -> None:
    """Raise KeyStoreError for a key whose one purpose is another."""
    if usage not in allowed:
        raise KeyStoreError(f"key {name}: usage {usage}, {purpose} needs {' or '.join(allowed)}")


def check_card_key(key: CardKey, usage: Usage, purpose: str, allowed: tuple[Usage, ...]) -> None:
    """Raise KeyStoreError where a stored key may not serve as, or give, this card key."""
    if key.scheme in OF_PAYMENT_CARDS:
        masters = tuple(one for one in allowed if one in ISSUER_MASTERS)
        if not masters:
            raise KeyStoreError(f"key {key.reference}: {purpose} is not done with a payment card's master key")
        check_usage(key.reference, usage, purpose, masters)
        return
    if key.scheme is not Scheme.NONE:
        check_usage(key.reference, usage, f"diversification {key.scheme}", DERIVING)
        return
    check_usage(key.reference, usage, purpose, tuple(one for one in allowed if one not in ISSUER_MASTERS))
    if key.data:
        raise KeyStoreError(f"key {key.reference}: {len(key.data)} bytes to diversify with, but scheme {Scheme.NONE}")


def encrypt_under(dek: StaticKey, data: bytes | bytearray) -> bytes:
    """Return sensitive data under a DEK: AES-CBC with an IV of zeros, 3DES-ECB (GPCS D.3.5, E.4.7, Amd D 6.2.8).

    :raises KeyStoreError: on data that are no whole blocks.
    """
    block = block_bytes(dek)
    if not data or len(data) % block:
        raise KeyStoreError(f"data under {dek.name}: {len(data)} bytes, expected a multiple of {block}")
    return dek.cbc(data) if is_aes(dek) else dek.ecb(data)


def wrap_clear(dek: StaticKey, key: Key) -> WrappedCardKey:
    """Return a key under a DEK, filled up with random bytes to a whole block (GPCS 11.8.2.3; sheet 13.5)."""
    with key.reveal() as clear:
        padded = bytearray(clear)
    padded += os.urandom(-len(padded) % block_bytes(dek))
    try:
        cryptogram = encrypt_under(dek, padded)
    finally:
        padded[:] = bytes(len(padded))
    return WrappedCardKey(key.algorithm, len(key), cryptogram, check_value(ClearKey(key)))


class CardKeyOperations(OtaOperations):
    """The operations of the KeyStore protocol on static card keys; a ``with`` block closes the store."""

    @abstractmethod
    def close(self) -> None:
        """Wipe keys, end sessions: whatever the store holds."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()

    @abstractmethod
    def _card_key(self, key: CardKey, purpose: str, allowed: tuple[Usage, ...]) -> AbstractContextManager[StaticKey]:
        """Give a card's key for the length of a ``with`` block; KeyStoreError where there is none for this purpose."""

    def card_key_kcv(self, key: CardKey) -> bytes:
        """Return the 3-byte check value GlobalPlatform has for a card's key (AES: ones block, 3DES: zero block)."""
        with self._card_key(key, "a check value", CHECKED) as static:
            return check_value(static)

    def card_key_digest(self, key: CardKey, role: str, digests: DupDigests) -> bytes:
        """Return the 32-byte keyed digest of a card's own key: equal for equal keys, and for no others. security.md K15

        What is digested is a block of constants under the key, for a key that stays in a token does no more than
        encrypt. Nobody else sees that block: without the digest key no key can be tried.
        """
        with self._card_key(key, "a duplicate digest", CHECKED) as static:
            return digests.of_key(role, static.ecb(_SAMPLE))

    def scp01_session(self, keys: CardKeySet, host_challenge: bytes, card_challenge: bytes) -> SessionKeys:
        """Return S-ENC and S-MAC; challenges of 8 bytes. The DEK stays static. GPCS D.4.1"""
        with ExitStack() as stack:
            enc, mac = (self._session_key(stack, key) for key in (keys.enc, keys.mac))
            return scp.scp01_session(enc, mac, host_challenge, card_challenge)

    def scp02_session(self, keys: CardKeySet, sequence: bytes) -> SessionKeys:
        """Return S-ENC, S-MAC, S-RMAC and S-DEK for a 2-byte sequence counter. GPCS E.4.1"""
        with ExitStack() as stack:
            enc, mac, dek = (self._session_key(stack, key) for key in (keys.enc, keys.mac, keys.dek))
            return scp.scp02_session(enc, mac, dek, sequence)

    def scp03_session(self, keys: CardKeySet, context: bytes) -> SessionKeys:
        """Return S-ENC, S-MAC and S-RMAC.

        :param context: host challenge and card challenge, 16 or 32 bytes.
        Amendment D 6.2.1
        """
        with ExitStack() as stack:
            enc, mac = (self._session_key(stack, key) for key in (keys.enc, keys.mac))
            return scp.scp03_session(enc, mac, context)

    def scp03_card_challenge(self, key: CardKey, sequence: bytes, aid: bytes, size: int) -> bytes:
        """Return the pseudo-random card challenge the static ENC key gives, 8 or 16 bytes. Amendment D 6.2.2.1"""
        with self._card_key(key, "a session", SESSION) as enc:
            return scp.scp03_card_challenge(enc, sequence, aid, size)

    @abstractmethod
    def _clear_card_key(self, key: CardKey, purpose: str, allowed: tuple[Usage, ...]) -> AbstractContextManager[Key]:
        """Give a key whose bytes are needed, for the length of a ``with`` block; KeyStoreError where they stay."""

    def card_key(self, key: CardKey) -> AbstractContextManager[Key]:
        """Give a transport card's own key for the length of a ``with`` block, which wipes a derived one."""
        return self._clear_card_key(key, "a transport card's key", TRANSPORT)

    def wrap_keys_for_card(self, keys: Sequence[CardKey], dek: CardKey | Key) -> bytes:
        """Return keys one behind the other under a card's DEK, as one value of STORE DATA (EMV CPS, DGI 8000)."""
        whole = bytearray()
        try:
            for key in keys:
                with self._clear_card_key(key, "a key for a card", FOR_CARD) as clear, clear.reveal() as value:
                    whole += value
            with self._dek(dek) as static:
                return encrypt_under(static, whole)
        finally:
            whole[:] = bytes(len(whole))

    card_rsa_source: Callable[[int, int], CardRsaKey] = staticmethod(generate)
    """Where key pairs for cards come from: one is made when it is needed, unless a pool has made it ahead."""

    def make_card_rsa(self, bits: int, exponent: int) -> CardRsaKey:
        """Return a new key pair for a card, 1024 to 2048 bits; made here it takes tens to hundreds of milliseconds."""
        return self.card_rsa_source(bits, exponent)

    def encrypt_for_card(self, data: bytes, dek: CardKey | Key) -> bytes:
        """Return sensitive data under a card's DEK: AES-CBC with IV 0, 3DES-ECB.

        :param data: a multiple of the cipher's block.
        """
        with self._dek(dek) as static:
            return encrypt_under(static, data)

    def _session_key(self, stack: ExitStack, key: CardKey) -> StaticKey:
        return stack.enter_context(self._card_key(key, "a session", SESSION))

    @contextmanager
    def _dek(self, dek: CardKey | Key) -> Iterator[StaticKey]:
        if isinstance(dek, Key):
            yield ClearKey(dek)  # of a session: it is the caller's, and dies with the session
        else:
            with self._card_key(dek, "a DEK", DEK) as static:
                yield static

"""Envelopes for the pipe between a supervisor and its worker: AES-256-GCM, each message once and in order."""

from __future__ import annotations

from enum import IntEnum

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from cardkit.crypto.key import Key, Usage
from cardkit.errors import KeyStoreError


class Direction(IntEnum):
    """Who seals; part of every nonce, so that the two ends never share one."""

    TO_WORKER = 1
    TO_SUPERVISOR = 2


class Envelope:
    """One direction of one pipe: an end seals with it, the other end opens with its own.

    The nonce is ``direction u32 | counter u64``, never sent: a message lost, repeated, reordered or reflected does not
    open.

    :param key: AES-256 with usage data-enc, made for this one worker process and given to it at spawn.
    :raises KeyStoreError: on another key.
    """

    __slots__ = ("_aead", "_counter", "_direction")

    def __init__(self, key: Key, direction: Direction) -> None:
        if key.usage is not Usage.DATA_ENC or key.algorithm != "AES-256":
            raise KeyStoreError(
                f"key {key.name}: {key.algorithm} for {key.usage}, an envelope needs AES-256 for data-enc"
            )
        with key.reveal() as clear:
            self._aead = AESGCM(clear)
        self._direction = direction
        self._counter = 0

    def seal(self, message: bytes | bytearray) -> bytes:
        """Return the sealed message, 16 bytes longer."""
        return self._aead.encrypt(self._next_nonce(), message, b"cardkit-envelope-1")

    def open(self, sealed: bytes) -> bytes:
        """Return the message; KeyStoreError where it is not the next one of this pipe, or was changed."""
        try:
            return self._aead.decrypt(self._next_nonce(), sealed, b"cardkit-envelope-1")
        except InvalidTag:
            raise KeyStoreError(
                f"envelope {self._counter}: changed, out of order, or sealed under another key"
            ) from None

    def _next_nonce(self) -> bytes:
        self._counter += 1
        return self._direction.to_bytes(4, "big") + self._counter.to_bytes(8, "big")

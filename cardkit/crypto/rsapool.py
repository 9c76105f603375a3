"""RSA key pairs for cards made ahead, in processes of their own: what takes longest of a card's preparation."""

from __future__ import annotations

import multiprocessing
import os
from collections import deque
from concurrent.futures import Future, ProcessPoolExecutor
from types import TracebackType
from typing import Self

from cardkit.crypto.cardrsa import CRT_PARTS, CardRsaKey, generate
from cardkit.crypto.cell import NONCE_BYTES, CellAddress, CellCipher
from cardkit.crypto.emvrsa import RsaPublicKey
from cardkit.crypto.key import Key, Usage
from cardkit.crypto.secret import Secret, joined

_KEY_BYTES = 32
_AHEAD = 2
_SCHEMA = 1

Kind = tuple[int, int]
"""Bits of the modulus, and the public exponent."""


class CardRsaPool:
    """Makes key pairs in processes; what they make crosses the pipe under a key that dies with the pool.

    :param processes: how many, by default one for each processor.
    :param wanted: how many key pairs will be taken in all; no more are begun.
    """

    def __init__(self, wanted: int, processes: int | None = None) -> None:
        self._count = processes or os.cpu_count() or 1
        key = os.urandom(_KEY_BYTES)
        self._cipher = _cipher(key)
        self._left = wanted
        self._number = 0
        self._coming: dict[Kind, deque[tuple[int, Future[bytes]]]] = {}
        self._pool = ProcessPoolExecutor(
            self._count, multiprocessing.get_context("spawn"), initializer=_begin, initargs=(key,)
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._pool.shutdown(wait=True, cancel_futures=True)

    def __call__(self, bits: int, exponent: int) -> CardRsaKey:
        """Return a key pair, the oldest of its kind, and have others begun.

        :raises KeyStoreError: on a size or exponent that no card has.
        """
        coming = self._coming.setdefault((bits, exponent), deque())
        ahead = _AHEAD * self._count - len(coming)
        for _ in range(max(min(ahead, self._left), not coming)):
            self._number += 1
            self._left -= 1
            coming.append((self._number, self._pool.submit(_make, self._number, bits, exponent)))
        number, made = coming.popleft()
        return _unpacked(self._cipher.open(_address(number), made.result()), bits // 8)


_worker_cipher: CellCipher | None = None


def _begin(key: bytes) -> None:
    """Start a process of the pool."""
    global _worker_cipher  # noqa: PLW0603  (a process of the pool has nothing else to keep it in)
    _worker_cipher = _cipher(key)


def _make(number: int, bits: int, exponent: int) -> bytes:
    assert _worker_cipher is not None
    key = generate(bits, exponent)
    whole = joined((key.public.modulus, key.exponent, *key.crt, key.public.exponent))
    return _worker_cipher.seal(_address(number), whole, os.urandom(NONCE_BYTES))


def _cipher(key: bytes) -> CellCipher:
    return CellCipher(Key(key, "card RSA pool", "AES-256", Usage.FIELD_ENC))


def _address(number: int) -> CellAddress:
    return CellAddress("pool", "card RSA", number, "key", _SCHEMA)


def _unpacked(data: bytes, size: int) -> CardRsaKey:
    """Read what a process packed: modulus and d of ``size`` bytes, five halves, the public exponent."""
    half = size // 2
    parts = [data[2 * size + half * index :][:half] for index in range(len(CRT_PARTS))]
    public = RsaPublicKey(data[:size], data[2 * size + half * len(CRT_PARTS) :])
    crt = tuple(Secret(part, name) for part, name in zip(parts, CRT_PARTS, strict=True))
    return CardRsaKey(public, crt, Secret(data[size : 2 * size], "d"))

"""Worker processes in front of a PKCS#11 token: one session each, work in batches, over pipes that carry ciphertext.

The binding is not safe for threads and one process keeps one core of a software token busy (pcsc.md 13.3), so more
speed means more processes. Requests name keys by reference; session keys come back sealed under a key given at spawn.
"""

from __future__ import annotations

import multiprocessing
import os
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from multiprocessing.connection import Connection
from types import TracebackType
from typing import Any, Literal, Self

import msgspec

from cardkit.crypto import pack
from cardkit.crypto.cardkeys import CardKeySet, SessionKeys
from cardkit.crypto.envelope import Direction, Envelope
from cardkit.crypto.key import Key, Usage
from cardkit.crypto.secret import Secret
from cardkit.errors import CardkitError, KeyStoreError, KeyStoreLockedError, KeyStoreUnavailableError

_NAMES = ("enc", "mac", "rmac", "dek")
_END_WITHIN_S = 5.0
_READY = b"ready"


@dataclass(frozen=True, slots=True)
class SessionRequest:
    """What session keys are asked for.

    :param protocol: ``scp01``, ``scp02`` or ``scp03``.  :param keys: the card's static keys, by reference.
    :param data: host and card challenge (SCP01), sequence counter (SCP02), or both challenges joined (SCP03).
    """

    protocol: Literal["scp01", "scp02", "scp03"]
    keys: CardKeySet
    data: tuple[bytes, ...]


class _Answer(msgspec.Struct, array_like=True):
    """How one request ended: an error's class and text, or nothing where the keys follow."""

    error: str = ""
    text: str = ""


class HsmWorkers:
    """As many processes as asked for, each with its own session; close it, or use it in a ``with`` block.

    :param uri: of the token, RFC 7512.  :param pin: given to each worker through its own pipe, never as an argument.
    :param workers: how many; None for one a core.
    :raises KeyStoreError: where a worker cannot open the token.
    """

    def __init__(self, uri: str, pin: Secret, *, workers: int | None = None) -> None:
        self._lock = threading.Lock()
        self._workers: list[_Worker] = []
        try:
            for _ in range(workers or os.cpu_count() or 1):
                self._workers.append(_Worker(uri, pin))
            for worker in self._workers:
                worker.wait_until_ready()
        except BaseException:
            self.close()
            raise

    def __len__(self) -> int:
        return len(self._workers)

    def session_keys(self, requests: Sequence[SessionRequest]) -> list[SessionKeys]:
        """Return session keys in the order of the requests, which are shared out evenly.

        :raises KeyStoreError: the first error of a request.
        :raises KeyStoreUnavailableError: where a worker has died.
        """
        share = -(-len(requests) // len(self._workers)) or 1
        parts = [requests[at : at + share] for at in range(0, len(requests), share)]
        with self._lock:
            for worker, part in zip(self._workers, parts, strict=False):
                worker.send(msgspec.msgpack.encode(part))
            answers = [worker.receive() for worker, _ in zip(self._workers, parts, strict=False)]
        return [keys for answer in answers for keys in _unpacked(answer)]

    def close(self) -> None:
        """End the workers."""
        for worker in self._workers:
            worker.close()
        self._workers.clear()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()


class _Worker:
    """The supervisor's end of one worker."""

    def __init__(self, uri: str, pin: Secret) -> None:
        context = multiprocessing.get_context("spawn")
        self._connection, theirs = context.Pipe()
        key = Key(os.urandom(32), "worker", "AES-256", Usage.DATA_ENC)
        with key.reveal() as clear:
            self._process = context.Process(target=_serve, args=(theirs, uri, bytes(clear)), daemon=True)
            self._process.start()
        theirs.close()
        self._seal, self._open = Envelope(key, Direction.TO_WORKER), Envelope(key, Direction.TO_SUPERVISOR)
        key.wipe()
        with pin.reveal() as clear:
            self.send(clear)

    def wait_until_ready(self) -> None:
        answer = self.receive()
        if answer != _READY:
            _raise(msgspec.msgpack.decode(answer, type=_Answer))

    def send(self, message: bytes | bytearray) -> None:
        try:
            self._connection.send_bytes(self._seal.seal(message))
        except OSError:
            raise KeyStoreUnavailableError("token worker: has ended") from None

    def receive(self) -> bytes:
        try:
            return self._open.open(self._connection.recv_bytes())
        except (EOFError, OSError):
            raise KeyStoreUnavailableError("token worker: has ended") from None

    def close(self) -> None:
        self._connection.close()
        self._process.join(_END_WITHIN_S)
        if self._process.is_alive():
            self._process.kill()
            self._process.join()


def _serve(connection: Connection, uri: str, secret: bytes) -> None:
    """Work in the worker process until the pipe ends."""
    from cardkit.crypto.pkcs11store import Pkcs11KeyStore  # noqa: PLC0415  an extra, and only a worker loads the module

    key = Key(secret, "worker", "AES-256", Usage.DATA_ENC)
    seal, unseal = Envelope(key, Direction.TO_SUPERVISOR), Envelope(key, Direction.TO_WORKER)
    key.wipe()
    try:
        store = Pkcs11KeyStore.open(uri, Secret(unseal.open(connection.recv_bytes()), "PIN"))
    except CardkitError as error:
        connection.send_bytes(seal.seal(msgspec.msgpack.encode(_failed(error))))
        return
    connection.send_bytes(seal.seal(_READY))
    decoder = msgspec.msgpack.Decoder(type=list[SessionRequest])
    with store:
        while True:
            try:
                requests = decoder.decode(unseal.open(connection.recv_bytes()))
            except (EOFError, OSError):
                return
            connection.send_bytes(seal.seal(_packed(store, requests)))


def _packed(store: Any, requests: Sequence[SessionRequest]) -> bytearray:
    """Return the session keys of some requests, packed; after the first error there is nothing but that error."""
    values: dict[str, pack.Value] = {"count": len(requests)}
    for number, request in enumerate(requests):
        try:
            session = getattr(store, f"{request.protocol}_session")(request.keys, *request.data)
        except CardkitError as error:
            return pack.pack({"error": msgspec.msgpack.encode(_failed(error))})
        for name in _NAMES:
            key = getattr(session, name)
            if key is not None:
                values[f"{number}.{name}"] = key
    return pack.pack(values)


def _unpacked(answer: bytes) -> list[SessionKeys]:
    values: dict[str, Any] = dict(pack.unpack(answer))
    if "error" in values:
        _raise(msgspec.msgpack.decode(values["error"], type=_Answer))
    return [
        SessionKeys(**{name: values[f"{number}.{name}"] for name in _NAMES if f"{number}.{name}" in values})
        for number in range(values["count"])
    ]


def _failed(error: CardkitError) -> _Answer:
    return _Answer(type(error).__name__, str(error))


def _raise(answer: _Answer) -> None:
    kinds: dict[str, type[CardkitError]] = {
        kind.__name__: kind for kind in (KeyStoreLockedError, KeyStoreUnavailableError)
    }
    raise kinds.get(answer.error, KeyStoreError)(answer.text)

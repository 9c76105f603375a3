"""Processes that read an order: rows go out in pieces and come back in cipher, in the order of the file.

Pipes are the bounded queues: who has nothing to read waits, and so does who cannot write. A thread of this process
cuts the file into rows and sends them; the caller's takes what comes back. Rows travel encrypted, as records do that go
to a coupler; nothing of them is in an argument, the environment or a file.
"""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import signal
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import count, cycle
from multiprocessing.connection import Connection
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

import msgspec

from cardkit.crypto import Key, Usage
from cardkit.crypto.cell import NONCE_BYTES, CellAddress, CellCipher
from cardkit.errors import StoreError
from cardkit.production.input.reading import CutRow, PieceReader, ReadRows, pieces_of
from cardkit.production.sealing import SealingKeys

if TYPE_CHECKING:
    from cardkit.profile import OrderRows

KEY_BYTES = 32
NUMBER_BYTES = 8
_END = b""
_SETUP = 0

_ENCODER = msgspec.msgpack.Encoder()
_ROWS = msgspec.msgpack.Decoder(list[CutRow])
_READ_ROWS = msgspec.msgpack.Decoder(ReadRows)
_context = multiprocessing.get_context("spawn")


class OrderReaders:
    """Processes that read one order; a context manager, at whose end they are gone.

    :param order: what its key store opens is opened in this process.
    :param keys: the rows are sealed with.  :param processes: how many.
    """

    def __init__(self, order: OrderRows, keys: SealingKeys, processes: int) -> None:
        self._order = order
        key = os.urandom(KEY_BYTES)
        self._cipher = _cipher(key)
        self._setup = self._sealed(_SETUP, PieceReader.setup(order, keys))
        self._pipes: list[Connection[Any, Any]] = []
        self._processes = []
        for number in range(1, processes + 1):
            ours, theirs = _context.Pipe()
            process = _context.Process(target=_serve, args=(theirs, key), name=f"reader-{number}", daemon=True)
            process.start()
            theirs.close()
            self._pipes.append(ours)
            self._processes.append(process)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._end()
        for pipe in self._pipes:
            pipe.close()

    def pieces(self) -> Iterator[ReadRows]:
        """Yield the rows in the order of the file, some thousand at a time.

        :raises RecordError: what refuses the whole file.  :raises StoreError: where a process ended early.
        """
        with ThreadPoolExecutor(1, "order") as feeder:
            fed = feeder.submit(self._feed)
            try:
                for pipe in cycle(self._pipes):
                    if (piece := pipe.recv_bytes()) == _END:
                        break
                    yield _READ_ROWS.decode(piece)
            except (EOFError, OSError):
                raise StoreError("a process that reads the order has ended; nothing is imported") from None
            finally:
                self._end()  # who still sends to them is not kept waiting
            fed.result()

    def _feed(self) -> None:
        try:
            for pipe in self._pipes:
                pipe.send_bytes(self._setup)
            numbered = zip(count(_SETUP + 1), cycle(self._pipes), strict=False)
            for piece, (number, pipe) in zip(pieces_of(self._order), numbered, strict=False):
                pipe.send_bytes(number.to_bytes(NUMBER_BYTES, "big") + self._sealed(number, _ENCODER.encode(piece)))
        finally:
            for pipe in self._pipes:
                with contextlib.suppress(OSError):
                    pipe.send_bytes(_END)

    def _sealed(self, number: int, data: bytes) -> bytes:
        return self._cipher.seal(_address(number), data, os.urandom(NONCE_BYTES))

    def _end(self) -> None:
        for process in self._processes:
            process.kill()
            process.join()


def _serve(pipe: Connection[Any, Any], key: bytes) -> None:
    """Read pieces until there are no more, or the process that wants them is gone."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # that process decides what an interrupt means
    cipher = _cipher(key)
    with contextlib.suppress(EOFError, OSError):
        reader = PieceReader.of(cipher.open(_address(_SETUP), pipe.recv_bytes()))
        while message := pipe.recv_bytes():
            number = int.from_bytes(message[:NUMBER_BYTES], "big")
            rows = _ROWS.decode(cipher.open(_address(number), message[NUMBER_BYTES:]))
            pipe.send_bytes(_ENCODER.encode(reader.read(rows)))
        pipe.send_bytes(_END)


def _cipher(key: bytes) -> CellCipher:
    return CellCipher(Key(key, "order readers", "AES-256", Usage.FIELD_ENC))


def _address(number: int) -> CellAddress:
    return CellAddress("import", "order", number, "rows", 1)

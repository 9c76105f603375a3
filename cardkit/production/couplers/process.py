"""A coupler in a process of its own, so that a mute card or a crash takes nothing else with it. pcsc.md 10"""

from __future__ import annotations

import contextlib
import ctypes
import dataclasses
import logging
import multiprocessing
import os
import secrets
import signal
import sys
import threading
from multiprocessing.connection import Connection
from typing import Any

from cardkit.crypto import Key, Usage
from cardkit.crypto.envelope import Direction, Envelope
from cardkit.crypto.keysource import KeySource
from cardkit.errors import CardkitError
from cardkit.production.couplers import messages
from cardkit.production.couplers.bench import BenchFactory, BenchSpec
from cardkit.production.couplers.deadline import DEFAULT_S, Announcement, Watch
from cardkit.production.couplers.exchange import Exchange
from cardkit.production.couplers.loop import serve
from cardkit.production.couplers.messages import Answer, Order, Question

log = logging.getLogger(__name__)

KEY_BYTES = 32
PR_SET_PDEATHSIG = 1

_context = multiprocessing.get_context("spawn")


def _envelope(key: bytes) -> Envelope:
    return Envelope(Key(key, "pipe", "AES-256", Usage.DATA_ENC), Direction.TO_WORKER)


class ProcessLink:
    """The process's side of its pipe; card data and what opens its keys come in envelopes."""

    def __init__(self, pipe: Connection[Any, Any], key: bytes) -> None:
        self._pipe = pipe
        self._envelope = _envelope(key)
        self._finish = False

    def keys(self) -> KeySource | None:
        """Wait for where the keys are, which is said once, before the first order."""
        said = self._envelope.open(self._pipe.recv_bytes())
        return KeySource.from_bytes(said) if said else None

    def order(self) -> Order:
        """Wait for the next order; EOFError where the supervisor is gone."""
        if self._finish:
            return messages.Finish()
        order = messages.decode_order(self._pipe.recv_bytes())
        if isinstance(order, messages.Take | messages.Resume | messages.Prove):
            return type(order)(self._envelope.open(order.work))
        return order

    @property
    def ending(self) -> bool:
        """Whether an order came that was not asked for, which only Finish does."""
        return self._finish or self._pipe.poll(0)

    def answer(self, message: Answer) -> None:
        """Write an answer into the pipe."""
        self._pipe.send_bytes(messages.encode(message))

    def ask(self, question: Question) -> str | None:
        """Ask through the pipe and wait for the reply."""
        self._pipe.send_bytes(messages.encode(question))
        while isinstance(reply := messages.decode_order(self._pipe.recv_bytes()), messages.Finish):
            self._finish = True  # after this card
        return reply.why if isinstance(reply, messages.Refuse) else None


def _end_with_parent(lifeline: Connection[Any, Any]) -> None:
    """End this process as soon as the supervisor's is gone, even while a card blocks it."""
    if sys.platform == "linux":
        with contextlib.suppress(OSError, AttributeError):
            ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)

    def wait() -> None:
        with contextlib.suppress(EOFError, OSError):
            lifeline.recv_bytes()
        os._exit(1)

    threading.Thread(target=wait, name="lifeline", daemon=True).start()


def run_worker(
    pipe: Connection[Any, Any],
    lifeline: Connection[Any, Any],
    shared: Any,
    limit_s: float,
    setup: tuple[BenchSpec, BenchFactory, bytes],
) -> None:
    """Run one coupler; the entry point of its process."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the supervisor decides what an interrupt means
    _end_with_parent(lifeline)
    spec, factory, key = setup
    link = ProcessLink(pipe, key)
    try:
        keys = link.keys()
        bench = factory(dataclasses.replace(spec, keys=keys), Watch(shared, limit_s))
        if keys is not None:
            keys.wipe()  # the bench has opened its store
        serve(link, bench)
    except CardkitError as error:
        link.answer(messages.Broken(str(error)))
    except (EOFError, OSError):
        log.warning("coupler: the supervisor is gone")


class ProcessCoupler:
    """Runs a bench in a spawned process and watches its deadlines."""

    def __init__(
        self, number: int, exchange: Exchange, spec: BenchSpec, factory: BenchFactory, limit_s: float = DEFAULT_S
    ) -> None:
        self._number = number
        self._exchange = exchange
        key = secrets.token_bytes(KEY_BYTES)
        self._keys = spec.keys
        self._envelope = _envelope(key)
        shared = _context.RawValue(Announcement)
        self._watch = Watch(shared, limit_s)
        self._pipe, theirs = _context.Pipe()
        self._lifeline, their_lifeline = _context.Pipe()
        self._theirs = (theirs, their_lifeline)
        self._process = _context.Process(
            target=run_worker,
            args=(theirs, their_lifeline, shared, limit_s, (dataclasses.replace(spec, keys=None), factory, key)),
            name=f"coupler-{number}",
            daemon=True,
        )
        self._sending = threading.Lock()
        self._pump = threading.Thread(target=self._listen, name=f"pipe-{number}", daemon=True)

    @property
    def overdue(self) -> str | None:
        """The command whose deadline has passed, in words."""
        return self._watch.what if self._watch.overdue else None

    def start(self) -> None:
        """Start the process; its first answer is Ready, or Broken."""
        self._process.start()
        for end in self._theirs:
            end.close()
        self._send_keys()
        self._pump.start()

    def _send_keys(self) -> None:
        clear = bytearray() if self._keys is None else self._keys.to_bytes()
        try:
            with contextlib.suppress(OSError), self._sending:
                self._pipe.send_bytes(self._envelope.seal(clear))
        finally:
            clear[:] = bytes(len(clear))

    def send(self, order: Order) -> None:
        """Give an order; one that cannot be delivered is answered by Gone."""
        if isinstance(order, messages.Take | messages.Resume | messages.Prove):
            order = type(order)(self._envelope.seal(order.work))
        with contextlib.suppress(OSError), self._sending:
            self._pipe.send_bytes(messages.encode(order))

    def kill(self) -> None:
        """End the process at once."""
        self._process.kill()

    def join(self, timeout_s: float) -> bool:
        """Wait for the process's end and free its pipes; whether it ended."""
        self._process.join(timeout_s)
        if self._process.is_alive():
            return False
        self._pump.join(timeout_s)
        self._pipe.close()
        self._lifeline.close()
        return True

    def _listen(self) -> None:
        with contextlib.suppress(EOFError, OSError):
            while True:
                self._take(messages.decode_answer(self._pipe.recv_bytes()))
        # Not joined here: two threads waiting for one process would take its exit code from each other.
        self._exchange.put(self._number, messages.Gone("its process ended"))

    def _take(self, message: Answer | Question) -> None:
        if isinstance(message, messages.Question):
            refused = self._exchange.ask(self._number, message)
            self.send(messages.Proceed() if refused is None else messages.Refuse(refused))
        else:
            self._exchange.put(self._number, message)

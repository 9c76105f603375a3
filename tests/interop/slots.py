"""Cards in the readers of a private stack: put in, seen by the service, pulled out.

Presence is asked of libpcsclite directly, so that the tests of cardkit's own presence code have another judge.
"""

from __future__ import annotations

import itertools
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Protocol

from smartcard import scard

from cardkit.virtual import VirtualCard, VirtualCardError, vpcd
from tests.interop.pcscd import HOST, Stack

DETECTED_S = 2.0  # the driver asks for a card every 0.4 s
PRESENT = 0x20
FLAGS = 0xFFFF


class NotSeenError(AssertionError):
    """The service has not noticed a card's coming or going in time."""


class Server(Protocol):
    """Serves a card to vpcd until it is stopped."""

    def __call__(self, host: str, port: int, *, stop: threading.Event) -> None: ...


@dataclass(frozen=True)
class Glance:
    """What the service says of a reader."""

    state: int
    atr: bytes

    @property
    def present(self) -> bool:
        return bool(self.state & PRESENT)

    @property
    def counter(self) -> int:
        """Insertions and removals so far."""
        return self.state >> 16


@contextmanager
def service() -> Iterator[object]:
    """A context of the PC/SC service."""
    hresult, context = scard.SCardEstablishContext(scard.SCARD_SCOPE_USER)
    assert hresult == 0, f"SCardEstablishContext: {hresult & 0xFFFFFFFF:08X}"
    try:
        yield context
    finally:
        scard.SCardReleaseContext(context)


def glance(reader: str, *, timeout_ms: int = 0, known: int = 0) -> Glance:
    """Return a reader's state, at once or as soon as it differs from the known one."""
    with service() as context:
        _, states = scard.SCardGetStatusChange(context, timeout_ms, [(reader, known & ~2)])
        _, state, atr = states[0]
        return Glance(state, bytes(atr))


def wait_until(reader: str, arrived: Callable[[Glance], bool], what: str) -> Glance:
    """Wait until the service says something of a reader."""
    deadline = time.monotonic() + DETECTED_S
    seen = glance(reader)
    while not arrived(seen):
        if time.monotonic() > deadline:
            raise NotSeenError(f"{reader}: {what} not seen within {DETECTED_S:g} s, state {seen.state:08X}")
        seen = glance(reader, timeout_ms=100, known=seen.state)
    return seen


class Inserted:
    """A card in a slot, served by a thread of this process until :meth:`eject`.

    :param serve: serves the card.
    """

    def __init__(self, stack: Stack, index: int, serve: Server) -> None:
        self.index = index
        self.reader = stack.names[index]
        self.target = f"pcsc:{index}"
        self.failure: Exception | None = None
        self._stack = stack
        self._serve = serve
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name=f"card in {self.reader}", daemon=True)
        self._thread.start()

    def wait_until_seen(self, after: int | None = None) -> None:
        """Wait until the service has noticed the card; ``after`` is the event counter before it came."""
        wait_until(self.reader, lambda seen: seen.present and seen.counter != after, "the card")

    def eject(self, *, wait: bool = True) -> None:
        """Pull the card out; idempotent.

        :param wait: until the service has noticed: a card that is put in before may stay unseen for ever.
        """
        before = glance(self.reader) if wait else None
        self._stop.set()
        self._thread.join(5)
        if before is not None and before.present:
            wait_until(self.reader, lambda seen: seen.counter != before.counter, "the removal")

    def _run(self) -> None:
        try:
            self._stack.enter_network()
            self._serve(HOST, self._stack.ports[self.index], stop=self._stop)
        except (VirtualCardError, OSError) as error:
            self.failure = error


class Readers:
    """The readers of a stack, lent to tests one after another: the one that has been empty longest comes first."""

    def __init__(self, stack: Stack) -> None:
        self.stack = stack
        self._turn = itertools.cycle(range(len(stack.names)))
        self._inserted: list[Inserted] = []
        self._programs: list[subprocess.Popen[str]] = []

    def insert(self, card: VirtualCard | vpcd.Card | str, *, index: int | None = None, wait: bool = True) -> Inserted:
        """Put a card into a reader and wait until the service sees it.

        :param card: a card object, or the name of an image.  :param index: the reader; by default the next empty one.
        :param wait: False leaves it to the caller.
        """
        seated: vpcd.Card = VirtualCard(card) if isinstance(card, str) else card

        def serve(host: str, port: int, *, stop: threading.Event) -> None:
            vpcd.serve(seated, host, port, stop=stop)

        return self.insert_served(serve, index=index, wait=wait)

    def insert_served(self, serve: Server, *, index: int | None = None, wait: bool = True) -> Inserted:
        """Put in a card that brings its own side of the vpcd protocol."""
        inserted = Inserted(self.stack, self.empty() if index is None else index, serve)
        self._inserted.append(inserted)
        if wait:
            inserted.wait_until_seen()
        return inserted

    def empty(self) -> int:
        """Return the index of the next empty reader."""
        for index in itertools.islice(self._turn, 2 * len(self.stack.names)):
            if not glance(self.stack.names[index]).present:
                return index
        raise NotSeenError("no reader is empty")

    def run_card(self, *command: str) -> subprocess.Popen[str]:
        """Start a program that serves a card, in pcscd's network; it ends with the test."""
        program = subprocess.Popen(
            self.stack.inside(*command), stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
        )
        self._programs.append(program)
        return program

    def clear(self) -> None:
        """Take every card out and end every program that serves one."""
        for inserted in self._inserted:
            inserted.eject(wait=False)
        for program in self._programs:
            program.terminate()
            program.communicate(timeout=5)
        self._inserted.clear()
        self._programs.clear()

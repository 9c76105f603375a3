"""Cards in the readers of a private stack: put in, seen by the service, pulled out.

Presence is asked of libpcsclite directly, so that the tests of cardkit's own presence code have another judge.
"""

from __future__ import annotations

import contextlib
import itertools
import signal
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from smartcard import scard

from cardkit.virtual import VirtualCard, VirtualCardError, vpcd
from tests.interop.rawcard import RawCard, Respond, atr, done
from tests.interop.stack import Stack

DETECTED_S = 60.0  # the driver asks for a card every 0.4 s
PRESENT, IN_USE = 0x20, 0x180  # shared or exclusively


class NotSeenError(AssertionError):
    """The service has not noticed a card's coming or going in time."""


@dataclass(frozen=True)
class Glance:
    """What the service says of a reader."""

    state: int
    atr: bytes

    @property
    def present(self) -> bool:
        return bool(self.state & PRESENT)

    @property
    def in_use(self) -> bool:
        return bool(self.state & IN_USE)

    @property
    def counter(self) -> int:
        """Insertions and removals so far."""
        return self.state >> 16


@contextmanager
def service() -> Iterator[object]:
    """A context of the PC/SC service, which may be about to be started again."""
    deadline = time.monotonic() + DETECTED_S
    hresult, context = scard.SCardEstablishContext(scard.SCARD_SCOPE_USER)
    while hresult:
        if time.monotonic() > deadline:
            raise NotSeenError(f"no PC/SC service within {DETECTED_S:g} s: {hresult & 0xFFFFFFFF:08X}")
        time.sleep(0.01)
        hresult, context = scard.SCardEstablishContext(scard.SCARD_SCOPE_USER)
    try:
        yield context
    finally:
        scard.SCardReleaseContext(context)


def glance(reader: str, *, timeout_ms: int = 0, known: int = 0) -> Glance:
    """Return a reader's state, at once or as soon as it differs from the known one."""
    with service() as context:
        _, states = scard.SCardGetStatusChange(context, timeout_ms, [(reader, known & ~2)])
        _, state, answer_to_reset = states[0]
        return Glance(state, bytes(answer_to_reset))


def wait_until(reader: str, arrived: Callable[[Glance], bool], what: str) -> Glance:
    """Wait until the service says something of a reader."""
    deadline = time.monotonic() + DETECTED_S
    seen = glance(reader)
    while not arrived(seen):
        if time.monotonic() > deadline:
            raise NotSeenError(f"{reader}: {what} not seen within {DETECTED_S:g} s, state {seen.state:08X}")
        seen = glance(reader, timeout_ms=100, known=seen.state)
    return seen


class ServedCard:
    """A virtual card in a slot, served by cardkit's own server in a thread."""

    def __init__(self, link: socket.socket, card: vpcd.Card) -> None:
        self.link = link
        self._card = card
        link.settimeout(None)
        self._thread = threading.Thread(target=self._run, name="card", daemon=True)
        self._thread.start()

    def eject(self) -> None:
        """Leave the reader."""
        with contextlib.suppress(OSError):
            self.link.shutdown(socket.SHUT_RDWR)
        self._thread.join(5)
        self.link.close()

    def _run(self) -> None:
        with contextlib.suppress(VirtualCardError, OSError):
            vpcd._serve(self._card, self.link, "the private stack", None)
        with contextlib.suppress(OSError):
            self.link.shutdown(socket.SHUT_RDWR)


class Inserted:
    """A card in a reader.

    :ivar card: what serves it.  :ivar target: the reader as the command line names it.
    """

    def __init__(self, reader: str, index: int, card: RawCard | ServedCard) -> None:
        self.reader = reader
        self.index = index
        self.target = f"pcsc:{index}"
        self.card = card

    def wait_until_seen(self) -> None:
        """Wait until the service has noticed the card."""
        wait_until(self.reader, lambda seen: seen.present, "the card")

    def eject(self, *, wait: bool = True) -> None:
        """Pull the card out.

        :param wait: until the service has noticed: a card that is put in before may stay unseen for ever.
        """
        before = glance(self.reader) if wait else None
        self.card.eject()
        if before is not None and before.present:
            wait_until(self.reader, lambda seen: seen.counter != before.counter, "the removal")


class Readers:
    """The readers of a stack, lent to tests one after another: the one that has been empty longest comes first."""

    def __init__(self, stack: Stack) -> None:
        self.stack = stack
        self._turn = itertools.cycle(range(stack.readers))
        self._one_at_a_time = threading.Lock()
        self._inserted: list[Inserted] = []

    def insert(self, card: vpcd.Card | str, *, index: int | None = None, wait: bool = True) -> Inserted:
        """Put a virtual card into a reader and wait until the service sees it.

        :param card: a card object, or the name of an image.  :param index: the reader; by default the next empty one.
        :param wait: False leaves it to the caller.
        """
        index = self.empty() if index is None else index
        seated: vpcd.Card = VirtualCard(card) if isinstance(card, str) else card
        return self._seat(index, ServedCard(self._connect(index), seated), wait=wait)

    def insert_raw(
        self,
        respond: Respond | bytes = done,
        *,
        answer_to_reset: bytes | None = None,
        index: int | None = None,
        wait: bool = True,
    ) -> tuple[RawCard, Inserted]:
        """Put in a card that answers what the test wants."""
        index = self.empty() if index is None else index
        answer = respond if callable(respond) else lambda _: respond
        card = RawCard(self._connect(index), answer_to_reset or atr("CARD"), answer)
        return card, self._seat(index, card, wait=wait)

    def empty(self) -> int:
        """Return the index of the next empty reader."""
        for index in itertools.islice(self._turn, 2 * self.stack.readers):
            if not glance(self.stack.names[index]).present:
                return index
        raise NotSeenError("no reader is empty")

    def kill_service(self) -> None:
        """End pcscd as a crash does; also from a card's thread."""
        with self._one_at_a_time:
            self.stack.stop(signal.SIGKILL)

    def restart_service(self) -> None:
        """Start pcscd again at the same place: it knows nothing of its clients. From the main thread only."""
        with self._one_at_a_time:
            self.stack.restart()

    def clear(self) -> None:
        """Take every card out."""
        for inserted in self._inserted:
            inserted.eject(wait=False)
        self._inserted.clear()

    def _connect(self, index: int) -> socket.socket:
        with self._one_at_a_time:
            return self.stack.connect(index)

    def _seat(self, index: int, card: RawCard | ServedCard, *, wait: bool) -> Inserted:
        inserted = Inserted(self.stack.names[index], index, card)
        self._inserted.append(inserted)
        if wait:
            inserted.wait_until_seen()
        return inserted

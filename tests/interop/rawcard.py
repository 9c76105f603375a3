"""Cards made of bare sockets: each says exactly what its test wants said, nothing of cardkit is in them."""

from __future__ import annotations

import contextlib
import functools
import operator
import socket
import threading
from collections.abc import Callable

POWER_OFF, POWER_ON, RESET, GET_ATR = b"\x00", b"\x01", b"\x02", b"\x04"
DONE = b"\x90\x00"

# What a card does instead of answering.
Respond = Callable[[bytes], bytes | None]


class PulledError(Exception):
    """Leave the reader in mid-command."""


def atr(marker: str, protocols: tuple[int, ...] = (1,)) -> bytes:
    """Return an ATR with a marker in its historical bytes (ISO/IEC 7816-3 8.2)."""
    history = marker.encode("ascii")
    interface = {(0,): b"", (1,): b"\x01", (0, 1): b"\x80\x01"}[protocols]
    first = (0x80 if interface else 0) | len(history)
    body = bytes((first,)) + interface + history
    check = bytes((functools.reduce(operator.xor, body),)) if 1 in protocols else b""
    return b"\x3b" + body + check


def done(_: bytes) -> bytes:
    """Answer 9000 to everything."""
    return DONE


class RawCard:
    """A card in a slot, served by a thread.

    :param link: from Stack.connect.  :param respond: command -> answer; None says nothing (a mute card), and raising
        :class:`PulledError` takes the card out.
    :param quickack: re-arm TCP_QUICKACK around each read.  :param writes: writes per answer; foreign cards do two.
    """

    def __init__(
        self,
        link: socket.socket,
        answer_to_reset: bytes,
        respond: Respond = done,
        *,
        quickack: bool = True,
        writes: int = 1,
    ) -> None:
        self.link = link
        self.answer_to_reset = answer_to_reset
        self.respond = respond
        self.quickack = quickack
        self.writes = writes
        self.messages: list[bytes] = []
        self.busy = threading.Event()
        link.settimeout(None)
        self.thread = threading.Thread(target=self._serve, daemon=True)
        self.thread.start()

    @property
    def commands(self) -> list[bytes]:
        """The command APDUs so far."""
        return [message for message in self.messages if len(message) > 1]

    def eject(self) -> None:
        """Leave the reader."""
        with contextlib.suppress(OSError):
            self.link.shutdown(socket.SHUT_RDWR)
        self.thread.join(2)
        self.link.close()

    def say(self, answer: bytes) -> None:
        """Send one message."""
        head = len(answer).to_bytes(2, "big")
        if self.writes == 1:
            self.link.sendall(head + answer)
        else:
            self.link.sendall(head)
            self.link.sendall(answer)

    def _serve(self) -> None:
        with contextlib.suppress(OSError, PulledError, EOFError):
            while True:
                message = self._take(int.from_bytes(self._take(2), "big"))
                self.messages.append(message)
                if message == GET_ATR:
                    self.say(self.answer_to_reset)
                elif len(message) > 1:
                    self._answer(message)
        with contextlib.suppress(OSError):
            self.link.shutdown(socket.SHUT_RDWR)
        self.link.close()

    def _answer(self, command: bytes) -> None:
        self.busy.set()
        answer = self.respond(command)
        if answer is not None:
            self.say(answer)
        self.busy.clear()

    def _take(self, count: int) -> bytes:
        data = b""
        while len(data) < count:
            if self.quickack:
                self.link.setsockopt(socket.IPPROTO_TCP, socket.TCP_QUICKACK, 1)
            part = self.link.recv(count - len(data))
            if not part:
                raise EOFError
            data += part
        return data

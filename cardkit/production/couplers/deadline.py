"""The deadline of the command under way, told to the supervisor before it is sent. pcsc.md 10

A blocked transmit cannot be cancelled: the supervisor ends the process instead. The announcement lies in memory both
share, because a message for each command would cost more than the command.
"""

from __future__ import annotations

import ctypes
import time
from typing import Any

from cardkit.transport.base import Connection
from cardkit.transport.wrapper import ConnectionWrapper

DEFAULT_S = 5.0
RESET_S = 3.0
KEY_GENERATION_S = 30.0
KEY_GENERATION_INS = frozenset({0x46, 0x47})


class Announcement(ctypes.Structure):
    """What the two processes share: until when (monotonic seconds, 0 = nothing under way), and which command."""

    _fields_ = (("until", ctypes.c_double), ("sequence", ctypes.c_uint64), ("header", ctypes.c_uint8 * 4))


class Watch:
    """Announces commands; the other process reads :attr:`overdue`.

    :param shared: an :class:`Announcement`, in shared memory where another process watches.
    :param limit_s: for an ordinary command.
    """

    def __init__(self, shared: Any, limit_s: float = DEFAULT_S) -> None:
        self._shared = shared
        self._limit_s = limit_s

    def start(self, header: bytes, limit_s: float | None = None) -> None:
        """Announce a command by its first four bytes; the limit follows from its instruction unless given."""
        if limit_s is None:
            generates = len(header) > 1 and header[1] in KEY_GENERATION_INS
            limit_s = max(KEY_GENERATION_S, self._limit_s) if generates else self._limit_s
        self._shared.sequence += 1
        self._shared.header[:] = header[:4].ljust(4, b"\0")
        self._shared.until = time.monotonic() + limit_s

    def stop(self) -> None:
        """The answer is here."""
        self._shared.until = 0.0

    @property
    def overdue(self) -> bool:
        """Whether the announced command has had its time."""
        until: float = self._shared.until
        return until != 0.0 and time.monotonic() > until

    @property
    def what(self) -> str:
        """The announced command in words: its ordinal and header, never its data."""
        return f"command {self._shared.sequence}, header {bytes(self._shared.header).hex().upper()}"


class WatchedConnection(ConnectionWrapper):
    """A connection whose every command is announced first."""

    def __init__(self, inner: Connection, watch: Watch) -> None:
        super().__init__(inner)
        self._watch = watch

    def transmit(self, command: bytes) -> bytes:
        """Send one command under its deadline."""
        self._watch.start(command[:4])
        try:
            return super().transmit(command)
        finally:
            self._watch.stop()

    def reset(self, *, cold: bool) -> bytes:
        """Reset the card under the deadline of a reset."""
        self._watch.start(b"", RESET_S)
        try:
            return super().reset(cold=cold)
        finally:
            self._watch.stop()

"""A trace of everything that passes: JSON Lines, redacted before it is written.

The first line says what this is: ``{"cardkit_trace": 1, "version", "reader", "atr", "protocol", "redaction"}``. Then
one line for each direction of each exchange:

    {"dir":">","apdu":"00A4000C023F00"}
    {"dir":"<","apdu":"9000","sw":"9000","us":37}
    {"dir":">","reset":"cold"}
    {"dir":"<","atr":"3B9F...","us":410}
    {"dir":"<","error":"CardRemovedError","executed":"unknown","us":95}

``us`` is the time from command to answer in microseconds. The command's line is written before it is sent, so that a
lost answer leaves its command behind.
"""

from __future__ import annotations

import json
import time
from importlib.metadata import PackageNotFoundError, version
from typing import TextIO

from cardkit.errors import TransportError
from cardkit.transport.base import Connection
from cardkit.transport.redact import HideAll, Redactor
from cardkit.transport.wrapper import ConnectionWrapper

TRACE_FORMAT = 1


class RecordingConnection(ConnectionWrapper):
    """Pass commands on and write them down.

    :param inner: the connection that carries the bytes.
    :param sink: where the lines go; open it with ``buffering=1`` if the last line must survive a crash. Not closed.
    :param redactor: decides what is shown; by default no data at all.
    """

    def __init__(self, inner: Connection, sink: TextIO, redactor: Redactor | None = None) -> None:
        super().__init__(inner)
        self._write = sink.write
        self._redactor = redactor or HideAll()
        header = {
            "cardkit_trace": TRACE_FORMAT,
            "version": _version(),
            "reader": inner.reader,
            "atr": inner.atr.hex().upper(),
            "protocol": int(inner.protocol),
            "redaction": self._redactor.name,
        }
        self._write(json.dumps(header) + "\n")

    def transmit(self, command: bytes) -> bytes:
        """Send one command APDU and return the response APDU; both go to the trace."""
        self._write(f'{{"dir":">","apdu":"{self._redactor.command(command)}"}}\n')
        start = time.perf_counter_ns()
        try:
            answer = self.inner.transmit(command)
        except TransportError as error:
            self._write_error(error, start)
            raise
        microseconds = (time.perf_counter_ns() - start) // 1000
        text = self._redactor.response(answer)
        self._write(f'{{"dir":"<","apdu":"{text}","sw":"{answer[-2:].hex().upper()}","us":{microseconds}}}\n')
        return answer

    def reset(self, *, cold: bool) -> bytes:
        """Reset the card and return its ATR."""
        self._write(f'{{"dir":">","reset":"{"cold" if cold else "warm"}"}}\n')
        self._redactor.reset()
        start = time.perf_counter_ns()
        try:
            atr = self.inner.reset(cold=cold)
        except TransportError as error:
            self._write_error(error, start)
            raise
        microseconds = (time.perf_counter_ns() - start) // 1000
        self._write(f'{{"dir":"<","atr":"{atr.hex().upper()}","us":{microseconds}}}\n')
        return atr

    def _write_error(self, error: TransportError, start: int) -> None:
        microseconds = (time.perf_counter_ns() - start) // 1000
        name, executed = type(error).__name__, error.executed.value
        self._write(f'{{"dir":"<","error":"{name}","executed":"{executed}","us":{microseconds}}}\n')


def _version() -> str:
    try:
        return version("cardkit")
    except PackageNotFoundError:
        return "unpackaged"

"""A recorded trace as a card: it answers as recorded, and only to what was recorded.

A masked field of a command matches any bytes of its length. A masked answer cannot be given again: replay stops
there and says so, because an invented answer would be verified as if a card had sent it.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from pathlib import Path

from cardkit import errors
from cardkit.errors import EncodingError, Executed, TransportError
from cardkit.transport.base import TransmissionProtocol
from cardkit.transport.guard import GuardedConnection
from cardkit.transport.record import TRACE_FORMAT

_MASK = re.compile(r"<(\d{1,5}):[A-Z]+>")
_HEX = re.compile(r"(?:[0-9A-Fa-f]{2})*")
_SENT = ">"
_RECEIVED = "<"


@dataclass(frozen=True, slots=True)
class TraceLine:
    """One line of a trace: its number in the file, and what went which way.

    ``apdu`` keeps its masked fields; exactly one of apdu, reset, atr and error is not empty.
    """

    number: int
    direction: str
    apdu: str = ""
    reset: str = ""
    atr: str = ""
    error: str = ""
    executed: str = Executed.UNKNOWN.value


@dataclass(frozen=True, slots=True)
class Trace:
    """A whole trace file."""

    path: Path
    reader: str
    atr: bytes
    protocol: TransmissionProtocol
    lines: tuple[TraceLine, ...]


def load_trace(path: Path) -> Trace:
    """Read and check a trace file.

    :raises EncodingError: naming file and line, when it is not a trace or a line is malformed.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except OSError as error:
        raise EncodingError(f"trace {path}: cannot be read: {error.strerror or error}") from error
    except UnicodeDecodeError as error:
        raise EncodingError(f"trace {path}: no trace: byte {error.start} is not UTF-8") from error
    first, *rest = text.splitlines() or [""]
    header = _parse_json(path, 1, first)
    if header.get("cardkit_trace") != TRACE_FORMAT:
        raise EncodingError(f"trace {path} line 1: no cardkit trace of format {TRACE_FORMAT}")
    try:
        atr = bytes.fromhex(str(header["atr"]))
        protocol = TransmissionProtocol(int(str(header["protocol"])))
    except (KeyError, ValueError) as error:
        raise EncodingError(f"trace {path} line 1: atr or protocol is missing or wrong") from error
    lines = tuple(_parse_line(path, number, line) for number, line in enumerate(rest, 2) if line)
    return Trace(path, str(header.get("reader", "")), atr, protocol, lines)


class ReplayConnection(GuardedConnection):
    """A connection to the card of a trace.

    :param trace: from :func:`load_trace`.
    """

    def __init__(self, trace: Trace) -> None:
        super().__init__(f"replay:{trace.path}", trace.atr, trace.protocol)
        self._trace = trace
        self._next = 0

    @property
    def finished(self) -> bool:
        """The whole trace has been played."""
        return self._next == len(self._trace.lines)

    def close(self) -> None:
        """Stop the replay; idempotent."""
        self._poison(TransportError("closed", reader=self.reader, executed=Executed.NO))

    def _exchange(self, command: bytes) -> bytes:
        sent = self._take(_SENT)
        if not sent.apdu or not pattern(sent.apdu).fullmatch(command):
            raise self._stop(sent, f"got command {_shown(command)}, expected {_shown_line(sent)}")
        answer = self._take(_RECEIVED)
        self._raise_recorded(answer)
        if "<" in answer.apdu:
            raise self._stop(answer, f"the answer {answer.apdu} is masked and cannot be replayed")
        return bytes.fromhex(answer.apdu)

    def _reset(self, *, cold: bool) -> bytes:
        kind = "cold" if cold else "warm"
        sent = self._take(_SENT)
        if sent.reset != kind:
            raise self._stop(sent, f"got a {kind} reset, expected {_shown_line(sent)}")
        answer = self._take(_RECEIVED)
        self._raise_recorded(answer)
        return bytes.fromhex(answer.atr)

    def _take(self, direction: str) -> TraceLine:
        if self.finished:
            raise TransportError(
                f"{self.reader}: the trace ends after {len(self._trace.lines)} lines", reader=self.reader
            )
        line = self._trace.lines[self._next]
        if line.direction != direction:
            raise self._stop(line, f"got direction {line.direction}, expected {direction}")
        self._next += 1
        return line

    def _raise_recorded(self, line: TraceLine) -> None:
        if line.error:
            kind = getattr(errors, line.error)
            raise kind(
                f"{self.reader} line {line.number}: recorded {line.error}",
                reader=self.reader,
                executed=Executed(line.executed),
            )

    def _stop(self, line: TraceLine, fault: str) -> TransportError:
        return TransportError(f"{self.reader} line {line.number}: {fault}", reader=self.reader, executed=Executed.NO)


def pattern(text: str) -> re.Pattern[bytes]:
    """Compile the text of a recorded command: masked fields match any bytes of their length."""
    parts: list[bytes] = []
    at = 0
    for mask in _MASK.finditer(text):
        parts.append(re.escape(bytes.fromhex(text[at : mask.start()])))
        parts.append(b".{%d}" % int(mask[1]))
        at = mask.end()
    parts.append(re.escape(bytes.fromhex(text[at:])))
    return re.compile(b"".join(parts), re.DOTALL)


def _shown(command: bytes) -> str:
    """Header and length only: the data may be a secret."""
    return f"{command[:4].hex().upper()} with {len(command)} bytes"


def _shown_line(line: TraceLine) -> str:
    if line.reset:
        return f"a {line.reset} reset"
    size = len(_MASK.sub("", line.apdu)) // 2 + sum(int(mask[1]) for mask in _MASK.finditer(line.apdu))
    return f"{line.apdu[:8]} with {size} bytes"


def _parse_json(path: Path, number: int, text: str) -> dict[str, object]:
    try:
        value = json.loads(text)
    except ValueError as error:
        raise EncodingError(f"trace {path} line {number}: no JSON: {error}") from error
    if not isinstance(value, dict):
        raise EncodingError(f"trace {path} line {number}: expected a JSON object")
    return value


def _parse_line(path: Path, number: int, text: str) -> TraceLine:
    fields = _parse_json(path, number, text)
    known: dict[str, str] = {key: str(fields[key]) for key in ("apdu", "reset", "atr", "error") if key in fields}
    direction = fields.get("dir")
    if direction not in (_SENT, _RECEIVED) or len(known) != 1:
        raise EncodingError(f"trace {path} line {number}: expected dir and one of apdu, reset, atr, error")
    if not _is_well_formed(known):
        raise EncodingError(f"trace {path} line {number}: malformed {next(iter(known))}")
    executed = fields.get("executed", Executed.UNKNOWN.value)
    if executed not in [member.value for member in Executed]:
        raise EncodingError(f"trace {path} line {number}: executed must be no or unknown")
    return TraceLine(number, str(direction), executed=str(executed), **known)


def _is_well_formed(known: dict[str, str]) -> bool:
    if "error" in known:
        kind = getattr(errors, known["error"], None)
        return isinstance(kind, type) and issubclass(kind, TransportError)
    if "reset" in known:
        return known["reset"] in ("cold", "warm")
    texts = [part for value in known.values() for part in _MASK.split(value)[::2]]
    return all(_HEX.fullmatch(text) for text in texts)

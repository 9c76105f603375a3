"""A simulated handler: connects to a station, moves cards that are not there, and makes one mistake if told to."""

from __future__ import annotations

import asyncio
import secrets
import ssl
import time
from collections import Counter
from contextlib import suppress
from dataclasses import dataclass, field

from cardkit.errors import StoreError
from cardkit.production.station.framing import JsonLines
from cardkit.production.station.handler import HandlerProtocol, Heard
from cardkit.production.station.mechanics import Kind, Machine, Trouble
from cardkit.production.station.messages import Fault, FromStation, Stop
from cardkit.production.station.protocol import HEARTBEAT_S, SILENCE_S
from cardkit.production.station.server import CHUNK_BYTES, TICKS_PER_HEARTBEAT, Address

GARBAGE = b'{"seq":,]\xff\n'
RECONNECT_S = 0.2
MOST_FAILURES = 150


@dataclass(frozen=True, slots=True)
class HandlerTerms:
    """What a simulated handler is.

    :param cards: in its feeder.  :param couplers: its slots, from 1.  :param tls: None for a plain line.
    """

    address: Address
    couplers: int
    cards: int
    trouble: Trouble | None = None
    tls: ssl.SSLContext | None = None
    machine: str = "simulated"
    heartbeat_s: float = HEARTBEAT_S
    silence_s: float = SILENCE_S


@dataclass(slots=True)
class HandlerDone:
    """How its work ended.

    :ivar bins: cards by the bin they went to.  :ivar stopped: what the station said when it stopped.
    :ivar links: how often it connected.  :ivar refusals: codes of messages that the station refused.
    """

    fed: int = 0
    bins: Counter[str] = field(default_factory=Counter)
    stopped: str | None = None
    links: int = 0
    refusals: Counter[str] = field(default_factory=Counter)


def run_handler(terms: HandlerTerms) -> HandlerDone:
    """Work until the feeder is empty, or the station stops, and all cards are in their bins.

    :raises StoreError: when the station refuses, forgets the session, or cannot be reached any more.
    """
    return asyncio.run(_Simulation(terms).run())


class _Simulation:
    def __init__(self, terms: HandlerTerms) -> None:
        self._terms = terms
        self._machine = Machine(terms.cards, terms.trouble)
        self._protocol = HandlerProtocol(
            secrets.token_hex(8),
            terms.machine,
            range(1, terms.couplers + 1),
            heartbeat_s=terms.heartbeat_s,
            silence_s=terms.silence_s,
        )
        self._wire = _FaultyWire(terms.trouble)
        self._done = HandlerDone()
        self._refused: str | None = None

    async def run(self) -> HandlerDone:
        failures = 0
        while not self._finished:
            try:
                await self._link()
                failures = 0
            except OSError as error:
                failures += 1
                if failures >= MOST_FAILURES:
                    raise StoreError(f"{self._terms.address}: no station: {error.strerror or error}") from error
            if self._refused is not None:
                raise StoreError(f"{self._terms.address}: {self._refused}")
            if not self._finished:
                await asyncio.sleep(RECONNECT_S)
        self._done.fed, self._done.bins, self._done.stopped = (
            self._machine.fed,
            self._machine.bins,
            self._machine.stopped,
        )
        return self._done

    @property
    def _finished(self) -> bool:
        return self._machine.finished and self._protocol.settled

    async def _link(self) -> None:
        address = self._terms.address
        host = address.host if self._terms.tls else None
        reader, writer = await asyncio.open_connection(
            address.host, address.port, ssl=self._terms.tls, server_hostname=host
        )
        self._done.links += 1
        frames = JsonLines()
        open_ = self._send(writer, [self._protocol.connected(time.monotonic())])
        try:
            while open_ and not self._finished:
                data = await self._read(reader)
                if data == b"":
                    return
                open_ = self._tick(writer) if data is None else self._take(writer, frames, data)
                await writer.drain()
        finally:
            self._protocol.lost()
            writer.close()
            with suppress(OSError):
                await writer.wait_closed()

    async def _read(self, reader: asyncio.StreamReader) -> bytes | None:
        """Return what came; None where nothing does for a while, b"" at the end of the link."""
        try:
            async with asyncio.timeout(self._terms.heartbeat_s / TICKS_PER_HEARTBEAT):
                return await reader.read(CHUNK_BYTES)
        except TimeoutError:
            return None

    def _tick(self, writer: asyncio.StreamWriter) -> bool:
        return self._heard(writer, self._protocol.tick(time.monotonic()))

    def _take(self, writer: asyncio.StreamWriter, frames: JsonLines, data: bytes) -> bool:
        return all(
            self._heard(writer, self._protocol.received(line, time.monotonic()))
            for line in frames.lines(data)
            if self._wire.hears()
        ) and self._tick(writer)

    def _heard(self, writer: asyncio.StreamWriter, heard: Heard) -> bool:
        """Act on what the station said; whether the link is to stay."""
        lines = heard.lines
        for news in heard.news:
            self._note(news)
            for message in self._machine.told(news):
                lines += self._protocol.say(message)
        if self._protocol.forgotten:
            self._refused = "the station was started again and does not know this session"
        return self._send(writer, lines) and not heard.close

    def _note(self, news: FromStation) -> None:
        if isinstance(news, Fault):
            self._done.refusals[news.code] += 1
            if not self._protocol.linked:
                self._refused = f"refused: {news.code}, expected {news.expected}"
        elif isinstance(news, Stop):
            self._done.stopped = news.why

    def _send(self, writer: asyncio.StreamWriter, lines: list[bytes]) -> bool:
        """Send lines as the wire lets them through; False where it was cut."""
        for line in lines:
            through = self._wire.carries(line)
            if through is None:
                return False
            writer.write(through)
        return True


class _FaultyWire:
    """Does one thing wrong at the n-th message."""

    def __init__(self, trouble: Trouble | None) -> None:
        self._trouble = trouble
        self._said = self._heard = 0
        self._late = b""

    def carries(self, line: bytes) -> bytes | None:
        """Return what goes out for a line; None cuts the link."""
        self._said += 1
        late, self._late = self._late, b""
        if self._trouble is None or self._trouble.at != self._said:
            return line + late
        match self._trouble.kind:
            case Kind.LOSE | Kind.DELAY as kind:
                self._late = line if kind is Kind.DELAY else b""
                return b""
            case Kind.REPEAT:
                return line + line
            case Kind.GARBAGE:
                return GARBAGE
            case Kind.CUT:
                return None
        return line

    def hears(self) -> bool:
        """Whether the next line that comes in is heard."""
        self._heard += 1
        trouble = self._trouble
        return trouble is None or trouble.kind is not Kind.DEAF or trouble.at != self._heard

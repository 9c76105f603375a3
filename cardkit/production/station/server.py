"""The line to the handler: one TCP link at a time, in a thread of its own; all it decides the protocol decides.

production.md 16: loopback, elsewhere TLS 1.2 or later with client certificates.
"""

from __future__ import annotations

import asyncio
import ipaddress
import logging
import ssl
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from cardkit.errors import EncodingError, StoreError
from cardkit.production.station.floor import Step
from cardkit.production.station.framing import Adapter, JsonLines
from cardkit.production.station.protocol import StationProtocol
from cardkit.production.station.turns import Effect, Turn

log = logging.getLogger(__name__)

CHUNK_BYTES = 65_536
TICKS_PER_HEARTBEAT = 8
GOODBYE_S = 2.0


@dataclass(frozen=True, slots=True)
class Address:
    """Where a handler connects: ``HOST:PORT``, port 0 for any that is free."""

    host: str
    port: int

    @classmethod
    def of(cls, text: str) -> Address:
        """Read an address.  :raises EncodingError: on another form."""
        host, _, port = text.rpartition(":")
        if not host or not port.isdecimal() or int(port) > 0xFFFF:
            raise EncodingError(f"address {text!r}: expected HOST:PORT, as 127.0.0.1:7816")
        return cls(host.strip("[]"), int(port))

    def __str__(self) -> str:
        """Return the text :meth:`of` reads."""
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"

    @property
    def is_loopback(self) -> bool:
        """Whether only this machine can connect."""
        if self.host == "localhost":
            return True
        with suppress(ValueError):
            return ipaddress.ip_address(self.host).is_loopback
        return False


@dataclass(frozen=True, slots=True)
class Certificates:
    """Files in PEM: our certificate, its key, and the authority whose certificates the other side must show."""

    own: Path
    key: Path
    authority: Path

    def context(self, side: ssl.Purpose) -> ssl.SSLContext:
        """Return the terms of TLS for one side; the other must show a certificate.

        :raises EncodingError: where a file is not what it should be.
        """
        protocol = ssl.PROTOCOL_TLS_SERVER if side is ssl.Purpose.CLIENT_AUTH else ssl.PROTOCOL_TLS_CLIENT
        context = ssl.SSLContext(protocol)
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        context.verify_mode = ssl.CERT_REQUIRED
        try:
            context.load_cert_chain(self.own, self.key, password="")
            context.load_verify_locations(self.authority)
        except (ssl.SSLError, OSError) as error:
            raise EncodingError(f"TLS: {self.own}, {self.key}, {self.authority}: {error}") from error
        return context


class HandlerServer:
    """Owns the protocol: everything is said to it in this server's thread.

    :param adapter: makes the translator of a link.
    """

    def __init__(
        self,
        protocol: StationProtocol,
        *,
        adapter: Callable[[], Adapter] = JsonLines,
        heartbeat_s: float = 2.0,
    ) -> None:
        self._protocol = protocol
        self._act: Callable[[Effect, float], None]
        self._new_adapter = adapter
        self._tick_s = heartbeat_s / TICKS_PER_HEARTBEAT
        self._loop: asyncio.AbstractEventLoop
        self._thread = threading.Thread(target=self._run, name="handler", daemon=True)
        self._server: asyncio.Server | None = None
        self._writer: asyncio.StreamWriter | None = None
        self._adapter = adapter()
        self._settled = threading.Event()

    def start(
        self, address: Address, act: Callable[[Effect, float], None], tls: ssl.SSLContext | None = None
    ) -> Address:
        """Listen; returns where.

        :param act: is told each effect, in this server's thread, with the time.
        :raises EncodingError: where others than this machine could connect without TLS.
        :raises StoreError: when the address cannot be listened at.
        """
        if tls is None and not address.is_loopback:
            raise EncodingError(f"{address}: other machines can connect: expected loopback, or TLS with certificates")
        self._act, self._loop = act, asyncio.new_event_loop()
        self._thread.start()
        listening = asyncio.run_coroutine_threadsafe(self._listen(address, tls), self._loop)
        try:
            return listening.result()
        except OSError as error:
            self.close()
            raise StoreError(f"{address}: cannot listen: {error.strerror or error}") from error

    def post(self, step: Step) -> None:
        """Take a step in this server's thread, after those that were posted before; from any thread."""
        with suppress(RuntimeError):  # the loop is closed: nobody listens any more
            self._loop.call_soon_threadsafe(lambda: self._apply(step(self._protocol, self._now())))

    def wait_settled(self, timeout_s: float) -> bool:
        """Wait until no slot holds a card and the handler heard everything, as of now or later; whether it came so."""
        self._settled.clear()
        return self._settled.wait(timeout_s)

    def close(self) -> None:
        """Say goodbye, end the link and listen no more."""
        if self._thread.is_alive():
            asyncio.run_coroutine_threadsafe(self._leave(), self._loop)
            self._thread.join()

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        self._loop.run_forever()
        self._loop.close()

    async def _leave(self) -> None:
        if self._server is not None:
            self._server.close()
        writer = self._writer
        if writer is not None:
            self._apply(self._protocol.farewell(self._now()))
            with suppress(OSError, TimeoutError):
                async with asyncio.timeout(GOODBYE_S):
                    await writer.drain()
                    writer.close()
                    await writer.wait_closed()
            writer.transport.abort()
        others = asyncio.all_tasks() - {asyncio.current_task()}
        for task in others:
            task.cancel()
        await asyncio.gather(*others, return_exceptions=True)
        self._loop.stop()

    async def _listen(self, address: Address, tls: ssl.SSLContext | None) -> Address:
        self._server = await asyncio.start_server(self._link, address.host, address.port, ssl=tls, backlog=4)
        self._ticking = self._loop.create_task(self._tick())
        return Address(address.host, self._server.sockets[0].getsockname()[1])

    async def _tick(self) -> None:
        while True:
            await asyncio.sleep(self._tick_s)
            self._apply(self._protocol.tick(self._now()))
            if self._protocol.settled:
                self._settled.set()

    async def _link(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Serve one link; a second one is refused while the first lasts."""
        if self._writer is not None:
            writer.close()
            return
        self._writer, self._adapter = writer, self._new_adapter()
        self._protocol.connected(self._now())
        try:
            while self._writer is writer and (data := await reader.read(CHUNK_BYTES)):
                for line in self._adapter.lines(data):
                    if self._writer is writer:
                        self._apply(self._protocol.received(line, self._now()))
                        await writer.drain()
        except OSError as error:
            log.info("handler: the link broke: %s", error)
        finally:
            self._hang_up(writer)

    def _hang_up(self, writer: asyncio.StreamWriter) -> None:
        if self._writer is writer:
            self._writer = None
            self._protocol.lost()
        writer.close()

    def _apply(self, turn: Turn) -> None:
        writer = self._writer
        if writer is not None:
            for line in turn.lines:
                writer.write(self._adapter.wire(line))
            if turn.close:
                self._hang_up(writer)
        for effect in turn.effects:
            self._act(effect, self._now())

    def _now(self) -> float:
        return time.monotonic()

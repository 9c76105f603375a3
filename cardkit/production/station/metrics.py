"""A station's figures as Prometheus text, served to this machine alone. production.md 14, security.md D7

Counts, shares and states: no label carries anything of a card.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler
from socketserver import ThreadingTCPServer

from cardkit.errors import EncodingError, StoreError
from cardkit.production import events
from cardkit.production.books import Verdict
from cardkit.production.station.figures import Figures
from cardkit.production.station.server import Address

PATH = "/metrics"
CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
POLL_S = 0.1
ANSWER_S = 5.0

Sample = tuple[str, float]
"""Labels in braces or nothing, and a value."""


class Metrics:
    """Counts what a shift reports, and says it as Prometheus text.

    :param station: its name.  :param couplers: how many it has.
    """

    def __init__(self, station: str, couplers: int) -> None:
        self._station = station
        self._figures = Figures(couplers)
        self._records: dict[str, int] = {}
        self._running = False
        self._lock = threading.Lock()

    def __call__(self, event: events.Event) -> None:
        """Take one event of a run."""
        with self._lock:
            self._figures(event)
            match event:
                case events.BatchStarted():
                    self._running = True
                    self._records = {"READY": event.ready, "GOOD": event.good, "IN_DOUBT": event.in_doubt}
                case events.BatchDone(counts=counts):
                    self._running = False
                    self._records = dict(counts)
                case _:
                    pass

    def text(self) -> str:
        """Return everything so far, in the exposition format 0.0.4."""
        with self._lock:
            return "".join(self._lines())

    def _lines(self) -> Iterator[str]:
        figures = self._figures
        cards: list[Sample] = [(_labels(verdict=str(verdict)), figures.cards[verdict]) for verdict in Verdict]
        codes: list[Sample] = [(_labels(kind=kind, code=code), n) for (kind, code), n in sorted(figures.codes.items())]
        stopped = len({stop.coupler for stop in figures.stopped_couplers})
        records: list[Sample] = [(_labels(state=state), count) for state, count in sorted(self._records.items())]
        yield from _metric("info", "gauge", "The station.", [(_labels(station=self._station), 1)])
        yield from _metric("cards_total", "counter", "Cards that left a coupler, by verdict.", cards)
        yield from _metric("rejects_total", "counter", "Cards that are not good, by class and code.", codes)
        yield from _metric("worker_restarts_total", "counter", "Coupler processes put anew.", [("", figures.restarts)])
        yield from _metric("card_seconds_total", "counter", "Time cards took.", [("", figures.whole_ms / 1000)])
        yield from _metric("link_seconds_total", "counter", "Of it, card and line.", [("", figures.card_ms / 1000)])
        yield from _metric("couplers", "gauge", "Couplers of the station.", [("", figures.couplers)])
        yield from _metric("couplers_stopped", "gauge", "Couplers that take no more cards.", [("", stopped)])
        yield from _metric("running", "gauge", "1 while cards are made.", [("", self._running)])
        yield from _metric("batch_records", "gauge", "Records of the batch at its start or end, by state.", records)


def _labels(**values: str) -> str:
    pairs = (f'{name}="{_escaped(value)}"' for name, value in values.items())
    return "{" + ",".join(pairs) + "}"


def _escaped(value: str) -> str:
    return value.replace("\\", r"\\").replace('"', r"\"").replace("\n", r"\n")


def _metric(name: str, kind: str, what: str, samples: list[Sample]) -> Iterator[str]:
    yield f"# HELP cardkit_{name} {what}\n# TYPE cardkit_{name} {kind}\n"
    for labels, value in samples:
        yield f"cardkit_{name}{labels} {float(value)}\n"


class _Handler(BaseHTTPRequestHandler):
    """Answers one question: what are the figures?"""

    said: Callable[[], str]
    timeout = ANSWER_S

    def do_GET(self) -> None:
        """Say the figures."""
        if self.path != PATH:
            self.send_error(HTTPStatus.NOT_FOUND, explain=f"expected {PATH}")
            return
        body = type(self).said().encode()
        self.send_response(HTTPStatus.OK)
        self.send_header("Content-Type", CONTENT_TYPE)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the library's name
        """Say nothing of requests."""


class _Server(ThreadingTCPServer):
    allow_reuse_address = True
    daemon_threads = True


@contextmanager
def served(address: Address, metrics: Metrics) -> Iterator[Address]:
    """Serve figures at ``http://HOST:PORT/metrics`` for the length of a block; gives where.

    :raises EncodingError: where other machines could connect.  :raises StoreError: where nobody can listen.
    """
    if not address.is_loopback:
        raise EncodingError(f"{address}: other machines can connect: expected loopback")
    handler = type("Handler", (_Handler,), {"said": staticmethod(metrics.text)})
    try:
        server = _Server((address.host, address.port), handler)
    except OSError as error:
        raise StoreError(f"{address}: cannot listen: {error.strerror or error}") from error
    thread = threading.Thread(target=server.serve_forever, args=(POLL_S,), name="metrics", daemon=True)
    thread.start()
    try:
        yield Address(address.host, server.server_address[1])
    finally:
        server.shutdown()
        thread.join()
        server.server_close()

"""A station and a simulated handler at work, over TCP."""

from __future__ import annotations

import threading
from dataclasses import dataclass
from typing import Any

from cardkit.production import RunOptions, Store
from cardkit.production.events import CardDone
from cardkit.production.station.mechanics import Trouble
from cardkit.production.station.server import Address
from cardkit.production.station.serving import LineTerms, Listening, Served, serve_shift
from cardkit.production.station.simulator import HandlerDone, HandlerTerms, run_handler

LOOPBACK = Address("127.0.0.1", 0)
BEAT_S, SILENCE_S, PATIENCE_S = 0.05, 30.0, 60.0


@dataclass
class Worked:
    """What came of one handler and one station."""

    served: Served
    handler: HandlerDone
    cards: list[CardDone]


def work(store: Store, cards: int, trouble: Trouble | None = None, couplers: int = 2) -> Worked:
    """Run the station here and its handler in a thread."""
    done: list[HandlerDone] = []
    threads: list[threading.Thread] = []
    made: list[CardDone] = []

    def told(event: Any) -> None:
        if isinstance(event, CardDone):
            made.append(event)
        if isinstance(event, Listening):
            terms = HandlerTerms(
                Address.of(event.address), couplers, cards, trouble, heartbeat_s=BEAT_S, silence_s=SILENCE_S
            )
            threads.append(threading.Thread(target=lambda: done.append(run_handler(terms)), daemon=True))
            threads[0].start()

    line = LineTerms(LOOPBACK, heartbeat_s=BEAT_S, silence_s=SILENCE_S)
    served = serve_shift(
        store, [f"virtual:usim*{couplers}"], line, reporter=told, options=RunOptions(station="S1", limit=cards)
    )
    threads[0].join(PATIENCE_S)
    assert done, "the handler did not come to its end"
    return Worked(served, done[0], made)

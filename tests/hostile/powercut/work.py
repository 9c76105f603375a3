"""A station that makes cards on a recorded disk, and tells the world of each bind and verdict.

    python -m tests.hostile.powercut.work FOLDER BATCH CARDS [careless...]

``normal`` and ``off`` weaken SQLite's syncs, ``journal`` leaves out the journal's: the controls.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

from cardkit.production import RunOptions, events, journal, open_store, run_batch
from cardkit.production.store import sqlite
from tests.hostile.powercut.disk import ACKNOWLEDGED


def carelessly(what: str) -> None:
    """Leave out what makes something durable."""
    if what == "journal":
        journal._flush = lambda _: None
    else:
        sqlite.PRAGMAS = tuple(f"synchronous={what}" if "synchronous" in line else line for line in sqlite.PRAGMAS)


def work(folder: Path, batch: str, cards: int) -> None:
    """Make cards; each bind and each verdict is told once the station holds it for durable."""
    told = os.open(f"{folder}{ACKNOWLEDGED}", os.O_WRONLY | os.O_CREAT)
    length = 0

    def tell(event: events.Event) -> None:
        nonlocal length
        match event:
            case events.CardStarted(_, row):
                line = f"BOUND {row}\n"
            case events.CardDone(record_no=row, verdict=verdict):
                line = f"{verdict} {row}\n"
            case _:
                return
        length += os.pwrite(told, line.encode(), length)

    store = open_store(f"sqlite:///{folder / 'plant.db'}", operator="ana")
    run_batch(store, batch, ["virtual:usim"], reporter=tell, options=RunOptions("S1", limit=cards))
    store.close()


if __name__ == "__main__":
    for careless in sys.argv[4:]:
        carelessly(careless)
    work(Path(sys.argv[1]), sys.argv[2], int(sys.argv[3]))

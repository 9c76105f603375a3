"""One machine of a simulated plant: a process that runs the batch until nothing is left to claim."""

from __future__ import annotations

import logging
import multiprocessing
import os
import sys
import threading
import time
from collections.abc import MutableSequence, Sequence
from dataclasses import dataclass
from pathlib import Path

from cardkit.errors import CardkitError
from cardkit.production import events
from cardkit.production.run import RunOptions, run_batch
from cardkit.production.sim.bench import ReaderLosses
from cardkit.production.store import reading
from cardkit.production.store.store import open_store

OPERATOR = "sim"
PAUSE_S = 0.3
BOUND, GOOD, READERS, BOUND_AT_LOSS = range(4)
"""What a machine counts: cards joined to a record, those of them that left it GOOD, and readers it lost; and how many
cards it had bound when it lost the last of them."""
COUNTS = 4


@dataclass(frozen=True, slots=True)
class MachineTerms:
    """What a machine is started with.

    :param reader: its virtual readers, as a target string.  :param workers: whether each coupler is a process.
    :param lease_s: how long its claims hold.  :param log: file that takes what it says.
    :param couplers: how many those are.
    :param loses_within: cards of a coupler, at one of which its reader is pulled out; 0: at none.
    """

    store: str
    batch: str
    station: str
    reader: str
    workers: bool
    lease_s: float
    log: Path
    couplers: int
    loses_within: int


def work(terms: MachineTerms, tally: MutableSequence[int]) -> None:
    """Run the batch again and again, as operators do whose line has stopped; the entry point of a process.

    :param tally: its counts, in shared memory: they outlive it.
    """
    with terms.log.open("ab") as log:
        for stream in (sys.stdout, sys.stderr):
            os.dup2(log.fileno(), stream.fileno())
    logging.basicConfig(level=logging.WARNING)
    threading.Thread(target=_end_with_plant, name="lifeline", daemon=True).start()
    try:
        _run(terms, tally)
    except CardkitError as error:
        sys.exit(f"{terms.station}: {error}")


def _end_with_plant() -> None:
    plant = multiprocessing.parent_process()
    if plant is not None:
        plant.join()
        os._exit(1)


def _run(terms: MachineTerms, tally: MutableSequence[int]) -> None:
    def count(event: events.Event) -> None:
        match event:
            case events.CardStarted():
                tally[BOUND] += 1
            case events.CardDone(verdict="GOOD"):
                tally[GOOD] += 1
            case events.CouplerStopped(rule="reader"):
                tally[READERS] += 1
                tally[BOUND_AT_LOSS] = tally[BOUND]
            case _:
                pass

    with open_store(terms.store, operator=OPERATOR) as store:
        while True:
            bench = ReaderLosses(loses_within(terms, tally))
            options = RunOptions(station=terms.station, workers=terms.workers, bench=bench, lease_s=terms.lease_s)
            run_batch(store, terms.batch, [terms.reader], reporter=count, options=options)
            counts = reading.counts(store, store.batch(terms.batch))
            if not counts["READY"] + counts["LEASED"]:
                return
            time.sleep(PAUSE_S)  # what is left is leased to another machine


def loses_within(terms: MachineTerms, tally: Sequence[int]) -> int:
    """Return within how many cards of this run a coupler loses its reader: runs that were cut short count, too."""
    since = (tally[BOUND] - tally[BOUND_AT_LOSS]) // terms.couplers
    return max(1, terms.loses_within - since) if terms.loses_within else 0

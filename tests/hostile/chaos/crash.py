"""A station that dies by SIGKILL before its n-th effect: journal, flush, commit or APDU. Runs in a process of its own.

The product has no hooks for this: its methods are wrapped here.
"""

from __future__ import annotations

import json
import multiprocessing
import os
import shutil
import signal
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Engine, event

from cardkit.production import RunOptions, open_store, resume_batch, run_batch
from cardkit.production.journal import Journal, frame
from cardkit.production.store.steps import Steps
from cardkit.virtual import VirtualCard
from tests.hostile.chaos.judge import SERIAL, look
from tests.hostile.chaos.lives import start
from tests.hostile.chaos.plant import BATCH, Plant

APPEND, SYNC, COMMIT, APDU = "journal append", "journal sync", "store commit", "APDU"
TORN_BYTES = 3
STATION = "line 1"
LANES = 2


class Effects:
    """Counts what leaves the process, and ends it before one of them.

    :param fatal: number of that effect, from 1; 0 for none.  :param torn: a fatal append still writes half its entry.
    """

    def __init__(self, fatal: int, *, torn: bool) -> None:
        self.names: list[str] = []
        self._fatal = fatal
        self._torn = torn
        self._counting = threading.Lock()

    def install(self) -> None:
        """Wrap what has effects, for good: the process is ours."""
        append = Journal.append

        def torn_append(journal: Journal, entry: dict[str, Any]) -> None:
            self._before(APPEND, lambda: os.write(journal._file, frame(entry)[:-TORN_BYTES]))
            append(journal, entry)

        Journal.append = torn_append
        self._wrap(Journal, "sync", SYNC)
        self._wrap(VirtualCard, "transmit", APDU)
        self._wrap(Steps, "commit", COMMIT)
        event.listen(Engine, "commit", self._commit)

    def _commit(self, connection: Connection) -> None:
        if not connection.get_execution_options().get("reading", False):
            self._before(COMMIT)

    def _wrap(self, owner: type, method: str, name: str) -> None:
        plain = getattr(owner, method)

        def effect(this: Any, *args: Any) -> Any:
            self._before(name)
            return plain(this, *args)

        setattr(owner, method, effect)

    def _before(self, name: str, tear: Callable[[], object] | None = None) -> None:
        with self._counting:
            self.names.append(name)
            if len(self.names) != self._fatal:
                return
            if self._torn and tear is not None:
                tear()
            os.kill(os.getpid(), signal.SIGKILL)


def one_life(plant: Plant, fatal: int = 0, *, torn: bool = False) -> int | None:
    """Run and resume a batch in a process that dies before an effect; its exit code, negative the signal.

    :param fatal: number of the effect, 0 for none.
    """
    process = start(_live, plant, fatal, torn)
    process.join()
    return process.exitcode


def undisturbed(begun: Plant, folder: Path) -> tuple[list[str], dict[str, bytes]]:
    """Return the effects of a life that nobody disturbs, and what its chip holds in the end."""
    plant = begun.copy(folder)
    assert one_life(plant) == 0
    assert plant.sound() == {"GOOD": 1}
    return json.loads(_log(plant).read_text("ascii")), finished(plant)


def finished(plant: Plant) -> dict[str, bytes]:
    """Return what the one chip that was touched holds, but for its serial number."""
    (chip,) = (chip for chip in look(plant.chips, plant.rows).values() if chip.touched)
    return {cell: body for cell, body in chip.memory.items() if cell != SERIAL}


def killed_everywhere(begun: Plant, names: Sequence[str], card: dict[str, bytes], stride: int = 1) -> int:
    """Kill a life once before each of its effects, or each so-many-th APDU; how many lives that took.

    :param names: its effects, undisturbed.  :param card: what the chip must hold in the end.
    """
    points = [(number, False) for number, name in enumerate(names, 1) if name != APDU or number % stride == 0]
    points += [(number, True) for number, name in enumerate(names, 1) if name == APPEND]
    # Processes, not threads: two threads that wait for children take their exit codes from each other.
    with ProcessPoolExecutor(LANES, multiprocessing.get_context("spawn")) as lanes:
        deaths = [lanes.submit(_killed_at, begun, number, torn, card) for number, torn in points]
    assert [text for death in deaths for text in death.result()] == []
    return len(points)


def _killed_at(begun: Plant, fatal: int, torn: bool, card: dict[str, bytes]) -> list[str]:
    """Kill a life before an effect, let the next one end it; what is wrong then."""
    plant = begun.copy(begun.folder.with_name(f"{begun.folder.name}-{fatal}{'-torn' * torn}"))
    code = one_life(plant, fatal, torn=torn)
    wrong = [] if code == -signal.SIGKILL else [f"exit code {code}, expected SIGKILL"]
    wrong += plant.judgement().problems
    if one_life(plant) != 0:
        wrong.append("the next life failed")
    found = plant.judgement()
    wrong += [*found.problems, *plant.violations()]
    if found.states != {"GOOD": 1} or finished(plant) != card:
        wrong.append(f"records {dict(found.states)}, the chip is not as an undisturbed one")
    shutil.rmtree(plant.folder)
    return [f"killed before effect {fatal}{' (torn)' * torn}: {text}" for text in wrong]


def _log(plant: Plant) -> Path:
    return plant.folder / "effects.json"


def _live(plant: Plant, fatal: int, torn: bool) -> None:
    counted = Effects(fatal, torn=torn)
    counted.install()
    options = RunOptions(station=STATION)
    with open_store(f"sqlite:///{plant.store}", operator="operator") as store:
        run_batch(store, BATCH, [plant.reader], options=options)
        resume_batch(store, BATCH, plant.reader, options=options)
    _log(plant).write_text(json.dumps(counted.names), "ascii")


def run_with_workers(plant: Plant) -> None:
    """Run the batch with one process for each coupler; the entry point of a process."""
    with open_store(f"sqlite:///{plant.store}", operator="operator") as store:
        run_batch(store, BATCH, [plant.readers], options=RunOptions(station=STATION, workers=True))

"""A station is killed at any moment, again and again: never a record on two chips, never one lost. production.md 7

The chips' files are the judge. `CARDKIT_CHAOS=long` (make chaos) is the long version.
"""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import random
import shutil
import signal
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pytest

from cardkit.production import RunOptions, events, open_store, resume_batch, run_batch
from cardkit.production.couplers.process import ProcessCoupler
from cardkit.production.sim.faults import PROC, spawned_by
from tests.hostile.chaos import afterwards, crash
from tests.hostile.chaos.judge import attempts, duplicates, judge, look
from tests.hostile.chaos.lives import FOREVER, FORKS, JITTER_S, live
from tests.hostile.chaos.order import write_order
from tests.hostile.chaos.plant import BATCH, Plant

LONG = os.environ.get("CARDKIT_CHAOS") == "long"
PLANTS, COUPLERS = 2, 4
CARDS, KILLS, HITS = (2_000, 200, 50) if LONG else (3_000, 40, 40)
# More lives than kills are asked for: some end in peace, some die before they bind anything.
CARDS_PER_LIFE = CARDS / (1.6 * KILLS)
RESUME_KILLS = 3
CONTROL_CARDS, CONTROL_KILLS = 60, 6
WORKER_CARDS, WORKER_HITS = (400, 25) if LONG else (120, 5)
WORKER_CARDS_PER_KILL = 6
SUPERVISOR_KILLS = 8 if LONG else 3
WORKERS_END_WITHIN_S = 60.0
# Of the commands between two other effects, each so-many-th; test_tear.py tears a card at every one.
APDU_STRIDE, RESUMED_APDU_STRIDE = (1, 1) if LONG else (3, 20)

needs_fork = pytest.mark.skipif(
    not FORKS,
    reason="some hundred processes that die, each forked from a loaded one: this platform does not fork",
)


@pytest.fixture
def world() -> Iterator[Path]:
    """Where chips lie: in memory where there is a folder for it; a killed process leaves them all the same."""
    shared = Path("/dev/shm")
    folder = Path(tempfile.mkdtemp(prefix="cardkit-chips-", dir=shared if os.access(shared, os.W_OK) else None))
    yield folder
    shutil.rmtree(folder)


# The station is killed


def make_batch(plant: Plant, seed: int) -> None:
    """Kill the station until its batch is finished, except for doubts."""
    rng = random.Random(seed)
    while (code := plant.run(rng, CARDS_PER_LIFE)) is None:
        pass
    assert code == 0, plant.talk()


def end_doubts(plant: Plant, seed: int) -> None:
    """Present all chips again; killed a few times at that, too."""
    rng = random.Random(seed)
    for _ in range(RESUME_KILLS):
        plant.resume(rng, len(plant.figures.bound) / 10)
    assert plant.resume(rng, FOREVER) == 0, plant.talk()


@pytest.mark.requirement("P1")
def test_a_killed_station_makes_no_duplicate_and_loses_nothing(tmp_path, world, capsys):
    plants = [Plant(tmp_path / name, world / name, CARDS // PLANTS, COUPLERS) for name in ("one", "two")]
    with ThreadPoolExecutor(PLANTS) as side_by_side:
        list(side_by_side.map(Plant.take_order, plants))
        start = time.monotonic()
        list(side_by_side.map(make_batch, plants, range(PLANTS)))
        seconds = time.monotonic() - start
        kills, hits = (sum(getattr(plant.figures, name) for plant in plants) for name in ("kills", "hits"))
        doubts = [len(plant.figures.bound) for plant in plants]
        for plant, doubtful in zip(plants, doubts, strict=True):
            assert doubtful <= plant.figures.kills * COUPLERS
            assert plant.sound() == {"GOOD": plant.records - doubtful, "IN_DOUBT": doubtful}
        list(side_by_side.map(end_doubts, plants, range(PLANTS)))
    for plant in plants:
        assert plant.sound() == {"GOOD": plant.records}
    again = sum(plant.figures.kills for plant in plants) - kills
    with capsys.disabled():
        print(
            f"\n{CARDS} cards, {kills} kills, {hits} on a bound record, {sum(doubts)} doubts, 0 duplicates, 0 lost, "
            f"{CARDS / seconds:.0f} cards/s with the restarts; resumed with {again} kills, all GOOD"
        )
    assert kills >= KILLS
    assert hits >= HITS


@pytest.mark.requirement("P1")
def test_control_a_queue_that_acknowledges_after_the_work_makes_duplicates(tmp_path, world, capsys):
    """Without bind before write the same kills show: the test is not blind."""
    rng = random.Random(1)
    rows = write_order(tmp_path / "order.csv", CONTROL_CARDS)
    done = tmp_path / "done.txt"
    words = [str(path) for path in (tmp_path / "order.csv", world, done)]

    def made() -> float:
        return done.read_bytes().count(b"\n") if done.exists() else 0

    for _ in range(CONTROL_KILLS):
        live(afterwards.main, words, tmp_path, made, rng, CONTROL_CARDS / CONTROL_KILLS / 2)
    assert live(afterwards.main, words, tmp_path, made, rng, FOREVER) == 0
    twice = duplicates(look(world, rows))
    with capsys.disabled():
        print(f"\nacknowledged after the work: {CONTROL_CARDS} cards, {CONTROL_KILLS} kills, {len(twice)} duplicates")
    assert len(twice) > 0


# A worker is killed


class Reaper(threading.Thread):
    """Kills a random worker that has begun to work, now and then, until told to rest.

    :param couplers: the latest of each number.  :param cards: made in the mean between two kills.
    """

    def __init__(self, plant: Plant, couplers: dict[int, ProcessCoupler], rng: random.Random, cards: float) -> None:
        super().__init__(daemon=True)
        self._plant, self._couplers, self._rng, self._cards = plant, couplers, rng, cards
        self._numbers: dict[str, int] = {}
        self._working: set[int] = set()
        self.rest = threading.Event()
        self.kills = 0

    def hear(self, event: events.Event) -> None:
        """Listen to the supervisor."""
        match event:
            case events.BatchStarted():
                self._numbers = {name: number for number, name in enumerate(event.couplers, 1)}
            case events.CardStarted():
                self._working.add(self._numbers[event.coupler])

    def run(self) -> None:
        while not self.rest.is_set():
            last_card = self._plant.cards_made() + self._rng.uniform(0, 2) * self._cards
            while self._plant.cards_made() <= last_card or not self._working:
                if self.rest.wait(0.001):
                    return
            time.sleep(self._rng.uniform(0, JITTER_S))
            victim = self._rng.choice(sorted(self._working))
            self._working.discard(victim)
            self._couplers[victim].kill()
            self.kills += 1


@pytest.fixture
def couplers(monkeypatch) -> dict[int, ProcessCoupler]:
    """The workers' couplers by number, as they are started."""
    started: dict[int, ProcessCoupler] = {}
    start = ProcessCoupler.start

    def noted(coupler: ProcessCoupler) -> None:
        start(coupler)
        started[coupler._number] = coupler

    monkeypatch.setattr(ProcessCoupler, "start", noted)
    return started


@pytest.mark.requirement("P3")
def test_a_killed_worker_leaves_its_card_in_doubt_and_the_others_alone(tmp_path, world, couplers, capsys):
    plant = Plant(tmp_path / "plant", world, WORKER_CARDS, couplers=2)
    plant.take_order()
    rng, kills = random.Random(2), 0
    options = RunOptions(station="line 1", workers=True)
    with open_store(f"sqlite:///{plant.store}", operator="operator") as store:
        while (states := plant.judgement().states)["READY"]:
            spared = states["IN_DOUBT"] >= WORKER_HITS
            reaper = Reaper(plant, couplers, rng, FOREVER if spared else WORKER_CARDS_PER_KILL)
            reaper.start()
            run_batch(store, BATCH, [plant.readers], options=options, reporter=reaper.hear)
            reaper.rest.set()
            reaper.join()
            kills += reaper.kills
        doubts = states["IN_DOUBT"]
        assert WORKER_HITS <= doubts <= kills
        assert plant.sound() == {"GOOD": plant.records - doubts, "IN_DOUBT": doubts}
        resume_batch(store, BATCH, plant.reader, options=options)
    assert plant.sound() == {"GOOD": plant.records}
    with capsys.disabled():
        print(f"\nworkers: {plant.records} cards, {kills} workers killed, {doubts} doubts, all resumed GOOD")


def runs(pid: int) -> bool:
    """Whether a process is there and not only its exit code."""
    with contextlib.suppress(OSError):
        return (PROC / str(pid) / "stat").read_text().rpartition(")")[2].split()[0] != "Z"
    return False


@pytest.mark.skipif(sys.platform != "linux", reason="processes are looked for in /proc")
def test_workers_write_no_more_once_their_supervisor_is_killed(tmp_path, world):
    plant = Plant(tmp_path / "plant", world, 40 * SUPERVISOR_KILLS, couplers=2)
    plant.take_order()
    rng = random.Random(3)
    for _ in range(SUPERVISOR_KILLS):
        process = multiprocessing.get_context("spawn").Process(target=crash.run_with_workers, args=(plant,))
        process.start()
        last_card = plant.cards_made() + rng.uniform(0, 20)
        while plant.cards_made() < last_card and process.is_alive():
            time.sleep(0.002)
        workers = spawned_by(process.pid)
        process.kill()
        process.join()
        until = time.monotonic() + WORKERS_END_WITHIN_S
        while any(runs(worker) for worker in workers) and time.monotonic() < until:
            time.sleep(0.01)
        assert [worker for worker in workers if runs(worker)] == []
        assert plant.judgement().problems == []
    assert plant.run(rng, FOREVER) == 0, plant.talk()
    assert plant.resume(rng, FOREVER) == 0, plant.talk()
    assert plant.sound() == {"GOOD": plant.records}


# The station is killed between each pair of effects


@pytest.fixture
def template(tmp_path) -> Plant:
    """A plant with one record."""
    plant = Plant(tmp_path / "template", tmp_path / "template" / "chips", records=1, couplers=1)
    plant.take_order()
    return plant


@pytest.mark.requirement("L5")
@needs_fork
def test_a_kill_between_any_two_effects_leaves_the_same_finished_card(template, tmp_path, capsys):
    names, card = crash.undisturbed(template, tmp_path / "undisturbed")
    assert set(names) == {crash.APPEND, crash.SYNC, crash.COMMIT, crash.APDU}
    count = crash.killed_everywhere(template, names, card, APDU_STRIDE)
    with capsys.disabled():
        print(f"\n{count} kills before {len(names)} effects (torn journal entries too): all byte for byte")


@needs_fork
@pytest.mark.parametrize("apdu", [2, 30, 110])
def test_a_kill_while_resuming_leaves_the_same_finished_card(template, tmp_path, apdu):
    """The card was left after so many commands: bound but blank, half written, sealed but not written down."""
    names, card = crash.undisturbed(template, tmp_path / "undisturbed")
    commands = [number for number, name in enumerate(names, 1) if name == crash.APDU]
    start = template.copy(tmp_path / "left")
    assert crash.one_life(start, commands[apdu] if apdu < len(commands) else commands[-1] + 1) == -signal.SIGKILL
    assert start.bound_records() == {1}
    resuming, ended = crash.undisturbed(start, tmp_path / "resumed")
    assert ended == card
    crash.killed_everywhere(start, resuming, card, RESUMED_APDU_STRIDE)


# The judge is not blind


def test_the_judge_sees_each_kind_of_disagreement(tmp_path, world):
    plant = Plant(tmp_path / "plant", world, records=3, couplers=1)
    plant.take_order()
    assert plant.run(random.Random(4), FOREVER) == 0, plant.talk()
    chips, said = look(world, plant.rows), attempts(plant.store)
    assert judge(chips, said, plant.rows).problems == []
    one, two, three = said
    swapped = judge(chips, [replace(one, chip=two.chip), replace(two, chip=one.chip), three], plant.rows)
    assert (len(swapped.disagreeing), len(swapped.unbound)) == (2, 2)
    forgotten = judge(chips, [replace(one, state="READY", chip=None), two, three], plant.rows)
    assert len(forgotten.unbound) == 1
    assert len(judge(chips, [one, two], plant.rows).lost) == 1
    assert len(judge({**chips, "copy": chips[one.chip]}, said, plant.rows).duplicates) == 1
    blank = replace(chips[one.chip], memory={**chips[one.chip].memory, "3F00/2FF2": b"\xff" * 18})
    assert len(judge({**chips, blank.serial: blank}, said, plant.rows).disagreeing) == 1

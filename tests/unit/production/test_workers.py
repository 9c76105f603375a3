"""Couplers in processes of their own: a mute card or a crash ends one process and nothing else."""

from __future__ import annotations

import hashlib
import importlib
import json
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from sqlalchemy import text

from cardkit.crypto import Secret
from cardkit.crypto.keysource import KeySource
from cardkit.production.books import Verdict
from cardkit.production.couplers.bench import BenchSpec
from cardkit.production.couplers.messages import Gone, Order, Ready
from cardkit.production.couplers.process import ProcessCoupler
from cardkit.production.events import CardDone, CouplerStopped, WorkerRestarted
from cardkit.production.journal import journal_files, read_journal
from cardkit.production.run import RunOptions, give_back, open_shift, supply
from cardkit.production.seat import Build
from cardkit.production.stop import StopRules
from cardkit.production.supervisor import Line, Supervisor
from cardkit.target import Scheme, Target

MakePlant = Callable[..., Any]
LIMIT_S = 0.4
READERS = ["reader 1", "reader 2"]


@pytest.fixture
def playing(monkeypatch: pytest.MonkeyPatch) -> Iterator[ModuleType]:
    """The bench module under a name that a spawned process can import."""
    monkeypatch.syspath_prepend(str(Path(__file__).parent))
    yield importlib.import_module("playing")
    sys.modules.pop("playing", None)


def run(plant: Any, playing: ModuleType, *scripts: str, keys: KeySource | None = None) -> Supervisor:
    """One process for each script of cards."""

    def build(number: int, exchange: Any, taken: int) -> ProcessCoupler:
        spec = BenchSpec("profile", b"", Target(Scheme.VIRTUAL, scripts[number - 1]), first=taken, keys=keys)
        return ProcessCoupler(number, exchange, spec, playing.ProcessBench, LIMIT_S)

    return make_cards(plant, build, len(scripts))


def make_cards(plant: Any, build: Build, readers: int) -> Supervisor:
    with open_shift(plant.store, "B-1", RunOptions(station="s1"), plant.events.append) as shift:
        line = Line(
            couplers=READERS[:readers],
            build=build,
            supply=lambda count: supply(shift, count),
            give_back=lambda claim: give_back(shift.session, claim),
            chip_ref=plant.store.vault.chip_ref,
        )
        supervisor = Supervisor(line, shift.books, StopRules(), plant.events.append)
        supervisor.run()
    return supervisor


def test_cards_are_made_and_the_record_arrives_whole(make_plant: MakePlant, playing: ModuleType) -> None:
    plant = make_plant([], records=2)
    assert run(plant, playing, "good,good").tally[Verdict.GOOD] == 2
    with plant.store.reading() as connection:
        facts = connection.execute(text("select facts from attempt order by record_id")).scalars().all()
    assert facts == [f'{{"record":"{f"record {n}".encode().hex()}"}}' for n in (1, 2)]
    assert plant.states() == {1: "GOOD", 2: "GOOD"}
    plant.check()


def test_a_card_that_ends_its_process_is_in_doubt_only_if_it_was_bound(
    make_plant: MakePlant, playing: ModuleType
) -> None:
    """Two readers at once: one holds up the other no more than a card that is mute for good."""
    plant = make_plant([], records=4)
    run(plant, playing, "hang,good", "mute,good,crash")
    ends = {name: [(done.verdict, done.code) for done in plant.done() if done.coupler == name] for name in READERS}
    assert ends == {
        "reader 1": [("IN_DOUBT", "LINK_TIMEOUT"), ("GOOD", None)],
        "reader 2": [("BLANK_REJECT", "LINK_TIMEOUT"), ("GOOD", None), ("IN_DOUBT", "INTERNAL")],
    }
    assert sorted(plant.states().values()) == ["GOOD", "GOOD", "IN_DOUBT", "IN_DOUBT"]
    stopped = [(event.coupler, event.rule) for event in plant.events if isinstance(event, CouplerStopped)]
    assert ("reader 2", "software") in stopped
    restarted = [event.coupler for event in plant.events if isinstance(event, WorkerRestarted)]
    assert sorted(restarted) == ["reader 1", "reader 2"]
    (path,) = journal_files(plant.store.journals)
    unknown = {entry["step"] for entry in read_journal(path).entries if entry["event"] == "unknown"}
    assert unknown == {"command 1, header 00D60000"}
    plant.check()


@pytest.mark.requirement("K6")
def test_what_opens_the_keys_comes_by_the_pipe_to_each_new_process(make_plant: MakePlant, playing: ModuleType) -> None:
    plant = make_plant([], records=3)
    phrase = b"a phrase that nobody else knows"
    run(plant, playing, "keys,hang,keys", keys=KeySource("file:plant.keys", (Secret(phrase, "phrase"),)))
    with plant.store.reading() as connection:
        facts = connection.execute(text("select facts from attempt order by record_id")).scalars().all()
    seen = {"url": "file:plant.keys", "sha256": hashlib.sha256(phrase).hexdigest(), "told": False}
    assert [json.loads(found) for found in facts if found != "{}"] == [seen, seen]
    assert sorted(plant.states().values()) == ["GOOD", "GOOD", "IN_DOUBT"]
    assert phrase not in b"".join(path.read_bytes() for path in journal_files(plant.store.journals))


class Dying:
    """A coupler whose process ends with every card before it is bound."""

    overdue = None

    def __init__(self, number: int, exchange: Any, taken: int) -> None:
        self._number, self._exchange = number, exchange

    def start(self) -> None:
        self._exchange.put(self._number, Ready())

    def send(self, order: Order) -> None:
        self._exchange.put(self._number, Gone("its process ended"))

    def kill(self) -> None:
        """It is dead already."""

    def join(self, timeout_s: float) -> bool:
        return True


def test_three_ends_within_an_hour_take_a_reader_out_of_service(make_plant: MakePlant) -> None:
    plant = make_plant([], records=4)
    make_cards(plant, Dying, 1)
    assert set(plant.states().values()) == {"READY"}
    assert [event.coupler for event in plant.events if isinstance(event, WorkerRestarted)] == ["reader 1"] * 2
    assert [event.rule for event in plant.events if isinstance(event, CouplerStopped)] == ["restarts"]


def test_a_process_that_waits_for_a_card_ends_when_the_station_stops(
    make_plant: MakePlant, playing: ModuleType
) -> None:
    plant = make_plant([], records=2)
    plant.events = Interrupting()
    with pytest.raises(KeyboardInterrupt):
        run(plant, playing, "good", "wait")
    assert sorted(plant.states().values()) == ["GOOD", "READY"]


class Interrupting(list[Any]):
    """Interrupts the run when the first card is done."""

    def append(self, item: Any) -> None:
        super().append(item)
        if isinstance(item, CardDone):
            raise KeyboardInterrupt


PARENT = """
import sys, threading, time
from pathlib import Path
sys.path.insert(0, {folder!r})
import playing
from cardkit.production.couplers.bench import BenchSpec
from cardkit.production.couplers.messages import Take, Work, encode
from cardkit.production.couplers.messages import Gone, Order, Ready
from cardkit.production.couplers.process import ProcessCoupler
from cardkit.target import Scheme, Target

blocked = threading.Event()

class Exchange:
    def put(self, coupler, answer):
        pass
    def ask(self, coupler, question):
        if type(question).__name__ == "Intent":
            blocked.set()

if __name__ == "__main__":
    spec = BenchSpec("profile", b"", Target(Scheme.VIRTUAL, "hang"))
    coupler = ProcessCoupler(1, Exchange(), spec, playing.ProcessBench, 60)
    coupler.start()
    coupler.send(Take(encode(Work(b"r", None, b"t" * 16))))
    assert blocked.wait(30)
    print(coupler._process.pid, flush=True)
    time.sleep(60)
"""


@pytest.mark.skipif(sys.platform == "win32", reason="looks for the process by its number, POSIX only")
def test_a_worker_blocked_by_its_card_ends_when_the_supervisor_is_killed(tmp_path: Path) -> None:
    script = tmp_path / "parent.py"
    script.write_text(PARENT.format(folder=str(Path(__file__).parent)))
    with subprocess.Popen([sys.executable, str(script)], stdout=subprocess.PIPE, text=True) as parent:
        assert parent.stdout is not None
        try:
            worker = int(parent.stdout.readline())
            assert alive(worker)
        finally:
            parent.kill()
    deadline = time.monotonic() + 60
    while alive(worker) and time.monotonic() < deadline:
        time.sleep(0.02)
    assert not alive(worker)


def alive(number: int) -> bool:
    try:
        status = Path(f"/proc/{number}/stat").read_text()
    except OSError:
        return subprocess.run(["ps", "-p", str(number)], capture_output=True, check=False).returncode == 0
    return status.rpartition(")")[2].split()[0] != "Z"

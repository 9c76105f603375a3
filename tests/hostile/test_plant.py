"""A whole plant, `cardkit sim plant`: machines die and stop, nothing is made twice, nothing is lost. production.md 7

The plant's own judge asks the chips by commands; here what is in their files is counted as well. `CARDKIT_CHAOS=long`
is the long version. The control, a queue that acknowledges after the work, is in test_kill.py.
"""

from __future__ import annotations

import os
import sys
import tempfile
import threading
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from cardkit.cli.app import run
from cardkit.perso import MarkerState
from cardkit.production.reconcile import CardCounts
from cardkit.production.sim.faults import FaultPlan, Pace
from cardkit.production.sim.judge import Chip, Judgement, Said, judge
from cardkit.production.sim.order import SimOrder
from cardkit.production.sim.plant import Line, PlantResult, PlantSpec, Reporter, run_plant
from cardkit.virtual.chips import ChipDirectory
from tests import postgres
from tests.hostile.chaos.judge import ICCID
from tests.hostile.chaos.order import swapped

LONG = os.environ.get("CARDKIT_CHAOS") == "long"
CARDS = {"sqlite": 100_000, "postgresql": 100_000} if LONG else {"sqlite": 100, "postgresql": 140}
MACHINES, COUPLERS = (4, 16) if LONG else (2, 2)
# Counted in cards the small versions suffer the same on a fast computer as on a slow one. A worker
# takes seconds to start on a loaded one, so few of them are killed.
INSIDE = FaultPlan(kill_every=float("inf"), station_every=70, stall_every=40, stall_s=1.5, pace=Pace.CARDS)
WORKERS = replace(INSIDE, kill_every=55)
RESTART_EACH_CARDS = 2_000 if LONG else 60
POLL_S = 0.02

linux = pytest.mark.skipif(sys.platform != "linux", reason="sim plant stops processes and finds them in /proc")


def troubled(short: FaultPlan, loses_within: int) -> tuple[FaultPlan, float, int]:
    """The faults of a plant, how long its claims hold, and within how many cards a coupler loses its reader."""
    return (FaultPlan(), 30.0, 1_000) if LONG else (short, 1.0, loses_within)


def on_chips(folder: Path) -> Counter[bytes]:
    """How many chips hold each EF.ICCID, read from their memory."""
    found: Counter[bytes] = Counter()
    for tray in folder.glob("sim-*/chips-*"):
        chips = ChipDirectory(tray, "usim")
        found.update(chips.open(serial).memory()[ICCID] for serial in chips.serials())
    return found


def written(folder: Path) -> list[bytes]:
    """The EF.ICCID of each row of the order file, as a card has it."""
    rows = (folder / "order.csv").read_text("ascii").splitlines()[1:]
    return [swapped(row.split(",")[0].ljust(20, "F")) for row in rows]


def come_out(done: PlantResult, folder: Path, cards: int) -> None:
    """Make sure that each record is on one chip, by the plant's judge and by the files."""
    assert done.judgement.duplicates == ()
    assert done.judgement.lost == ()
    assert done.closing.why == ()
    assert done.balances
    assert {state: count for state, count in done.records.items() if count} == {"GOOD": cards}
    assert done.judgement.cards.good == cards
    held = on_chips(folder)
    assert [held[iccid] for iccid in written(folder)] == [1] * cards
    assert set(held) <= {*written(folder), bytes([0xFF]) * 10}


def say(done: PlantResult, store: str, capsys: pytest.CaptureFixture[str], more: str = "") -> None:
    faults = done.faults
    with capsys.disabled():
        print(
            f"\nplant on {store}: {done.judgement.cards.good} cards, {done.made / done.seconds:.0f}/s, killed"
            f" {faults.couplers} couplers, {faults.stations} stations, {faults.stalls} stops longer than a lease,"
            f" {faults.readers} readers pulled out{more},"
            f" {done.in_doubt} doubts, all GOOD; duplicates 0, lost 0"
        )


@linux
@pytest.mark.requirement("P1")
def test_a_plant_of_one_machine_comes_out_at_zero(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    cards = CARDS["sqlite"]
    url = f"sqlite:///{tmp_path / 'plant.db'}"
    spec = PlantSpec(url, tmp_path, 1, COUPLERS, cards, *troubled(WORKERS, 15))
    done = run_plant(spec, lambda now: None)
    come_out(done, tmp_path, cards)
    say(done, "SQLite", capsys)
    faults = done.faults
    assert min(faults.couplers, faults.stations, faults.stalls, faults.readers) > 0


@pytest.fixture
def server() -> Iterator[postgres.Server]:
    """A database server of our own, because it is restarted here."""
    postgres.server()
    bin_folder = postgres.programs()
    assert bin_folder is not None
    with tempfile.TemporaryDirectory(prefix="cardkit-pg-") as folder:
        own = postgres.Server(Path(folder), bin_folder)
        own.start()
        yield own
        own.stop()


@contextmanager
def restarted_now_and_then(server: postgres.Server, line: Line) -> Iterator[list[int]]:
    """Stop a database server at once each so many cards, and start it again; at which card that was."""
    over, at = threading.Event(), [0]

    def restart() -> None:
        while not over.wait(POLL_S):
            if line.bound >= at[-1] + RESTART_EACH_CARDS:
                at.append(line.bound)
                server.restart()

    with ThreadPoolExecutor(1) as aside:
        killing = aside.submit(restart)
        try:
            yield at
        finally:
            over.set()
            killing.result()


@linux
@pytest.mark.requirement("P1")
def test_a_plant_of_several_machines_comes_out_at_zero(
    tmp_path: Path, server: postgres.Server, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    cards, url = CARDS["postgresql"], server.url(server.database(), tmp_path)
    spec = PlantSpec(url, tmp_path, MACHINES, COUPLERS, cards, *troubled(INSIDE, 15))
    work = Line.run

    def run_while_it_is_restarted(line: Line, report: Reporter) -> None:
        with restarted_now_and_then(server, line) as at:
            work(line, report)
        restarted.extend(at[1:])

    restarted: list[int] = []
    monkeypatch.setattr(Line, "run", run_while_it_is_restarted)
    done = run_plant(spec, lambda now: None)
    come_out(done, tmp_path, cards)
    say(done, "PostgreSQL", capsys, f", {len(restarted)} restarts of the database")
    faults = done.faults
    assert min(faults.stations, faults.stalls, faults.readers, len(restarted)) > 0


# The plant's judge is not blind


def chip(ref: str, number: str | None, state: MarkerState = MarkerState.FINAL) -> Chip:
    return Chip(ref, state, number)


ORDER = SimOrder(2, series=7).iccids()
SOUND = [chip("a", ORDER[0]), chip("b", ORDER[1]), chip("c", None, MarkerState.BLANK)]
RECORDS = {1: Said("GOOD", "a"), 2: Said("GOOD", "b")}


def test_the_judge_finds_nothing_where_all_is_well() -> None:
    counted = CardCounts(issued=3, good=2, returned=1)
    assert judge(SOUND, RECORDS, ORDER) == Judgement(counted, (), ())
    assert counted.difference == 0


@pytest.mark.parametrize(
    ("chips", "records", "duplicates", "lost"),
    [
        ([*SOUND, chip("d", ORDER[0])], RECORDS, 1, 2),
        (SOUND, {1: Said("GOOD", "a"), 2: Said("GOOD", "a")}, 1, 2),
        (SOUND[1:], RECORDS, 0, 1),
        ([chip("a", ORDER[0], MarkerState.DATA), *SOUND[1:]], RECORDS, 0, 1),
        (SOUND, {2: Said("GOOD", "b")}, 0, 2),
        ([*SOUND, chip("d", None, MarkerState.STARTED)], RECORDS, 0, 1),
        (SOUND, {1: Said("GOOD", "b"), 2: Said("GOOD", "a")}, 0, 2),
    ],
    ids=["two chips", "two records", "gone", "half made", "unbound", "unknown", "swapped"],
)
def test_the_judge_sees_each_kind_of_disagreement(
    chips: list[Chip], records: dict[int, Said], duplicates: int, lost: int
) -> None:
    found = judge(chips, records, ORDER)
    assert (len(found.duplicates), len(found.lost)) == (duplicates, lost)


def test_the_cards_of_the_order_have_iccids_of_their_own_with_a_right_check_digit() -> None:
    numbers = SimOrder(300, series=999).iccids()
    assert len(set(numbers)) == 300
    for number in numbers:
        digits = [int(digit) for digit in reversed(number)]
        assert (sum(digits[::2]) + sum(sum(divmod(2 * digit, 10)) for digit in digits[1::2])) % 10 == 0


# The command


@linux
def test_the_command_ends_with_the_equation(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = ["--out", str(tmp_path)]
    assert run(["sim", "plant", "--couplers", "1", "--kill", "0/s", "--cards", "5", *out]) == 0
    said = capsys.readouterr().out.splitlines()
    assert said[-1].startswith("duplicates 0, lost 0: issued 5 = good 5 + ")
    assert said[-1].endswith("difference 0")


@pytest.mark.parametrize(
    ("words", "says"),
    [(["--machines", "2"], "SQLite has one machine"), (["--kill", "often"], "expected a rate as 1/s")],
)
def test_what_the_command_refuses(
    words: list[str], says: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["sim", "plant", *words, "--out", str(tmp_path)]) == 2
    assert says in capsys.readouterr().err

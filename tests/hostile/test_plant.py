"""A whole plant, `cardkit sim plant`: machines die and stop, nothing is made twice, nothing is lost. production.md 7

The plant's own judge asks the chips by commands; here what is in their files is counted as well. `CARDKIT_CHAOS=long`
is the long version. The control, a queue that acknowledges after the work, is in test_kill.py.
"""

from __future__ import annotations

import os
import sys
import tempfile
import threading
import time
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
from cardkit.production.sim.faults import FaultPlan
from cardkit.production.sim.judge import Chip, Judgement, Said, judge
from cardkit.production.sim.order import SimOrder
from cardkit.production.sim.plant import Line, PlantResult, PlantSpec, Reporter, run_plant
from cardkit.virtual.chips import ChipDirectory
from tests import postgres
from tests.hostile.chaos.judge import ICCID
from tests.hostile.chaos.order import swapped

LONG = os.environ.get("CARDKIT_CHAOS") == "long"
CARDS = {"sqlite": 100_000, "postgresql": 100_000} if LONG else {"sqlite": 100, "postgresql": 200}
MACHINES, COUPLERS = (4, 16) if LONG else (2, 2)
# A killed machine needs about a second to work again: faults as often as in the long version would be all there is.
PLAN = FaultPlan() if LONG else FaultPlan(kills=0.3, station_every_s=8.0, stall_every_s=3.0, stall_s=3.0)
LEASE_S = 30.0 if LONG else 2.0
LOSSES = 0.002 if LONG else 0.01
RESTART_EVERY_S = 60.0 if LONG else 5.0

linux = pytest.mark.skipif(sys.platform != "linux", reason="sim plant stops processes and finds them in /proc")


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
            f" {faults.couplers} couplers, {faults.stations} stations, {faults.stalls} stops longer than a lease{more},"
            f" {done.in_doubt} doubts, all GOOD; duplicates 0, lost 0"
        )


@linux
@pytest.mark.requirement("P1")
def test_a_plant_of_one_machine_comes_out_at_zero(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    cards = CARDS["sqlite"]
    url = f"sqlite:///{tmp_path / 'plant.db'}"
    plan = PLAN if LONG else replace(PLAN, stall_every_s=12.0)  # there is no other machine that would go on
    spec = PlantSpec(url, tmp_path, 1, COUPLERS, cards, plan, LEASE_S, LOSSES)
    done = run_plant(spec, lambda now: None)
    come_out(done, tmp_path, cards)
    say(done, "SQLite", capsys)
    assert done.faults.couplers + done.faults.stations > 0


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
def restarted_now_and_then(server: postgres.Server) -> Iterator[list[float]]:
    """Stop a database server at once now and then, and start it again; when that was."""
    over, times = threading.Event(), []

    def restart() -> None:
        while not over.wait(RESTART_EVERY_S):
            server.restart()
            times.append(time.monotonic())

    with ThreadPoolExecutor(1) as aside:
        killing = aside.submit(restart)
        try:
            yield times
        finally:
            over.set()
            killing.result()


@linux
@pytest.mark.requirement("P1")
def test_a_plant_of_several_machines_comes_out_at_zero(
    tmp_path: Path, server: postgres.Server, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    cards, url = CARDS["postgresql"], server.url(server.database(), tmp_path)
    spec = PlantSpec(url, tmp_path, MACHINES, COUPLERS, cards, PLAN, LEASE_S, LOSSES)
    work = Line.run

    def run_while_it_is_restarted(line: Line, report: Reporter) -> None:
        with restarted_now_and_then(server) as times:
            work(line, report)
        restarted.extend(times)

    restarted: list[float] = []
    monkeypatch.setattr(Line, "run", run_while_it_is_restarted)
    done = run_plant(spec, lambda now: None)
    come_out(done, tmp_path, cards)
    say(done, "PostgreSQL", capsys, f", {len(restarted)} restarts of the database")
    assert min(done.faults.stations, done.faults.stalls, len(restarted)) > 0


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

"""``cardkit batch run`` on PC/SC readers: worker processes make the cards that a person puts in one after another."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from cardkit.profile import load_profile, read_order
from cardkit.virtual import VirtualCard
from tests.interop.link.operator import Operator, WatchedChip
from tests.interop.link.slots import Readers
from tests.interop.stack import Stack

pytestmark = pytest.mark.interop

ORDER = Path(__file__).parents[3] / "profiles/sim/usim-test/order.csv"
CARDS = 4
MIDDLE = 50  # of the 108 commands a card takes
WITHIN_S = 60

Cardkit = Callable[..., subprocess.Popen[str]]


@pytest.fixture
def order(tmp_path: Path) -> Path:
    """An order for a few cards."""
    path = tmp_path / "order.csv"
    path.write_text("".join(ORDER.read_text().splitlines(keepends=True)[: CARDS + 1]))
    return path


@pytest.fixture
def cardkit(tmp_path: Path, stack: Stack) -> Cardkit:
    """Start the command line on a store of its own."""

    def start(*arguments: str) -> subprocess.Popen[str]:
        store = ["--store", f"sqlite:///{tmp_path / 'plant.db'}", "--operator", "ann", "--json"]
        return subprocess.Popen(
            [sys.executable, "-m", "cardkit", *arguments, *store],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env=stack.environment,
        )

    return start


def ended(program: subprocess.Popen[str], expected: int = 0) -> Any:
    with program:
        try:
            out, err = program.communicate(timeout=WITHIN_S)
        except subprocess.TimeoutExpired:
            program.kill()
            raise
    assert program.returncode == expected, out + err
    return json.loads(out)


@pytest.fixture
def batch(cardkit: Cardkit, order: Path) -> str:
    return str(ended(cardkit("batch", "import", "sim/usim-test", str(order)))["batch"])


def ordered_iccids(order: Path) -> list[bytes]:
    """EF.ICCID of each row: BCD with swapped digits, filled with F (TS 102 221 13.2)."""
    profile = load_profile("sim/usim-test")
    records = read_order(profile, order, profile.test_keystore()).records
    digits = [str(record["iccid"]).ljust(20, "F") for record in records]
    return sorted(bytes.fromhex("".join(text[i + 1] + text[i] for i in range(0, 20, 2))) for text in digits)


def pile(*first: WatchedChip) -> Iterator[WatchedChip]:
    """Chips without end, some of them special."""
    yield from first
    while True:
        yield WatchedChip(VirtualCard("usim"))


def one_then_wait_for(chip: WatchedChip) -> Iterator[WatchedChip]:
    """Chips without end; the second comes when another chip has been worked on."""
    yield WatchedChip(VirtualCard("usim"))
    while not chip.commands:
        time.sleep(0.02)
    yield from pile()


def test_two_readers_make_a_batch(cardkit: Cardkit, batch: str, order: Path, readers: Readers) -> None:
    operators = [Operator(readers, readers.empty(), pile()) for _ in range(2)]
    targets = [part for operator in operators for part in ("--reader", operator.target)]
    done = ended(cardkit("batch", "run", batch, *targets))
    for operator in operators:
        operator.go_home()
    assert (done["good"], done["rejected"], done["in_doubt"]) == (CARDS, 0, 0)
    made = [chip for operator in operators for chip in operator.fed if chip.commands]
    assert sorted(chip.iccid for chip in made) == ordered_iccids(order)
    assert all(any(chip.commands for chip in operator.fed) for operator in operators)
    assert ended(cardkit("batch", "check", batch)) == []


def test_the_service_dies_and_comes_back_in_mid_batch(
    cardkit: Cardkit, batch: str, order: Path, readers: Readers
) -> None:
    """The card in work is in doubt, the run goes on with the next, `batch resume` finishes the one in doubt."""

    def kill() -> bytes:
        readers.kill_service()
        return b""

    torn = WatchedChip(VirtualCard("usim"), MIDDLE, kill)
    operator = Operator(readers, readers.empty(), pile(WatchedChip(VirtualCard("usim")), torn))
    run = cardkit("batch", "run", batch, "--reader", operator.target)
    assert torn.struck.wait(WITHIN_S)
    readers.restart_service()
    done = ended(run, 1)
    operator.go_home()
    assert (done["good"], done["rejected"], done["in_doubt"]) == (CARDS - 1, 0, 1)
    inserted = readers.insert(torn)
    resumed = ended(cardkit("batch", "resume", batch, "--reader", inserted.target))
    assert (resumed["good"], resumed["in_doubt"]) == (1, 0)
    made = [chip.iccid for chip in operator.fed if chip.commands]
    assert sorted(made) == ordered_iccids(order)
    assert ended(cardkit("batch", "check", batch)) == []


def test_a_mute_card_costs_its_worker_and_nothing_else(
    cardkit: Cardkit, batch: str, order: Path, readers: Readers
) -> None:
    """Its worker is killed, the person takes the card out, and both readers go on."""

    def mute() -> bytes:
        raise TimeoutError

    deaf, second = WatchedChip(VirtualCard("usim"), MIDDLE, mute), WatchedChip(VirtualCard("usim"))
    unlucky = Operator(readers, readers.empty(), pile(deaf, second), patience_s=2.0)
    lucky = Operator(readers, readers.empty(), one_then_wait_for(second))
    targets = ["--reader", unlucky.target, "--reader", lucky.target, "--deadline", "1"]
    done = ended(cardkit("batch", "run", batch, *targets), 1)
    for operator in (unlucky, lucky):
        operator.go_home()
    assert (done["good"], done["rejected"], done["in_doubt"]) == (CARDS - 1, 0, 1)
    assert second in unlucky.fed
    deaf_again = readers.insert(deaf)
    resumed = ended(cardkit("batch", "resume", batch, "--reader", deaf_again.target))
    assert (resumed["good"], resumed["in_doubt"]) == (1, 0)
    made = [chip.iccid for operator in (unlucky, lucky) for chip in operator.fed if chip.commands]
    assert sorted(made) == ordered_iccids(order)

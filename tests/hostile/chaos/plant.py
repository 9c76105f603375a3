"""A plant whose station is killed: the real command line in a process of its own, over virtual chips in files."""

from __future__ import annotations

import random
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from cardkit.production import check_batch, open_store
from cardkit.production.journal import journal_files, read_journal
from tests.hostile.chaos.judge import Judgement, attempts, judge, look
from tests.hostile.chaos.order import write_order

BATCH = "KILL"
PROFILE = "sim/usim-test"
# A good card leaves about so much in the journal: enough to spread the kills over cards, on any machine.
JOURNAL_BYTES_PER_CARD = 540
POLL_S = 0.002
JITTER_S = 0.03
LIFE_LIMIT_S = 400.0
# Some lives end at the start already: before the store is open, while journals are replayed.
EARLY_SHARE = 0.1
EARLY_S = 2.5
FOREVER = float("inf")


def live(
    command: Sequence[str], folder: Path, cards_made: Callable[[], float], rng: random.Random, cards: float
) -> int | None:
    """Run a command and SIGKILL it at a random moment; its exit code if it ended before that.

    :param folder: where it runs and leaves what it says.
    :param cards: how many it makes in the mean before it dies; FOREVER for a life that is not cut short.
    """
    with (folder / "talk.txt").open("wb") as talk:
        process = subprocess.Popen(command, stdout=talk, stderr=talk, cwd=folder)
        try:
            return _outlive(process, cards_made, rng, cards)
        finally:
            process.kill()
            process.wait()


def _outlive(
    process: subprocess.Popen[bytes], cards_made: Callable[[], float], rng: random.Random, cards: float
) -> int | None:
    early = cards != FOREVER and rng.random() < EARLY_SHARE
    end = time.monotonic() + (rng.uniform(0, EARLY_S) if early else LIFE_LIMIT_S)
    last_card = cards_made() + rng.uniform(0, 2) * cards
    while time.monotonic() < end:
        if process.poll() is not None:
            return process.returncode
        if cards_made() > last_card:
            time.sleep(rng.uniform(0, JITTER_S))
            return None
        time.sleep(POLL_S)
    return None


@dataclass
class Figures:
    """What the kills did.

    :param hits: kills at which journal or store showed a record bound that was not at the kill before.
    :param bound: the rows of those records: each is in doubt after the next start.
    """

    kills: int = 0
    hits: int = 0
    bound: set[int] = field(default_factory=set)


@dataclass
class Plant:
    """One store, one folder of chips, one order.

    :param chips: where the chips lie.  :param couplers: readers of the station.
    """

    folder: Path
    chips: Path
    records: int
    couplers: int = 4
    figures: Figures = field(default_factory=Figures)

    def __post_init__(self) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        self.store = self.folder / "plant.db"
        self.order = self.folder / "order.csv"
        self.rows = write_order(self.order, self.records)

    def copy(self, folder: Path) -> Plant:
        """Return a plant in the same state; its chips must lie in its folder."""
        shutil.copytree(self.folder, folder)
        return Plant(folder, folder / self.chips.relative_to(self.folder), self.records, self.couplers)

    def take_order(self) -> None:
        command = self._batch("import", PROFILE, str(self.order), "--name", BATCH)
        subprocess.run(command, check=True, capture_output=True, timeout=LIFE_LIMIT_S)

    def run(self, rng: random.Random, cards: float) -> int | None:
        """One life of `batch run`, as :func:`live`."""
        return self._live(self._batch("run", BATCH, "--reader", self.readers), rng, cards)

    def resume(self, rng: random.Random, cards: float) -> int | None:
        """One life of `batch resume`, all chips presented again, as :func:`live`."""
        return self._live(self._batch("resume", BATCH, "--reader", self.reader), rng, cards)

    @property
    def readers(self) -> str:
        return f"virtual:usim*{self.couplers}@{self.chips}"

    @property
    def reader(self) -> str:
        return f"virtual:usim@{self.chips}"

    def _batch(self, verb: str, *words: str) -> list[str]:
        return [sys.executable, "-m", "cardkit", "batch", verb, *words, "--store", f"sqlite:///{self.store}"]

    def _live(self, command: Sequence[str], rng: random.Random, cards: float) -> int | None:
        code = live(command, self.folder, self.cards_made, rng, cards)
        if code is None:
            bound = self.bound_records()
            self.figures.kills += 1
            self.figures.hits += bool(bound - self.figures.bound)
            self.figures.bound |= bound
        return code

    def cards_made(self) -> float:
        """Return about how many cards were made, by the length of the journals."""
        return sum(path.stat().st_size for path in self._journals()) / JOURNAL_BYTES_PER_CARD

    def _journals(self) -> list[Path]:
        return list(journal_files(self.store.with_name(f"{self.store.name}.journals")))

    def bound_records(self) -> set[int]:
        """Return the rows that are bound in the store, or in a journal only: the store was not told in time."""
        said = attempts(self.store)
        unbound = {attempt.row for attempt in said if attempt.chip is None}
        # One batch in the store, and no bad row: it numbers its records as the order does.
        witnessed = {
            entry["record"]
            for path in self._journals()
            for entry in read_journal(path).entries
            if entry["event"] == "bind"
        }
        return {attempt.row for attempt in said if attempt.state == "BOUND"} | (witnessed & unbound)

    def talk(self) -> str:
        """Return what the last process said."""
        return (self.folder / "talk.txt").read_text("utf-8", "replace")

    def judgement(self) -> Judgement:
        """Compare chips and store; nothing is written."""
        return judge(look(self.chips, self.rows), attempts(self.store), self.rows)

    def violations(self) -> list[str]:
        """Return what the store's own check finds, the audit chain included."""
        with open_store(f"sqlite:///{self.store}", operator="judge") as store:
            return [f"{found.invariant}: {found.text}" for found in check_batch(store, BATCH)]

    def sound(self) -> dict[str, int]:
        """Return the records by state, after making sure that chips, store and audit agree."""
        found = self.judgement()
        assert found.problems == []
        assert self.violations() == []
        return dict(found.states)

"""A plant whose station is killed: the command line in a process of its own, over virtual chips in files."""

from __future__ import annotations

import random
import shutil
import subprocess
import sys
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

from cardkit.cli.app import run
from cardkit.production import check_batch, open_store
from cardkit.production.journal import journal_files, read_journal
from tests.hostile.chaos.judge import Judgement, attempts, judge, look
from tests.hostile.chaos.lives import LIFE_LIMIT_S, live
from tests.hostile.chaos.order import write_order

BATCH = "KILL"
PROFILE = "sim/usim-test"
# A good card leaves about so much in the journal: enough to spread the kills over cards, on any machine.
JOURNAL_BYTES_PER_CARD = 540


@dataclass
class Figures:
    """What the kills did.

    :param hits: kills at which journal or store showed a record bound that was not at the kill before.
    :param bound: the rows of those records: each is in doubt after the next start.
    """

    kills: int = 0
    hits: int = 0
    bound: set[int] = field(default_factory=set)


@cache
def _binds(journal: Path, _size: int) -> frozenset[int]:
    """Return the records a journal of this size binds; one batch in the store: it numbers them as the order does."""
    return frozenset(entry["record"] for entry in read_journal(journal).entries if entry["event"] == "bind")


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
        words = self._batch("import", PROFILE, str(self.order), "--name", BATCH)
        subprocess.run([sys.executable, "-m", "cardkit", *words], check=True, capture_output=True, timeout=LIFE_LIMIT_S)

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
        return ["batch", verb, *words, "--store", f"sqlite:///{self.store}"]

    def _live(self, words: list[str], rng: random.Random, cards: float) -> int | None:
        code = live(run, words, self.folder, self.cards_made, rng, cards)
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
        witnessed = {record for path in self._journals() for record in _binds(path, path.stat().st_size)}
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

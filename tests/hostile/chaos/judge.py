"""The judge: what the chips' files hold, against what the store says.

Chips are read from their memory, not by commands; the store by plain SQL, not by the product's own queries.
"""

from __future__ import annotations

import sqlite3
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path

from cardkit.virtual import VirtualCard
from cardkit.virtual.chips import ChipDirectory
from tests.hostile.chaos.order import Row

IMAGE = "usim"
SERIAL, MARKER, ICCID = "3F00/2FF1", "3F00/2FF2", "3F00/2FE2"
IMSI, ACC = "3F00/7FF0/6F07", "3F00/7FF0/6F78"
KEY_FILES = ("3F00/7FF0/AF20", "3F00/7FF1/AF20", "3F00/A515/6F20")
# What one record has and another has not; everything else is the same on all finished cards.
PERSONAL = frozenset(
    {SERIAL, ICCID, IMSI, ACC, *KEY_FILES, "3F00/A515/6F0A", "secret/0A"}
    | {f"3F00/{path}" for path in ("7F20/6F07", "7F20/6F78", "7F10/6F40", "7FF0/6F40", "7FF1/6F02", "7FF1/6F04")}
)


@dataclass(frozen=True)
class Attempt:
    """A record on a chip, as the store says; without a chip, a record that was never bound."""

    row: int
    state: str
    chip: str | None


@dataclass(frozen=True)
class Chip:
    """One chip's file.

    :param rows: records of which any trace lies on it.  :param touched: it is not as its maker delivered it.
    :param sealed: the marker's home is gone.
    """

    serial: str
    memory: Mapping[str, bytes]
    rows: frozenset[int]
    touched: bool

    @property
    def sealed(self) -> bool:
        return MARKER not in self.memory

    @property
    def common(self) -> dict[str, bytes]:
        """What all finished cards have in common."""
        return {cell: body for cell, body in self.memory.items() if cell not in PERSONAL}


def look(chips: Path, rows: Sequence[Row]) -> dict[str, Chip]:
    """Open the file of each chip."""
    blank = _without_serial(VirtualCard(IMAGE, serial=bytes(8)).memory())
    owners = {ICCID: {row.ef_iccid: row.number for row in rows}, IMSI: {row.ef_imsi: row.number for row in rows}}
    keys = {row.ki: row.number for row in rows}
    folder = ChipDirectory(chips, IMAGE)
    found = {}
    for serial in folder.serials():
        memory = folder.open(serial).memory()
        marks = {owner.get(memory[path]) for path, owner in owners.items()}
        marks |= {keys.get(memory[path][1:17]) for path in KEY_FILES}
        present = frozenset(number for number in marks if number is not None)
        name = serial.hex().upper()
        found[name] = Chip(name, memory, present, _without_serial(memory) != blank)
    return found


def _without_serial(memory: Mapping[str, bytes]) -> dict[str, bytes]:
    return {cell: body for cell, body in memory.items() if cell != SERIAL}


def attempts(store: Path) -> list[Attempt]:
    """Return what the store says of each record, in row order; TEST chips are filed under `batch:chip`."""
    query = """select r.row_no, r.state, a.chip_id from record r left join attempt a on a.record_id = r.id
               order by r.row_no"""
    # Read only: what a killed process left is for the product to recover.
    with closing(sqlite3.connect(f"{store.resolve().as_uri()}?mode=ro", uri=True)) as connection:
        rows = connection.execute(query).fetchall()
    return [Attempt(row, state, chip.partition(":")[2] if chip else None) for row, state, chip in rows]


@dataclass
class Judgement:
    """What is wrong, in words, and how many records are in which state."""

    states: Counter[str] = field(default_factory=Counter)
    duplicates: list[str] = field(default_factory=list)
    disagreeing: list[str] = field(default_factory=list)
    unbound: list[str] = field(default_factory=list)
    lost: list[str] = field(default_factory=list)

    @property
    def problems(self) -> list[str]:
        return [*self.duplicates, *self.disagreeing, *self.unbound, *self.lost]


def judge(chips: Mapping[str, Chip], said: Sequence[Attempt], rows: Sequence[Row]) -> Judgement:
    """Compare the chips with the store."""
    found = Judgement(Counter(attempt.state for attempt in said), duplicates=duplicates(chips))
    finished = next((chip.common for chip in chips.values() if chip.sealed), {})
    by_number = {row.number: row for row in rows}
    bound = {attempt.chip: attempt.row for attempt in said if attempt.chip}
    for attempt in said:
        found.disagreeing += _disagreements(attempt, chips, by_number[attempt.row], finished)
    for chip in chips.values():
        if chip.touched and chip.serial not in bound:
            found.unbound.append(f"chip {chip.serial} is written (records {sorted(chip.rows)}), the store knows it not")
        elif chip.rows - {bound.get(chip.serial)}:
            found.unbound.append(f"chip {chip.serial} carries {sorted(chip.rows)}, bound is {bound[chip.serial]}")
    times = Counter(attempt.row for attempt in said)
    found.lost += [
        f"record {row.number} is {times[row.number]} times in the store" for row in rows if times[row.number] != 1
    ]
    return found


def duplicates(chips: Mapping[str, Chip]) -> list[str]:
    """Name the records that lie on two chips."""
    carriers = defaultdict(list)
    for chip in chips.values():
        for number in chip.rows:
            carriers[number].append(chip.serial)
    return [f"record {number} is on chips {' and '.join(on)}" for number, on in carriers.items() if len(on) > 1]


def _disagreements(attempt: Attempt, chips: Mapping[str, Chip], row: Row, finished: Mapping[str, bytes]) -> list[str]:
    """Name what a chip must hold by its record's state and does not."""
    if attempt.chip is None:
        return (
            [f"record {attempt.row} is {attempt.state} on no chip"] if attempt.state not in ("READY", "LEASED") else []
        )
    chip = chips.get(attempt.chip)
    if chip is None:
        return [f"record {attempt.row} is {attempt.state} on chip {attempt.chip}, which does not exist"]
    if attempt.state != "GOOD":
        return []
    names = {ICCID: row.ef_iccid, IMSI: row.ef_imsi, ACC: row.ef_acc}
    named = all(chip.memory[path] == body for path, body in names.items())
    keyed = all(row.ki in chip.memory[path] and row.opc in chip.memory[path] for path in KEY_FILES)
    if named and keyed and chip.sealed and chip.common == finished:
        return []
    wrong = [cell for cell, body in finished.items() if chip.memory.get(cell) != body]
    return [
        f"record {attempt.row} is GOOD, its chip {chip.serial} is not: names {named}, keys {keyed}, "
        f"sealed {chip.sealed}, other files {wrong}"
    ]

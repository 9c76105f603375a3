"""The station's disk loses its power at every write: what it has told the world by then is never lost. production.md 7

Store and journal are the product's, on a file system that records what is done to it. At every point of the recording
images are built of what a disk may hold after a power cut there. Stations that sync carelessly are the control.
"""

from __future__ import annotations

import contextlib
import importlib.util
import os
import pickle
import random
import shutil
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from cardkit.errors import StoreError
from cardkit.production import import_batch, open_store
from cardkit.production.journal import read_journal
from cardkit.profile import load_profile, read_order
from tests.hostile.powercut.disk import ACKNOWLEDGED, Disk, Event, Image

LONG = os.environ.get("CARDKIT_CHAOS") == "long"
CARDS, TORN, EVERY = (20, 6, 1) if LONG else (3, 1, 7)
BATCH, DATABASE = "order", "/plant.db"
BOUND = ("BOUND", "IN_DOUBT", "GOOD", "REJECTED")
ROOT = Path(__file__).parents[2]


def _can_mount() -> bool:
    return (
        os.access("/dev/fuse", os.W_OK)
        and bool(shutil.which("fusermount3"))
        and bool(importlib.util.find_spec("mfusepy"))
    )


pytestmark = pytest.mark.skipif(not _can_mount(), reason="a recording file system needs /dev/fuse, fuse3 and mfusepy")


@pytest.fixture
def plant(tmp_path: Path) -> Path:
    """A store with a batch, closed: all of it is on the disk."""
    folder = tmp_path / "disk"
    folder.mkdir()
    profile = load_profile("sim/usim-test")
    keystore = profile.test_keystore()
    source = profile.path.parent / "order.csv"
    store = open_store(f"sqlite:///{folder / 'plant.db'}", operator="ana", create=True)
    import_batch(store, profile, read_order(profile, source, keystore), keystore, source)
    store.close()
    return folder


@contextlib.contextmanager
def mounted(folder: Path, log: Path) -> Iterator[Path]:
    mount = folder.with_name("mount")
    mount.mkdir()
    command = [sys.executable, "-m", "tests.hostile.powercut.recorder", str(folder), str(mount), str(log)]
    with subprocess.Popen(command, cwd=ROOT) as recorder:
        try:
            deadline = time.monotonic() + 20
            while not os.path.ismount(mount):
                assert recorder.poll() is None
                assert time.monotonic() < deadline
                time.sleep(0.02)
            yield mount
        finally:
            subprocess.run(["fusermount3", "-u", str(mount)], check=True)


def recorded(plant: Path, *careless: str) -> tuple[Disk, list[Event]]:
    """Make cards on the plant's disk; return what was on it before, and what happened to it."""
    before = Disk({f"/{path.relative_to(plant)}": path.read_bytes() for path in plant.rglob("*") if path.is_file()})
    log = plant.with_name("log")
    with mounted(plant, log) as mount:
        words = [str(mount), BATCH, str(CARDS), *careless]
        subprocess.run([sys.executable, "-m", "tests.hostile.powercut.work", *words], cwd=ROOT, check=True)
    happened = []
    with log.open("rb") as file, contextlib.suppress(EOFError):
        while True:
            happened.append(pickle.load(file))
    return before, happened


class Told:
    """What the world was told by a moment: verdicts of records by row, BOUND before there is one."""

    def __init__(self) -> None:
        self.rows: dict[int, str] = {}

    def hear(self, text: bytes) -> None:
        word, row = text.decode().split()
        self.rows[int(row)] = word


def lost(image: Image, told: Told, folder: Path) -> list[str]:
    """Return what was told and is not on an image: in the store, and in the journal, its second witness."""
    for path, contents in image.items():
        place = folder / path[1:]
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(contents)
    with contextlib.closing(sqlite3.connect(folder / DATABASE[1:])) as database:
        whole = database.execute("pragma integrity_check").fetchone()
        states = dict(database.execute("select row_no, state from record"))
        records = dict(database.execute("select id, row_no from record"))
    missing = [] if whole == ("ok",) else [f"the database is damaged: {whole}"]
    missing += _lost_by_store(told, states)
    return missing + _lost_by_journal(told, folder, records)


def _lost_by_store(told: Told, states: dict[int, str]) -> list[str]:
    wrong = ((row, word, states[row]) for row, word in told.rows.items())
    return [
        f"store: record {row} was told {word}, is {state}"
        for row, word, state in wrong
        if (state not in BOUND if word == "BOUND" else state != word)
    ]


def _lost_by_journal(told: Told, folder: Path, records: dict[int, int]) -> list[str]:
    bound, done = set(), set()
    for path in folder.rglob("*.journal"):
        try:
            entries = read_journal(path).entries
        except StoreError as error:
            return [f"journal: {error}"]
        for entry in entries:
            if entry["event"] in ("bind", "done"):
                (bound if entry["event"] == "bind" else done).add(records[entry["record"]])
    unbound = [f"journal: bind of record {row}" for row in told.rows if row not in bound]
    undone = [f"journal: end of record {row}" for row, word in told.rows.items() if word != "BOUND" and row not in done]
    return unbound + undone


def _is_passing(path: str) -> bool:
    """Whether a file is nobody's after a crash: SQLite's shared memory, and what was deleted while it was open."""
    return path.endswith("-shm") or path.startswith("/.fuse_hidden")


def crashed(before: Disk, happened: list[Event], tmp_path: Path) -> Iterator[str]:
    """Cut the power after each event that makes something durable, and after every so many writes.

    Yields what was lost.
    """
    dice, told, looked = random.Random(20261122), Told(), set[int]()
    for number, event in enumerate(event for event in happened if not _is_passing(event[1])):
        if event[1] != ACKNOWLEDGED:
            before.happen(event)
        elif event[0] == "acknowledged":
            told.hear(event[3])
        if event[0] == "write" and number % EVERY:
            continue
        for image in before.images(dice, TORN):
            point = hash((frozenset(image.items()), frozenset(told.rows.items())))
            if point not in looked:
                looked.add(point)
                with tempfile.TemporaryDirectory(dir=tmp_path) as folder:
                    yield from (f"event {number}: {what}" for what in lost(image, told, Path(folder)))
    assert told.rows == dict.fromkeys(range(1, CARDS + 1), "GOOD")


def test_nothing_that_was_told_is_ever_lost(plant, tmp_path):
    before, happened = recorded(plant)
    kinds = {event[0] for event in happened}
    assert {"write", "sync", "sync folder", "create", "acknowledged"} <= kinds
    assert list(crashed(before, happened, tmp_path)) == []


@pytest.mark.parametrize(("careless", "witness"), [("NORMAL", "store"), ("OFF", "store"), ("journal", "journal")])
def test_a_careless_station_is_caught(plant, tmp_path, careless, witness):
    before, happened = recorded(plant, careless)
    found = next((what for what in crashed(before, happened, tmp_path) if f" {witness}: " in what), None)
    assert found is not None

"""Two stations make one batch from one PostgreSQL store at the same time, by the command line, as their own logins."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psycopg
import pytest

from cardkit.production import open_store
from cardkit.production.store.postgresroles import STATION_ROLE
from tests import postgres
from tests.bench.test_batch import write_order

ROOT = Path(__file__).resolve().parents[2]
WITHIN_S = 60.0
CARDS = 120  # a station leases 100 at a time


class Commands:
    """`cardkit` in a folder, with one store and an order in it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.server = postgres.server()
        self.database = self.server.database()

    def start(self, *words: str, login: str = postgres.SUPERUSER) -> subprocess.Popen[str]:
        store = ["--store", self.server.url(self.database, self.folder, login), "--operator", "ana"]
        return subprocess.Popen(
            [sys.executable, "-m", "cardkit", *words, *store],
            cwd=self.folder, env={**os.environ, "PYTHONPATH": str(ROOT)}, text=True,
            stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        )  # fmt: skip

    def json(self, *words: str) -> Any:
        return self.answer(self.start(*words, "--json"))

    def answer(self, process: subprocess.Popen[str], code: int = 0) -> Any:
        said, talk = process.communicate(timeout=120)
        assert process.returncode == code, talk
        return json.loads(said)


@pytest.fixture
def commands(tmp_path: Path) -> Commands:
    made = Commands(tmp_path)
    write_order(tmp_path / "order.csv", CARDS)
    imported = made.json("batch", "import", "sim/usim-test", "order.csv")
    assert (imported["imported"], imported["state"]) == (CARDS, "OPEN")
    for login in ("line1", "line2"):
        made.server.login(login, STATION_ROLE)
    return made


@contextmanager
def held_until_all_are_there(commands: Commands, stations: int) -> Iterator[None]:
    """Let no station touch a record before each of them wants to."""
    host, name = str(commands.server.folder), commands.database
    with psycopg.connect(host=host, dbname=name, user=postgres.SUPERUSER) as connection:
        connection.execute("lock table record in exclusive mode")
        yield
        until = time.monotonic() + WITHIN_S
        while connection.execute("select count(*) from pg_locks where not granted").fetchone() != (stations,):
            assert time.monotonic() < until
            time.sleep(0.05)


def test_two_stations_make_one_batch(commands: Commands, capsys: pytest.CaptureFixture[str]) -> None:
    with held_until_all_are_there(commands, 2):
        stations = [
            commands.start(
                "batch", "run", "order", "--reader", "virtual:usim*2", "--station", name, "--seed", seed, "--json",
                login=name,
            )
            for name, seed in (("line1", "1"), ("line2", "2"))
        ]  # fmt: skip
    good = [commands.answer(station)["good"] for station in stations]
    assert sum(good) == CARDS
    assert min(good) > 0
    status = commands.json("batch", "status", "order")
    assert {state: count for state, count in status["records"].items() if count} == {"GOOD": CARDS}
    assert commands.json("batch", "doubt", "order") == commands.json("doubt", "list", "order") == []
    assert commands.json("batch", "check") == []
    close = commands.start("batch", "close", "order")
    _, talk = close.communicate(timeout=120)
    assert (close.returncode, "difference 0" in talk) == (0, True)
    with capsys.disabled():
        print(f"\ntwo stations, one batch: {good[0]} + {good[1]} cards")


def test_a_station_runs_once_at_a_time(commands: Commands) -> None:
    url = commands.server.url(commands.database, commands.folder)
    with open_store(url, operator="ana") as store, store.database.owned("line1"):
        words = ("batch", "run", "order", "--reader", "virtual:usim", "--station", "line1", "--json")
        second = commands.start(*words, login="line2")
        _, talk = second.communicate(timeout=120)
    assert second.returncode == 4
    assert "another process is running cards as station line1" in talk

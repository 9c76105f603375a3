"""An import that is killed at any moment leaves no record behind, no reader, and nothing in the way of the next one."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from cardkit.production import batches, check_batch, import_batch, open_store
from cardkit.profile import load_profile, open_order
from tests.bench.test_batch import write_order

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="processes are looked for in /proc")

ROWS = 6_000
PROFILE = "sim/usim-test"
WITHIN_S = 60.0
FILLED = 1_000_000  # bytes; an empty store has made less


def readers_of(path: Path) -> list[int]:
    """Processes that were started by an import of this file: they inherit its environment."""
    found = []
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            if f"ORDER_UNDER_TEST={path}".encode() in (entry / "environ").read_bytes().split(b"\0"):
                found.append(int(entry.name))
        except OSError:
            continue
    return found


def reads(order: Path) -> bool:
    """The import has started a reader."""
    return len(readers_of(order)) > 1


def writes(order: Path) -> bool:
    """Records are in the store's log, not yet in the store."""
    log = order.with_name("a.db-wal")
    return log.exists() and log.stat().st_size > FILLED


def wait_for(event: Callable[[], bool]) -> None:
    until = time.monotonic() + WITHIN_S
    while not event():
        assert time.monotonic() < until
        time.sleep(0.002)


@pytest.mark.parametrize("begun", [reads, writes])
def test_an_import_that_is_killed(tmp_path: Path, begun: Callable[[Path], bool]) -> None:
    order, url = tmp_path / "lot.csv", f"sqlite:///{tmp_path / 'a.db'}"
    write_order(order, ROWS)
    words = ["batch", "import", PROFILE, str(order), "--processes", "2", "--store", url, "--operator", "ana"]
    started = subprocess.Popen(
        [sys.executable, "-m", "cardkit", *words],
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env={**os.environ, "ORDER_UNDER_TEST": str(order)},
    )  # fmt: skip
    wait_for(lambda: begun(order) or started.poll() is not None)
    started.send_signal(signal.SIGKILL)
    started.wait()  # one that was faster than the test has its records in the store

    wait_for(lambda: readers_of(order) == [])
    profile = load_profile(PROFILE)
    keys = profile.test_keystore()
    with open_store(url, operator="ana", create=True) as store:
        there = batches(store)
        if not there:
            with open_order(profile, order, keys) as rows:
                assert import_batch(store, profile, rows, keys, order, processes=2).imported == ROWS
        assert (batches(store), store.batch("lot").imported, check_batch(store)) == (["lot"], ROWS, [])

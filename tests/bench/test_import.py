"""What the import of an order costs on both stores: seconds, rows a second, memory of all its processes.

Figures are printed beside what is asked of an idle machine. Guarded are the memory, and twice the seconds: what a
machine shared with others still reaches.
"""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

from tests import postgres
from tests.bench.test_batch import write_order

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="peak memory is read as Linux counts it")

# Rows, and the seconds that are asked for.
ASKED_S = {100_000: 10, 1_000_000: 40}
ON_A_SHARED_MACHINE = 2
MOST_MIB = 150
LOOK_EVERY_S = 0.25
WITHIN_S = 900

IMPORT = """
import json, secrets, sys, time

def main(url, path, processes):
    from cardkit.production import import_batch, open_store
    from cardkit.profile import load_profile, open_order

    profile = load_profile("sim/usim-test")
    keystore = profile.test_keystore()
    with open_store(url, operator="bench", create=True) as store:
        clock = time.perf_counter()
        with open_order(profile, path, keystore, rng=secrets.token_bytes) as order:
            done = import_batch(store, profile, order, keystore, path, processes=processes)
        print(json.dumps({"rows": done.imported, "seconds": time.perf_counter() - clock}))

if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], int(sys.argv[3]))
"""


class Figures(msgspec.Struct):
    rows: int
    seconds: float


def family(pid: int) -> Iterator[int]:
    """A process and all that it has started."""
    yield pid
    with contextlib.suppress(OSError):
        for thread in Path(f"/proc/{pid}/task").iterdir():
            for child in (thread / "children").read_text().split():
                yield from family(int(child))


def memory_kib(pid: int) -> int:
    """Memory of a process and all that it has started; what they share counts once."""
    total = 0
    for each in family(pid):
        with contextlib.suppress(OSError):
            lines = Path(f"/proc/{each}/smaps_rollup").read_text().splitlines()
            total += sum(int(line.split()[1]) for line in lines if line.startswith("Pss:"))
    return total


def imported(folder: Path, url: str, rows: int) -> Figures:
    """Import in a process of its own, watched from here; its peak memory is guarded."""
    order, script = folder / f"{rows}.csv", folder / "importing.py"
    write_order(order, rows)
    script.write_text(IMPORT, encoding="utf-8")
    words = [sys.executable, str(script), url, str(order), str(os.cpu_count() or 1)]
    peak = 0
    with subprocess.Popen(words, stdout=subprocess.PIPE, text=True) as running:
        until = time.monotonic() + WITHIN_S
        while running.poll() is None:
            peak = max(peak, memory_kib(running.pid) // 1024)
            assert time.monotonic() < until, "the import does not end"
            time.sleep(LOOK_EVERY_S)
        figures = msgspec.json.decode(running.communicate()[0], type=Figures)
    print(
        f"\nimport of {figures.rows:,} rows into {url.partition(':')[0]}: {figures.seconds:.1f} s"
        f" (asked: {ASKED_S[rows]} s), {figures.rows / figures.seconds:,.0f} rows/s,"
        f" peak of all processes {peak} MiB (asked: {MOST_MIB} MiB)"
    )
    assert 0 < peak < MOST_MIB
    return figures


def url_of(store: str, folder: Path) -> str:
    if store == "sqlite":
        return f"sqlite:///{folder / 'bench.db'}"
    server = postgres.server()
    return server.url(server.database(), folder)


@pytest.mark.timeout(WITHIN_S)
@pytest.mark.parametrize("rows", ASKED_S)
@pytest.mark.parametrize("store", ["sqlite", "postgresql"])
def test_an_order_is_imported(tmp_path: Path, store: str, rows: int) -> None:
    figures = imported(tmp_path, url_of(store, tmp_path), rows)
    assert figures.rows == rows
    assert figures.seconds < ON_A_SHARED_MACHINE * ASKED_S[rows]

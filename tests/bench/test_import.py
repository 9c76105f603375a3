"""What the import of an order costs: seconds, rows a second, memory, with as many processes as there are processors.

Figures are printed. What is guarded is memory, and a ratio taken in one run: ten times the rows, ten times the work.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import msgspec
import pytest

from tests.bench.test_batch import write_order

ROWS = 100_000
MOST_MIB = 150
MOST_TIMES_PER_ROW = 1.5

IMPORT = """
import json, resource, secrets, sys, time

def main(path, processes):
    from cardkit.production import import_batch, open_store
    from cardkit.profile import load_profile, open_order

    profile = load_profile("sim/usim-test")
    keystore = profile.test_keystore()
    with open_store(f"sqlite:///{path}.db", operator="bench", create=True) as store:
        clock = time.perf_counter()
        with open_order(profile, path, keystore, rng=secrets.token_bytes) as order:
            done = import_batch(store, profile, order, keystore, path, processes=processes)
        clock = time.perf_counter() - clock
    own, others = (resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    cpu = own.ru_utime + own.ru_stime + others.ru_utime + others.ru_stime
    print(json.dumps({"rows": done.imported, "seconds": clock, "cpu": cpu,
                      "own_mib": own.ru_maxrss / 1024, "reader_mib": others.ru_maxrss / 1024}))

if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
"""


class Figures(msgspec.Struct):
    rows: int
    seconds: float
    cpu: float
    own_mib: float
    reader_mib: float


def imported(folder: Path, rows: int) -> Figures:
    """Import in a process of its own, which nothing else has grown."""
    write_order(folder / f"{rows}.csv", rows)
    script = folder / "importing.py"
    script.write_text(IMPORT, encoding="utf-8")
    words = [sys.executable, str(script), str(folder / f"{rows}.csv"), str(os.cpu_count() or 1)]
    done = subprocess.run(words, capture_output=True, text=True, check=True)
    figures = msgspec.json.decode(done.stdout, type=Figures)
    print(
        f"\nimport of {figures.rows} rows: {figures.seconds:.1f} s, {figures.rows / figures.seconds:.0f} rows/s,"
        f" {figures.cpu:.1f} s of processors, peak {figures.own_mib:.0f} MiB, each reader {figures.reader_mib:.0f} MiB"
    )
    return figures


@pytest.mark.skipif(sys.platform != "linux", reason="peak memory is read as Linux counts it")
def test_an_order_of_a_hundred_thousand_rows(tmp_path: Path) -> None:
    figures = imported(tmp_path, ROWS)
    assert figures.rows == ROWS
    assert max(figures.own_mib, figures.reader_mib) < MOST_MIB


@pytest.mark.long
@pytest.mark.skipif(sys.platform != "linux", reason="peak memory is read as Linux counts it")
def test_an_order_of_a_million_rows(tmp_path: Path) -> None:
    few, many = imported(tmp_path, ROWS), imported(tmp_path, 10 * ROWS)
    assert many.rows == 10 * ROWS
    assert max(many.own_mib, many.reader_mib) < MOST_MIB
    assert many.cpu / many.rows < MOST_TIMES_PER_ROW * few.cpu / few.rows

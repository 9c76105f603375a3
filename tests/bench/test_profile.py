"""How fast an order is read and templates are filled in, with the real product."""

from __future__ import annotations

import subprocess
import sys
import time

from cardkit.encoding.digits import luhn_digit
from cardkit.profile import compile_values, load_profile
from cardkit.profile.order import parse_order

ROWS = 20_000


def order_text(profile, rows):
    """Return an order with the real order's first row in each row, numbered anew."""
    header, first = (profile.path.parent / "order.csv").read_text(encoding="utf-8").splitlines()[:2]
    names, values = header.split(","), first.split(",")
    lines = [header]
    for row in range(rows):
        body = f"8999901{row:011d}"
        numbers = {"iccid": body + luhn_digit(body), "imsi": f"00101{row:010d}", "msisdn": f"999{row:09d}"}
        lines.append(",".join(numbers.get(name, value) for name, value in zip(names, values, strict=True)))
    return "\n".join(lines).encode()


def test_rows_an_order_import_reads_in_a_second():
    profile = load_profile("sim/usim-test")
    data = order_text(profile, ROWS)
    start = time.perf_counter()
    order = parse_order(profile.layout, profile.record, data, profile.test_keystore())
    seconds = time.perf_counter() - start

    print(f"\norder import: {ROWS / seconds:,.0f} rows/s of {len(profile.record.fields)} fields")
    assert len(order.records) == ROWS
    assert ROWS / seconds > 5_000


IMPORT = """
import re, sys, time
from pathlib import Path
from cardkit.production import import_batch, open_store
from cardkit.profile import load_profile, open_order
order = Path(sys.argv[1])
profile = load_profile("sim/usim-test")
keys = profile.test_keystore()
with open_store(f"sqlite:///{order.with_suffix('.db')}", operator="bench", create=True) as store:
    start, processor = time.perf_counter(), time.process_time()
    with open_order(profile, order, keys) as rows:
        done = import_batch(store, profile, rows, keys, order)
    print(done.imported, time.perf_counter() - start, time.process_time() - processor)
print(re.search(r"VmHWM:\\s+(\\d+)", Path("/proc/self/status").read_text())[1])
"""


def imported(folder, rows):
    """Import an order in a process of its own; seconds by the clock, processor seconds, peak memory in MB."""
    profile = load_profile("sim/usim-test")
    path = folder / f"lot-{rows}.csv"
    path.write_bytes(order_text(profile, rows))
    words = [sys.executable, "-c", IMPORT, str(path)]
    said = subprocess.run(words, check=True, capture_output=True, text=True).stdout.split()
    assert int(said[0]) == rows
    return float(said[1]), float(said[2]), int(said[3]) / 1024


def test_rows_a_batch_import_takes_into_the_store_in_a_second(tmp_path):
    _, _, small = imported(tmp_path, 10_000)
    clock, processor, large = imported(tmp_path, 50_000)

    print(
        f"\nbatch import: 50,000 rows in {clock:.1f} s by the clock, {50_000 / processor:,.0f} rows a second of"
        f" processor time; peak memory {small:.0f} MB with 10,000 rows, {large:.0f} MB with 50,000"
    )
    assert large - small < 12
    assert 50_000 / processor > 2_500


def test_time_to_fill_in_the_templates_of_a_card():
    profile = load_profile("sim/usim-test")
    (record,) = parse_order(profile.layout, profile.record, order_text(profile, 1), profile.test_keystore()).records
    compiled = compile_values(profile.blocks["uicc"], profile.record, "uicc")
    start = time.perf_counter()
    for _ in range(1000):
        compiled.resolve(record)
    milliseconds = time.perf_counter() - start

    print(f"\ntemplates: {milliseconds:.3f} ms a card")
    assert milliseconds < 1

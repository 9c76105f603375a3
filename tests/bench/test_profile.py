"""How fast an order is read and templates are filled in, with the real product."""

from __future__ import annotations

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

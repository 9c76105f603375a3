"""The report of 10,000 cards: written in seconds, open in the browser in under one."""

from __future__ import annotations

import random
import statistics
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from cardkit.desired import Finding, Severity
from cardkit.production.report import BatchReport, CardResult, Kind, Verdict, write_report
from tests.bench.browser import Browser, find_browser

CARDS = 10_000
CODES = (("DATA_READBACK", "data"), ("NVM_6581", "card dead"), ("LINK_TIMEOUT", "contact"), ("AUTH_CRYPTOGRAM", "key"))


def findings(rng: random.Random) -> tuple[Finding, ...]:
    expected = rng.randbytes(20)
    actual = expected[:7] + rng.randbytes(2) + expected[9:]
    body = expected.hex().upper(), actual.hex().upper()
    return tuple(
        Finding(
            f"UICC-{rng.randrange(100):03}", Severity.ERROR, "TS 31.102 4.2.8", "ADF.USIM/EF.UST", *body, "service 19"
        )
        for _ in range(rng.randint(1, 4))
    )


def cards(count: int) -> Iterator[CardResult]:
    """Two cards in a hundred are not good, with one to four findings each."""
    rng = random.Random(1)
    for row in range(1, count + 1):
        chip, identity = f"{rng.getrandbits(40):010x}", f"8999901{row:012}"
        times = {"apdus": 145, "apply_ms": rng.randint(600, 700), "verify_ms": rng.randint(300, 400)}
        if row % 50:
            yield CardResult(row, chip, identity, Verdict.GOOD, coupler=f"virtual-{row % 4}", **times)
        else:
            code = rng.choice(CODES)
            yield CardResult(row, chip, identity, Verdict.REJECTED, *code, findings(rng), coupler="virtual-0", **times)


@pytest.fixture(scope="module")
def report_html(tmp_path_factory) -> Path:
    started = datetime(2026, 7, 14, 9, 12, 3, tzinfo=UTC)
    report = BatchReport(
        "B-2026-0714", "usim-test", "1", "0" * 64, Kind.TEST, "station-1", "a.operator", "cardkit",
        started, started + timedelta(hours=1), cards(CARDS), {"imported": CARDS},
    )  # fmt: skip
    begin = time.perf_counter()
    files = write_report(report, tmp_path_factory.mktemp("report"))
    seconds = time.perf_counter() - begin
    print(f"\nreport of {CARDS:,} cards: written in {seconds:.2f} s, {files.html.stat().st_size / 1e6:.1f} MB of HTML")
    assert seconds < 10
    return files.html


def test_report_of_ten_thousand_cards_opens_in_under_a_second(report_html, tmp_path):
    executable = find_browser()
    if executable is None:
        pytest.skip("no Chromium on this machine (Debian: apt install chromium)")
    with Browser(executable, tmp_path / "browser") as browser:
        browser.seconds_to_paint(report_html)  # fonts and caches of the browser itself
        runs = [browser.seconds_to_paint(report_html) for _ in range(7)]
        shown = browser.evaluate("document.querySelectorAll('.block tr:not(.why)').length")
        scripts = browser.evaluate("document.scripts.length")
    best = min(runs)  # whatever else runs on the machine only adds
    print(f"\nreport of {CARDS:,} cards: laid out and painted in {best:.2f} s (median {statistics.median(runs):.2f} s)")
    assert (shown, scripts) == (CARDS, 0)
    assert best < 1.0


def test_control_without_content_visibility_is_slower(report_html, tmp_path):
    """The way of measuring sees layout: the same page with every block laid out at once takes longer."""
    executable = find_browser()
    if executable is None:
        pytest.skip("no Chromium on this machine (Debian: apt install chromium)")
    control = tmp_path / "control.html"
    control.write_text(report_html.read_text("utf-8").replace("content-visibility: auto;", ""), "utf-8")
    with Browser(executable, tmp_path / "browser") as browser:
        browser.seconds_to_paint(report_html)
        lazy, eager = browser.seconds_to_paint(report_html), browser.seconds_to_paint(control)
    print(f"\ncontrol: {eager:.2f} s with every block laid out, {lazy:.2f} s with blocks off screen skipped")
    assert eager > 2 * lazy

"""Core dumps, swap, disk."""

from __future__ import annotations

import sys
from types import SimpleNamespace

import pytest

from cardkit.doctor import Verdict, environment

SWAPS = "Filename\tType\tSize\tUsed\tPriority\n"


@pytest.fixture
def limits(monkeypatch):
    """Set the core limit and the free bytes of the disk."""

    def make(core: int, free: int) -> None:
        monkeypatch.setitem(sys.modules, "resource", SimpleNamespace(RLIMIT_CORE=4, getrlimit=lambda which: (core, -1)))
        monkeypatch.setattr(environment.shutil, "disk_usage", lambda folder: SimpleNamespace(free=free))

    return make


@pytest.mark.parametrize(
    ("core", "swap", "free", "words"),
    [
        (0, "", 10**12, ""),
        (-1, "", 10**12, "core dumps are on"),
        (0, "/dev/sda2 partition 8 0 -2\n", 10**12, "swap is on (/dev/sda2)"),
        (0, "", 999_999_999, "1.0 GB free"),
    ],
)
def test_each_danger_is_a_warning(station, limits, core, swap, free, words):
    limits(core, free)
    (station.proc / "swaps").write_text(SWAPS + swap, encoding="ascii")
    seen = environment.environment(station)
    assert seen.verdict == (Verdict.WARN if words else Verdict.OK)
    assert words in seen.evidence


def test_a_system_without_limits_and_proc_is_fine(station, limits, monkeypatch):
    limits(0, 10**12)
    monkeypatch.setitem(sys.modules, "resource", None)
    assert environment.environment(station).verdict == Verdict.OK

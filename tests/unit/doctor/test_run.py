"""The whole report: order, dependencies, nothing installed, other systems, exit codes."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

from cardkit import doctor
from cardkit.cli.app import run as cardkit
from cardkit.doctor import Check, Verdict
from cardkit.doctor.check import Seen, fail, ok, warn
from cardkit.doctor.run import INSPECTIONS, Inspection, inspect

IDS = [
    "virtual",
    "lib",
    "pyscard",
    "service",
    "build",
    "args",
    "readers",
    "busy",
    "vpcd",
    "latency",
    "stack",
    "ns",
    "env",
]


def test_a_bare_machine_fails_once_and_keeps_its_virtual_cards(other):
    checks = doctor.run(station=other(library="libnothere.so.1"))
    assert [check.id for check in checks] == IDS
    by_id = {check.id: check for check in checks}
    assert by_id["virtual"].verdict == Verdict.OK
    assert [name for name in IDS if by_id[name].verdict == Verdict.FAIL] == ["lib"]
    assert {name for name in IDS if by_id[name].evidence == "needs lib"} == {
        "service",
        "readers",
        "busy",
        "latency",
        "stack",
    }


def test_a_named_reader_needs_the_service_only_behind_it(other):
    bare = other(library="libnothere.so.1")
    assert [check.evidence for check in doctor.run("pcsc:0", bare)[len(IDS) :]] == ["needs lib"] * 4
    assert doctor.run("virtual:usim", bare)[len(IDS)].verdict == Verdict.OK


def test_with_a_service_its_readers_are_looked_at(other, played):
    played.readers = ["Model 00 00"]
    by_id = {check.id: check for check in doctor.run(station=other(library="libc.so.6"))}
    assert by_id["service"].verdict == Verdict.OK
    assert by_id["readers"].evidence == "1: Model 00 00"


@pytest.mark.parametrize("platform", ["win32", "darwin"])
def test_elsewhere_linux_checks_do_not_apply(other, played, platform):
    played.context = 0x8010001D
    checks = doctor.run(station=other(platform=platform))
    assert [check.id for check in checks if check.evidence == "only on Linux"] == [
        "lib",
        "build",
        "args",
        "vpcd",
        "stack",
        "ns",
    ]
    assert next(check for check in checks if check.id == "service").verdict == Verdict.FAIL


def test_a_check_that_stumbles_is_a_warning_and_the_next_one_runs(station):
    def stumble(_: object) -> Seen:
        raise OSError("no\nsuch thing")

    checks = inspect([Inspection("first", stumble), Inspection("second", lambda _: ok("fine"))], station)
    assert [(check.id, check.verdict, check.evidence) for check in checks] == [
        ("first", Verdict.WARN, "could not be checked: no such thing"),
        ("second", Verdict.OK, "fine"),
    ]


def test_every_need_comes_before_what_needs_it():
    known: set[str] = set()
    for inspection in INSPECTIONS:
        assert known.issuperset(inspection.needs)
        known.add(inspection.id)


WITHOUT_POSIX = """
import sys
for name in ("resource", "fcntl", "pwd", "grp", "termios"):
    sys.modules[name] = None
import os, socket
for module, name in ((os, "geteuid"), (os, "getuid"), (os, "fork"), (socket, "AF_UNIX"), (socket, "TCP_QUICKACK")):
    if hasattr(module, name):
        delattr(module, name)
from pathlib import Path
from cardkit import doctor
nowhere = Path("nowhere")
station = doctor.Station(platform="win32", proc=nowhere, reader_conf=nowhere)
assert station.uid is None
print([(check.id, str(check.verdict)) for check in doctor.run("virtual:usim", station)])
"""


def test_it_runs_without_anything_posix():
    done = subprocess.run([sys.executable, "-c", WITHOUT_POSIX], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "('virtual', 'ok'), ('lib', 'not applicable')" in done.stdout
    assert done.stdout.rstrip().endswith("('extended', 'not applicable')]")


def reported(monkeypatch, *seen: Seen) -> None:
    checks = [Check(f"check{at}", one.verdict, one.evidence, one.remedy) for at, one in enumerate(seen)]
    monkeypatch.setattr(doctor, "run", lambda reader: checks)


@pytest.mark.parametrize(
    ("seen", "code", "words"),
    [
        ([ok("fine")], 0, "Virtual cards and the PC/SC service work."),
        ([ok("fine"), warn("slow", "mend it")], 0, "-> mend it"),
        ([fail("broken", "mend it"), ok("fine")], 3, "Before readers can be used, mend: check0."),
    ],
)
def test_only_a_failure_changes_the_exit_code(monkeypatch, capsys, seen, code, words):
    reported(monkeypatch, *seen)
    assert cardkit(["doctor"]) == code
    assert words in capsys.readouterr().out


def test_json_is_a_list_with_stable_keys(monkeypatch, capsys):
    reported(monkeypatch, ok("fine"), fail("broken", "mend it"))
    assert cardkit(["doctor", "--json"]) == 3
    assert json.loads(capsys.readouterr().out) == [
        {"id": "check0", "verdict": "ok", "evidence": "fine", "remedy": ""},
        {"id": "check1", "verdict": "fail", "evidence": "broken", "remedy": "mend it"},
    ]


def test_a_reader_that_cannot_be_tested_is_one_line(capsys):
    assert cardkit(["doctor", "--reader", "replay:x"]) == 4
    shown = capsys.readouterr()
    assert (shown.out, len(shown.err.splitlines())) == ("", 1)


def test_the_report_ends_with_what_works(monkeypatch, capsys):
    reported(monkeypatch)
    broken = [Check("virtual", Verdict.FAIL, "no", "mend")]
    tested = [Check("virtual", Verdict.OK, "yes", ""), Check("mute", Verdict.OK, "yes", "")]
    for checks, words in ((broken, "Even virtual cards do not work"), (tested, "and this reader work")):
        monkeypatch.setattr(doctor, "run", lambda reader, checks=checks: checks)
        cardkit(["doctor"])
        assert words in capsys.readouterr().out

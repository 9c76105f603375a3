"""No secret ever reaches a disk or a terminal: planted values are searched in every byte that the tools write.

The order with the values and the virtual chips (the world) lie outside the searched folder. Control: builds that leak
on purpose are found, each in its place.
"""

from __future__ import annotations

import base64
import contextlib
import json
import os
import random
import signal
import subprocess
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from cardkit.encoding.digits import luhn_digit
from tests.hostile.canaries import Hit, needles_of_bytes, needles_of_digits, places, search

REPOSITORY = Path(__file__).parents[2]
VECTORS = {
    vector["name"]: vector
    for vector in json.loads((REPOSITORY / "tests/vectors/security-redaction.json").read_text("utf-8"))
}
PROFILE = "sim/usim-test"
ROWS = 6
SECRETS = {"ki": 16, "opc": 16, "adm1": 8}
CODES = ("pin1", "puk1", "pin2", "puk2")
PERSONAL = ("imsi", "msisdn")

BUILDS = Path(__file__).parent / "builds"

# Where a deliberately leaking build leaks, and the file in which the search must find it.
LEAKS = {
    "stdout": "leak.stdout",
    "stderr": "leak.stderr",
    "temporary file": "tmp/",
    "trace": "trace.jsonl",
    "report": "report/report.html",
    "store": "plant.db",
    "arguments": "leak.processes",
    "environment": "leak.processes",
    "journal": "plant.db.journals/",
}


def luhn(body: str) -> str:
    return body + luhn_digit(body)


@dataclass
class Plant:
    """One plant: `inside` is searched, `outside` holds the order, the chips and the wrappers."""

    inside: Path
    outside: Path
    needles: dict[str, dict[str, bytes]] = field(default_factory=dict)
    codes: dict[str, int] = field(default_factory=dict)

    def write_order(self, rng: random.Random) -> None:
        lines = ["iccid,imsi,msisdn,ki,opc,pin1,puk1,pin2,puk2,adm1"]
        for number in range(1, ROWS + 1):
            row = {"iccid": luhn(f"8999901{rng.randrange(10**11):011}"), "imsi": f"00101{rng.randrange(10**10):010}"}
            row["msisdn"] = f"9989{rng.randrange(10**8):08}"
            row |= {name: rng.randbytes(size).hex().upper() for name, size in SECRETS.items()}
            row |= {name: f"{rng.randrange(10**7, 10**8)}" for name in CODES}
            self._plant(number, row)
            if number == ROWS - 1:
                row["ki"] += "0G"  # refused by its characters, with the secret before it
            if number == ROWS:
                row["adm1"] += "00"  # refused by its length
            lines.append(",".join(row[name] for name in lines[0].split(",")))
        (self.outside / "order.csv").write_text("\n".join(lines) + "\n", "ascii")

    def _plant(self, number: int, row: dict[str, str]) -> None:
        for name in SECRETS:
            self.needles[f"{name} of row {number}"] = needles_of_bytes(bytes.fromhex(row[name]))
        for name in (*CODES, *PERSONAL):
            self.needles[f"{name} of row {number}"] = needles_of_digits(row[name])

    def run(self, name: str, *arguments: str, program: tuple[str, ...] = ("-m", "cardkit")) -> int:
        """Run the command line as a user does; what it says on the terminal is kept inside."""
        environment = {"PATH": os.environ["PATH"], "PYTHONPATH": str(REPOSITORY), "PYTHONDONTWRITEBYTECODE": "1"}
        for variable, folder in (("HOME", "home"), ("TMPDIR", "tmp"), ("XDG_RUNTIME_DIR", "tmp")):
            environment[variable] = str(self.inside / folder)
        command = [sys.executable, *program, *(argument.format(out=self.outside) for argument in arguments)]
        with (self.inside / f"{name}.stdout").open("wb") as out, (self.inside / f"{name}.stderr").open("wb") as err:
            process = subprocess.Popen(command, cwd=self.inside, env=environment, stdout=out, stderr=err)
            (self.inside / f"{name}.processes").write_bytes(watched(process))
        self.codes[name] = process.returncode
        return process.returncode

    def run_build(self, name: str, build: str, *arguments: str) -> int:
        """Run a damaged command line of tests/hostile/builds."""
        return self.run(name, *arguments, program=(str(BUILDS / build),))

    def hits(self) -> list[Hit]:
        return search(places(self.inside), self.needles)

    def said(self, name: str) -> str:
        return "".join((self.inside / f"{name}.{stream}").read_text("utf-8") for stream in ("stdout", "stderr"))


def watched(process: subprocess.Popen[bytes]) -> bytes:
    """Every command line and environment of a process and its children, looked at until it ends."""
    seen: set[bytes] = set()
    deadline = time.monotonic() + 120
    while process.poll() is None:
        if time.monotonic() > deadline:
            process.kill()
            raise TimeoutError
        for number in family(process.pid):
            for name in ("cmdline", "environ"):
                with contextlib.suppress(OSError):
                    seen.add(Path(f"/proc/{number}/{name}").read_bytes())
        time.sleep(0.02)
    return b"\n".join(sorted(seen))


def family(number: int) -> list[int]:
    """A process and all that came of it."""
    found = [number]
    for parent in found:
        with contextlib.suppress(OSError):
            for listed in Path(f"/proc/{parent}/task").glob("*/children"):
                found += map(int, listed.read_text().split())
    return found


def open_plant(root: Path, seed: int) -> Plant:
    plant = Plant(root / "inside", root / "outside")
    for folder in (plant.inside / "home", plant.inside / "tmp", plant.outside):
        folder.mkdir(parents=True)
    plant.write_order(random.Random(seed))
    return plant


def personalize(record: int, chips: str = "", **files: str) -> tuple[str, ...]:
    options = [part for name, value in files.items() for part in (f"--{name}", value)]
    reader = f"virtual:usim@{{out}}/{chips}" if chips else "virtual:usim"
    return (
        "personalize",
        PROFILE,
        "--order",
        "{out}/order.csv",
        "--record",
        str(record),
        "--reader",
        reader,
        "--yes",
        *options,
    )


def verify(record: str, chips: str, *options: str) -> tuple[str, ...]:
    return (
        "verify",
        PROFILE,
        "--order",
        "{out}/order.csv",
        "--record",
        record,
        "--reader",
        f"virtual:usim@{{out}}/{chips}",
        *options,
    )


@pytest.fixture(scope="module")
def plant(tmp_path_factory) -> Plant:
    """A day of a plant: good cards, failing cards, crashes, a batch."""
    plant = open_plant(tmp_path_factory.mktemp("plant"), 1)
    run, build = plant.run, plant.run_build
    run("plan", "plan", PROFILE, "--order", "{out}/order.csv", "--record", "1", "--json")
    run("good", *personalize(1, "one", work="work", report="report-good", trace="good.jsonl"), "--json")
    run("good-text", *personalize(2, "two", work="work", trace="text.jsonl"))
    run("dump", "dump", "--reader", "virtual:usim@{out}/one", "--json")
    run("verify", *verify("auto", "one", "--report", "report-verify", "--json"))
    run("verify-without-keys", *verify("2", "two", "--without-keys", "--report", "report-without"))
    run("verify-wrong", *verify("3", "one", "--report", "report-wrong", "--json"))
    build("verify-lying", "lying.py", *verify("1", "one", "--report", "report-lying", "--json"))
    build("verify-lying-text", "lying.py", *verify("1", "one"))
    build("lying", "lying.py", *personalize(3, work="work", report="report-bad", trace="bad.jsonl"))
    run("used-chip", *personalize(3, "one", work="work-used", report="report-used", trace="used.jsonl"))
    run("bad-row", *personalize(ROWS))
    for place in (30, 100):
        arguments = personalize(4, f"crash-{place}", work=f"work-{place}", trace=f"crash-{place}.jsonl")
        build(f"crash-{place}", "crashing.py", str(place), "raise", *arguments)
    build("kill", "crashing.py", "75", "kill", *personalize(4, "kill", work="work-kill", trace="kill.jsonl"))
    store = ("--store", "sqlite:///plant.db", "--operator", "ana")
    run_order = ("batch", "run", "order", *store, "--reader")
    run("import", "batch", "import", PROFILE, "{out}/order.csv", *store, "--json")
    run("run", *run_order, "virtual:usim*2", "--limit", "2", "--report", "report-batch", "--json")
    build("run-lying", "lying.py", *run_order, "virtual:usim", "--limit", "1", "--report", "report-batch-bad")
    build("run-killed", "crashing.py", "70", "kill", *run_order, "virtual:usim@{out}/three")
    run("doubt", "batch", "doubt", "order", *store)
    run("status", "batch", "status", "order", *store)
    run("audit", "audit", "export", "--out", "audit.jsonl", *store)
    run("events", "audit", "show", "--last", "500", *store)
    return plant


def test_the_day_went_as_planned(plant):
    """A search in the output of commands that did not run finds nothing either."""
    assert {name: code for name, code in plant.codes.items() if code == 0}.keys() >= {
        *("plan", "good", "good-text", "dump", "verify", "import", "run", "status", "audit", "events"),
    }
    bad = ("verify-wrong", "verify-lying", "lying", "used-chip", "bad-row", "crash-30", "crash-100", "run-lying")
    assert [name for name in bad if plant.codes[name] == 0] == []
    assert (plant.codes["kill"], plant.codes["run-killed"]) == (-signal.SIGKILL, -signal.SIGKILL)
    assert '"verdict": "GOOD"' in plant.said("good")
    assert "quarantined" in plant.said("import")


@pytest.mark.parametrize("name", ["verify-lying", "verify-lying-text"])
def test_findings_about_people_were_on_the_screen(plant, name):
    assert "UICC-004" in plant.said(name)


@pytest.mark.parametrize(("report", "files"), [("report-lying", 4), ("report-bad", 4), ("report-batch-bad", 5)])
def test_findings_about_people_were_in_the_reports(plant, report, files):
    """Pages are searched as text: what is in them is packed."""
    found = {hit.place for hit in search(places(plant.inside / report), {"rule": {"text": b"UICC-004"}})}
    written = {path.name for path in (plant.inside / report).iterdir()}
    assert len(written) == files
    assert found == {name.replace("report.pdf", "text of report.pdf") for name in written}


@pytest.mark.parametrize("trace", ["good.jsonl", "bad.jsonl", "used.jsonl", "crash-100.jsonl", "kill.jsonl"])
def test_traces_were_written(plant, trace):
    assert (plant.inside / trace).stat().st_size > 0


def test_public_values_are_found_where_they_belong(plant):
    """The search reads what is there: the ICCID is not secret and stands in reports and traces."""
    iccid = (plant.outside / "order.csv").read_text().splitlines()[1].split(",")[0]
    found = {hit.place for hit in search(places(plant.inside), {"iccid": {"text": iccid.encode()}})}
    assert {"report-good/report.html", "report-good/results.jsonl", "report-batch/report.html"} <= found


@pytest.mark.requirement("D5")
@pytest.mark.requirement("L1")
def test_no_secret_is_found_anywhere(plant):
    assert [hit for hit in plant.hits() if not hit.canary.startswith(PERSONAL)] == []


@pytest.mark.requirement("D2")
@pytest.mark.requirement("L1")
@pytest.mark.requirement("R2")
def test_no_personal_value_is_found_anywhere(plant):
    assert [hit for hit in plant.hits() if hit.canary.startswith(PERSONAL)] == []


@pytest.mark.requirement("D2")
@pytest.mark.requirement("L1")
@pytest.mark.parametrize("where", LEAKS)
def test_control_a_leaking_build_is_found(tmp_path, where):
    plant = open_plant(tmp_path, 2)
    store = ("--store", "sqlite:///plant.db", "--operator", "ana")
    if where == "journal":
        plant.run("import", "batch", "import", PROFILE, "{out}/order.csv", *store)
        command = ("batch", "run", "order", *store, "--reader", "virtual:usim", "--limit", "1")
    elif where == "store":
        command = ("batch", "import", PROFILE, "{out}/order.csv", *store)
    else:
        command = personalize(1, work="work", report="report", trace="trace.jsonl")
    plant.run_build("leak", "leaking.py", where, *command)
    assert [hit.place for hit in plant.hits() if hit.place.startswith(LEAKS[where])]


@pytest.mark.parametrize("vector", ["canary-bytes", "canary-digits"])
def test_needles_have_every_published_shape(vector):
    given = VECTORS[vector]["in"]
    ours = needles_of_bytes(bytes.fromhex(given["bytes"])) if "bytes" in given else needles_of_digits(given["digits"])
    known = set(ours.values())
    for shape, published in VECTORS[vector]["out"].items():
        for text in published if isinstance(published, list) else [published]:
            assert {text.encode(), text[2:-1].encode(), _unhex(text)} & known, shape


def _unhex(text: str) -> bytes:
    try:
        return bytes.fromhex(text)
    except ValueError:
        return b"no hex"


@pytest.mark.parametrize("alignment", range(3))
def test_base64_is_found_at_every_alignment(alignment):
    secret = random.Random(3).randbytes(16)
    needles = needles_of_bytes(secret)
    text = base64.b64encode(b"?" * alignment + secret + b"!")
    assert [name for name, needle in needles.items() if needle in text] == [f"base64 at {alignment}"]

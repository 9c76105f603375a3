"""No live key and nothing that opens them reaches a disk, a terminal, an argument or an environment.

The cards of a LIVE batch are made by processes, one a coupler, which get the passphrase by their pipes. Product, chips
and order lie outside of what is searched. That the search finds what leaks is shown in test_canary.py.
"""

from __future__ import annotations

import os
import subprocess
import sys
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from cardkit.cli.app import run
from cardkit.crypto import passphrase
from tests.hostile.canaries import needles_of_bytes, places, search
from tests.hostile.test_canary import watched
from tests.unit.live.plant import PEOPLE, PHRASE, REPOSITORY, ROWS, LivePlant, password
from tests.unit.live.simplant import SimPlant

BUILD = Path(__file__).parent / "builds/live.py"
DESCRIPTORS = ("--login-fd", "--passphrase-fd")
pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="looks at processes in /proc")


@dataclass
class Day:
    """What was written on a day."""

    inside: Path
    needles: dict[str, dict[str, bytes]]
    codes: dict[str, int]


def program(folder: Path, name: str) -> Callable[[list[str]], int]:
    """Return what runs a command line as a process that is watched; all it says is kept in a folder."""

    def process(words: list[str]) -> int:
        given = [int(words[words.index(option) + 1]) for option in DESCRIPTORS if option in words]
        environment = {"PATH": os.environ["PATH"], "PYTHONPATH": str(REPOSITORY), "PYTHONDONTWRITEBYTECODE": "1"}
        environment |= {variable: str(folder / "tmp") for variable in ("HOME", "TMPDIR", "XDG_RUNTIME_DIR")}
        with (folder / f"{name}.stdout").open("wb") as out, (folder / f"{name}.stderr").open("wb") as err:
            command = [sys.executable, str(BUILD), *words]
            running = subprocess.Popen(command, env=environment, stdout=out, stderr=err, pass_fds=given)
            (folder / f"{name}.processes").write_bytes(watched(running))
        return running.returncode

    return process


def needles_of(plant: LivePlant) -> dict[str, dict[str, bytes]]:
    secrets = {reference: plant.value(reference) for reference in plant.components}
    for reference, parts in plant.components.items():
        secrets |= {f"component {number} of {reference}": bytes.fromhex(part) for number, part in enumerate(parts, 1)}
    secrets |= {f"key of row {row}": value for row, value in enumerate(plant.app_keys, 1)}
    secrets |= {f"password of {name}": password(name).encode() for name in PEOPLE} | {"passphrase": PHRASE.encode()}
    return {name: needles_of_bytes(value) for name, value in secrets.items()}


@pytest.fixture(scope="module", params=[LivePlant, SimPlant], ids=["keys", "a code for USIMs"])
def day(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Day:
    root = tmp_path_factory.mktemp("live")
    for folder in ("inside/tmp", "outside"):
        (root / folder).mkdir(parents=True)
    inside = root / "inside"
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(passphrase.COSTS, "argon2id", {"m_kib": 32, "t": 1, "p": 4})
        patch.chdir(inside)
        plant: LivePlant = request.param(root / "outside", run)
        plant.build()
        plant.make_key_store()
        plant.approve_product()
        plant.take_order()
        plant.open_batch()
        codes = {}
        making = ["batch", "run", "lot", "--reader", f"virtual:{plant.image}@{root / 'outside/chips'}"]
        plant.run = program(inside, "run")
        codes["run"] = plant.desk("olga", *making, "--report", "report", keys=PHRASE)
        plant.run = run
        codes["evidence"] = plant.desk("sven", "batch", "evidence", "lot", "--out", "pack.zip")
        codes["audit"] = plant.desk("audi", "audit", "export", "--out", "audit.jsonl")
        with zipfile.ZipFile("pack.zip") as pack:
            pack.extractall("pack")
    return Day(inside, needles_of(plant), codes)


def test_the_day_went_as_planned(day: Day) -> None:
    assert day.codes == {"run": 0, "evidence": 0, "audit": 0}
    assert f"{ROWS} good" in (day.inside / "run.stderr").read_text("utf-8")
    assert b"multiprocessing" in (day.inside / "run.processes").read_bytes()


@pytest.mark.requirement("K1")
@pytest.mark.requirement("K6")
@pytest.mark.requirement("L1")
def test_no_live_key_is_found_anywhere(day: Day) -> None:
    assert search(places(day.inside), day.needles) == []

"""The wheel is complete: installed into an empty environment it makes cards, far from the checkout."""

from __future__ import annotations

import os
import subprocess
import sys
import venv
import zipfile
from pathlib import Path

import pytest

BIN = "Scripts" if os.name == "nt" else "bin"


@pytest.fixture(scope="module")
def wheel(source: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    target = tmp_path_factory.mktemp("dist")
    subprocess.run(
        [sys.executable, "-m", "pip", "wheel", "-q", "--no-deps", "-w", str(target), str(source)],
        check=True,
        timeout=240,
    )
    (built,) = target.glob("cardkit-*.whl")
    return built


def test_the_wheel_carries_types_profiles_and_images(wheel: Path) -> None:
    names = set(zipfile.ZipFile(wheel).namelist())
    wanted = {
        "cardkit/py.typed",
        "cardkit/_profiles/sim/usim-test/profile.toml",
        "cardkit/_profiles/sim/usim-test/order.csv",
        "cardkit/_profiles/chips/virtual-usim.toml",
        "cardkit/virtual/images/usim.toml",
    }
    assert wanted <= names
    assert not [name for name in names if name.startswith("tests/")]


def test_an_empty_environment_runs_the_demo(wheel: Path, tmp_path: Path, bare_environment: dict[str, str]) -> None:
    venv.create(tmp_path / "empty", with_pip=False)  # Debian without python3-venv could not give it one
    tools = tmp_path / "empty" / BIN
    pip = [sys.executable, "-m", "pip", "--python", str(tools / "python")]
    subprocess.run([*pip, "install", "-q", str(wheel)], check=True, env=bare_environment, timeout=240)
    done = subprocess.run(
        [tools / "cardkit", "demo", "--cards", "6", "--readers", "2", "--out", "made"],
        cwd=tmp_path,
        env=bare_environment,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert (done.returncode, done.stderr.count("Traceback")) == (0, 0), done.stderr
    assert {path.name for path in (tmp_path / "made").iterdir()} >= {"report.html", "junit.xml", "results.jsonl"}

"""`make demo` as a user without rights, on a Python without ensurepip (Debian without python3-venv)."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

NOBODY = 65534


@pytest.fixture
def anybody() -> Iterator[Path]:
    """A folder every user may enter; pytest's own is closed again by each pytest that starts beside this one."""
    with tempfile.TemporaryDirectory(prefix="cardkit-anybody-") as name:
        Path(name).chmod(0o755)
        yield Path(name)


@pytest.mark.skipif(shutil.which("make") is None, reason="make is not installed")
def test_make_bootstraps_itself_from_the_package_index(
    source: Path, anybody: Path, bare_environment: dict[str, str]
) -> None:
    (anybody / "hide").mkdir()
    (anybody / "hide" / "sitecustomize.py").write_text(
        'import sys\nsys.modules["ensurepip"] = None\n', encoding="utf-8"
    )
    home = anybody / "home"
    shutil.copytree(source, home / "cardkit")
    env = {**bare_environment, "HOME": str(home), "PYTHONPATH": str(anybody / "hide"), "XDG_CACHE_HOME": str(home)}
    command = ["make", "demo"]
    if os.geteuid() == 0:
        for path in (home, *home.rglob("*")):
            os.chown(path, NOBODY, NOBODY)
        command = ["setpriv", f"--reuid={NOBODY}", f"--regid={NOBODY}", "--clear-groups", *command]
    done = subprocess.run(
        command, cwd=home / "cardkit", env=env, capture_output=True, text=True, timeout=280, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "has no ensurepip" in done.stdout
    assert (home / "cardkit" / "out" / "demo" / "report.html").exists()

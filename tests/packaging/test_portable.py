"""Stations run Windows: the demo works where the POSIX-only parts of the standard library are missing."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

ABSENT = """
import os, signal, socket, sys
sys.modules["fcntl"] = None
absent = ((os, "fork"), (os, "fdatasync"), (signal, "SIGKILL"), (socket, "AF_UNIX"), (socket, "TCP_QUICKACK"))
for module, name in absent:
    if hasattr(module, name):
        delattr(module, name)
"""


@pytest.mark.parametrize("readers", ["1", "4"])
def test_the_demo_runs_without_posix(tmp_path: Path, readers: str) -> None:
    (tmp_path / "sitecustomize.py").write_text(ABSENT, encoding="utf-8")
    check = "import fcntl"
    env = {**os.environ, "PYTHONPATH": str(tmp_path)}
    gone = subprocess.run([sys.executable, "-c", check], env=env, capture_output=True, check=False)
    assert gone.returncode == 1, "the test removed nothing"
    done = subprocess.run(
        [
            sys.executable,
            "-m",
            "cardkit",
            "demo",
            "--cards",
            "8",
            "--readers",
            readers,
            "--out",
            str(tmp_path / "made"),
        ],
        env=env,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert (done.returncode, "Traceback" in done.stderr) == (0, False), done.stderr
    assert (tmp_path / "made" / "report.html").stat().st_size > 1000

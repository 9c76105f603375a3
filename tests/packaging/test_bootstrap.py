"""`make demo` as a user without rights, on a Python without ensurepip (Debian without python3-venv)."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

NOBODY = 65534


@pytest.mark.skipif(shutil.which("make") is None, reason="make is not installed")
def test_make_bootstraps_itself_from_the_package_index(
    source: Path, tmp_path: Path, bare_environment: dict[str, str]
) -> None:
    (tmp_path / "hide").mkdir()
    (tmp_path / "hide" / "sitecustomize.py").write_text(
        'import sys\nsys.modules["ensurepip"] = None\n', encoding="utf-8"
    )
    home = tmp_path / "home"
    shutil.copytree(source, home / "cardkit")
    env = {**bare_environment, "HOME": str(home), "PYTHONPATH": str(tmp_path / "hide"), "XDG_CACHE_HOME": str(home)}
    command = ["make", "demo"]
    if os.geteuid() == 0:
        for path in (home, *home.rglob("*")):
            os.chown(path, NOBODY, NOBODY)
        for parent in (tmp_path, *tmp_path.parents):
            if parent.owner() == "root" and parent.is_relative_to(tmp_path.parents[2]):
                parent.chmod(parent.stat().st_mode | 0o055)
        command = ["setpriv", f"--reuid={NOBODY}", f"--regid={NOBODY}", "--clear-groups", *command]
    done = subprocess.run(
        command, cwd=home / "cardkit", env=env, capture_output=True, text=True, timeout=280, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "has no ensurepip" in done.stdout
    assert (home / "cardkit" / "out" / "demo" / "report.html").exists()

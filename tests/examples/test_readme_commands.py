"""README's command lines are run as they stand there, in a folder that holds nothing but profiles/."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
# Lines that need a reader, a PC/SC service or Linux, or never end by themselves; doctor's verdict is the station's.
NEEDS_HARDWARE = re.compile(
    r"pcsc:0 |id pki init|profile\.der|one\.der|virtual serve|sim plant|cardkit readers|cardkit doctor|cardkit demo"
)


def command_lines() -> list[str]:
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    ten_minutes = text[text.index("## The first ten minutes") : text.index("## Readers")]
    lines = [
        line.strip().partition("   #")[0].rstrip()
        for line in ten_minutes.splitlines()
        if line.startswith("    cardkit ")
    ]
    return [line for line in lines if not NEEDS_HARDWARE.search(f"{line} ")]


@pytest.mark.timeout(900)  # some fifty programs, one after the other
def test_the_lines_of_the_first_ten_minutes_work(tmp_path: Path) -> None:
    shutil.copytree(ROOT / "profiles", tmp_path / "profiles")
    env = {**os.environ, "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"}
    lines = command_lines()
    assert len(lines) >= 14
    for line in lines:
        done = subprocess.run(
            line, shell=True, cwd=tmp_path, env=env, capture_output=True, text=True, timeout=200, check=False
        )
        assert (line, done.returncode, done.stderr.count("Traceback")) == (line, 0, 0), done.stderr + done.stdout

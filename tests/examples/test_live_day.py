"""The LIVE example is lived through as its page tells it: by people at a terminal who answer what they are asked."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from .conftest import EXAMPLES, run

DAY = EXAMPLES / "live_day"
ASKED = re.compile(r"(?:^|\n)([^\n]*): $")
PHRASE = "the phrase of the plant"

pytestmark = [
    pytest.mark.skipif(sys.platform != "linux", reason="an encrypted order is opened on Linux only"),
    pytest.mark.skipif(shutil.which("gpg") is None, reason="gpg is not installed"),
]


def script() -> str:
    """The command lines of the page, as a shell reads them."""
    text = (DAY / "README.md").read_text("utf-8").partition("<!-- the day -->")[2]
    lines = [line[4:] for line in text.splitlines() if line.startswith("    ")]
    return "set -e\n" + "\n".join(lines) + "\n"


class People:
    """Who sits at the terminal; each knows the own password and the own letters."""

    def __init__(self, letters: Path) -> None:
        self._letters = letters
        self._ceremonies = iter(("adm", "kek"))
        self._key = ""

    def answer(self, asked: str) -> str:
        """Say what is typed where this is asked."""
        if found := re.fullmatch(r"component (\d), by \w+ \(hex\)( \(again\))?", asked):
            if found[1] == "1" and not found[2]:
                self._key = next(self._ceremonies)
            return self._letter(found[1], 0)
        if found := re.fullmatch(r"KCV in the letter of component (\d)", asked):
            return self._letter(found[1], 1)
        if re.fullmatch(r"number of the envelope of component \d", asked):
            return "E-17"
        if found := re.fullmatch(r"(?:new )?password of (\w+)(?: \(again\))?", asked):
            return f"the password of {found[1]}"
        if found := re.fullmatch(r"(?:new )?passphrase of (\S+)(?: \(again\))?", asked):
            return PHRASE if found[1] == "plant.keys" else f"the passphrase of {found[1]}"
        raise AssertionError(f"nobody knows what to type for {asked!r}")

    def _letter(self, component: str, line: int) -> str:
        return (self._letters / f"{self._key}-{component}.txt").read_text("ascii").splitlines()[line]


def at_a_terminal(text: str, folder: Path, people: People) -> tuple[int, str]:
    """Run shell lines in a terminal of their own; the exit code and what was shown."""
    import pty

    process, terminal = pty.fork()
    if process == 0:
        os.chdir(folder)
        os.environ["TERM"] = "dumb"
        os.environ["PATH"] = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
        os.execvp("sh", ["sh", "-c", text])
    shown, answered = "", 0
    while True:
        try:
            shown += os.read(terminal, 4096).replace(b"\r", b"").decode("utf-8", "replace")
        except OSError:  # the terminal is closed
            break
        if found := ASKED.search(shown, answered):
            answered = len(shown)
            os.write(terminal, f"{people.answer(found[1])}\n".encode())
    os.close(terminal)
    return os.waitstatus_to_exitcode(os.waitpid(process, 0)[1]), shown


@pytest.fixture
def day(tmp_path: Path) -> Iterator[Path]:
    """A folder with what came from outside."""
    made = run(DAY / "outside.py", cwd=tmp_path)
    assert (made.returncode, made.stdout, made.stderr) == (0, "", "")
    yield tmp_path
    for side in ("plant", "customer"):
        subprocess.run(["gpgconf", "--homedir", tmp_path / f"{side}.gpg", "--kill", "gpg-agent"], check=False)


@pytest.mark.timeout(300)
def test_the_day_ends_with_a_purge_and_a_sound_audit(day: Path) -> None:
    code, shown = at_a_terminal(script(), day, People(day / "letters"))
    assert (code, shown.count("Traceback")) == (0, 0), shown
    assert re.findall(r"^records +(.*)$", shown, re.MULTILINE) == ["5 GOOD", "5 GOOD"]
    assert "audit is sound" in shown

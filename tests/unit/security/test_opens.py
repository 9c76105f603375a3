"""What a batch's whole life opens for writing, in every process of it: nothing that holds secret or personal data."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

from cardkit.profile import load_profile

pytestmark = [
    pytest.mark.requirement("D5"),
    pytest.mark.skipif(sys.platform != "linux", reason="files without a name are Linux's"),
]
ROOT = Path(__file__).parents[3]
PROFILE = "sim/usim-test"
ROWS = 3

# Every interpreter loads it when it starts, those of couplers, too. What is noted: path and whether it is anonymous.
HOOK = """
import os, sys
_LOG = os.open(os.environ["OPENED_LOG"], os.O_WRONLY | os.O_APPEND | os.O_CREAT)
_TMPFILE = getattr(os, "O_TMPFILE", 0) & ~os.O_DIRECTORY

def _note(event, arguments):
    if event == "open":
        path, mode, flags = arguments
        if isinstance(path, (str, bytes)) and flags & (os.O_WRONLY | os.O_RDWR | os.O_CREAT):
            anonymous = bool(_TMPFILE and flags & _TMPFILE == _TMPFILE)
            os.write(_LOG, f"{'tmpfile' if anonymous else 'file'} {os.fsdecode(path)}\\n".encode())

sys.addaudithook(_note)
"""

DAY = """
import sys
from cardkit.cli.app import run

if __name__ == "__main__":
    for words in (
        ["batch", "import", sys.argv[1], "lot.csv"],
        ["batch", "run", "lot", "--reader", "virtual:usim*2", "--report", "report"],
        ["batch", "close", "lot"],
        ["purge", "--batch", "lot", "--yes"],
    ):
        assert run([*words, "--store", "sqlite:///plant.db", "--operator", "ana"]) == 0, words
"""

# Files that are a batch's results: ciphertext (store, keys, journal), masked (reports, evidence), codes (quarantine).
EXPECTED = re.compile(
    r"plant\.db(\.key|\.lock|\.journals/[0-9a-f]+\.journal|\.keys/lot-[0-9a-f]+\.key|\.evidence/lot\.zip)?"
    r"|report/(report\.html|report\.pdf|junit\.xml|results\.(csv|jsonl))|purge-lot\.json|lot\.csv\.quarantine\.csv"
)
PACKED = re.compile(
    r"cardkit-evidence-[^/]+/(profile/.*|[A-Za-z]+\.(html|xml|jsonl|csv|pdf|json|txt)|software\.cdx\.json)"
)
NEIGHBOUR = re.compile(r"(^|/)\.([^/]+)\.[0-9a-f]{8}$")  # takes the place of the file it is named after, as does:
OF_PROCESS = re.compile(r"\.[0-9]+$")
# The temporary folder itself, where files without a name are made, and the probe by which `tempfile` chooses it.
TEMPFILE = re.compile(r"\.|[a-z0-9_]{8}")


@pytest.fixture(scope="module")
def opened(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, list[tuple[str, str]]]:
    """A batch from import to purge, and what was opened for writing."""
    folder = tmp_path_factory.mktemp("opens")
    for name in ("site", "work", "temporary"):
        (folder / name).mkdir()
    (folder / "site" / "sitecustomize.py").write_text(textwrap.dedent(HOOK))
    profile = load_profile(PROFILE)
    lines = (profile.path.parent / "order.csv").read_text("utf-8").splitlines(keepends=True)
    (folder / "work" / "lot.csv").write_text("".join(lines[: 1 + ROWS]), "utf-8")
    environment = os.environ | {
        "PYTHONPATH": os.pathsep.join((str(folder / "site"), str(ROOT))),
        "OPENED_LOG": str(folder / "log"),
        "PYTHONDONTWRITEBYTECODE": "1",
        "TMPDIR": str(folder / "temporary"),
    }
    done = subprocess.run(
        [sys.executable, "-c", DAY, PROFILE], cwd=folder / "work", env=environment, capture_output=True, text=True,
        check=False, timeout=240,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    noted = [line.split(" ", 1) for line in (folder / "log").read_text("utf-8").splitlines()]
    return folder, [(kind, path) for kind, path in noted]


def where(folder: Path, path: str) -> str:
    """A path as the tables above name it."""
    whole = (folder / "work" / path).resolve()
    for base in (folder / "work", folder / "temporary"):
        if whole.is_relative_to(base.resolve()):
            name = NEIGHBOUR.sub(r"\1\2", whole.relative_to(base.resolve()).as_posix())
            return OF_PROCESS.sub("", name)
    return str(whole)


def test_nothing_is_written_but_results(opened: tuple[Path, list[tuple[str, str]]]) -> None:
    folder, noted = opened
    named = {where(folder, path) for kind, path in noted if kind == "file"} - {os.devnull}
    assert {"report/report.html", "plant.db.evidence/lot.zip", "purge-lot.json"} <= named, "the hook must see something"
    known = (EXPECTED, PACKED, TEMPFILE)
    assert sorted(name for name in named if not any(each.fullmatch(name) for each in known)) == []


def test_nothing_is_left_in_the_temporary_folder(opened: tuple[Path, list[tuple[str, str]]]) -> None:
    folder, noted = opened
    assert list((folder / "temporary").iterdir()) == []
    assert {path for kind, path in noted if kind == "tmpfile"} == {str(folder / "temporary")}

"""Which software made a card: each attempt says so, and everybody computes the same digest."""

from __future__ import annotations

import hashlib
import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import cardkit
from cardkit.cli.app import run
from cardkit.production.software import software_sha256
from cardkit.production.store import Store

HOME = Path(cardkit.__file__).parent


@pytest.mark.requirement("P11")
def test_each_attempt_keeps_the_digests_of_all_that_made_it(plant: Store) -> None:
    with plant.reading() as connection:
        kept = connection.exec_driver_sql(
            "select a.software, a.profile_sha256 = b.profile_sha256, a.keyset_sha256 = b.keyset_sha256"
            " from attempt a join record r on r.id = a.record_id join batch b on b.id = r.batch_id"
        ).all()
    assert len(kept) == 3
    assert {row[0].split(" sha256:")[1] for row in kept} == {software_sha256()}
    assert all(row[1] and row[2] for row in kept)


@pytest.mark.requirement("P11")
def test_the_digest_is_what_sha256sum_would_say(tmp_path: Path) -> None:
    """Two installations of the same files have one digest, wherever they lie; another byte gives another one."""
    copy = tmp_path / "cardkit"
    shutil.copytree(HOME, copy, ignore=shutil.ignore_patterns("__pycache__"))
    lines = sorted(
        f"{hashlib.sha256(path.read_bytes()).hexdigest()}  {path.relative_to(copy).as_posix()}\n"
        for path in copy.rglob("*")
        if path.is_file()
    )
    assert _digest_in(tmp_path) == hashlib.sha256("".join(lines).encode()).hexdigest() == software_sha256()
    (copy / "errors.py").write_bytes((copy / "errors.py").read_bytes() + b"\n")
    assert _digest_in(tmp_path) != software_sha256()


def _digest_in(folder: Path) -> str:
    words = "from cardkit.production.software import software_sha256; print(software_sha256())"
    told = subprocess.run([sys.executable, "-c", words], cwd=folder, capture_output=True, text=True, check=True)
    return told.stdout.strip()


@pytest.mark.requirement("P11")
@pytest.mark.parametrize("words", [["--sbom"], ["--version", "--sbom"]])
def test_the_bill_of_materials_is_the_same_each_time(capsys: pytest.CaptureFixture[str], words: list[str]) -> None:
    told = [(run(words), capsys.readouterr().out) for _ in range(2)]
    assert told[0] == told[1]
    assert told[0][0] == 0
    bill = json.loads(told[0][1])
    assert (bill["bomFormat"], bill["metadata"]["component"]["name"]) == ("CycloneDX", "cardkit")
    assert bill["metadata"]["component"]["properties"][0]["value"] == software_sha256()

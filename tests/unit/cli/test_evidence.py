"""``cardkit batch evidence``: written by one machine, verified by another."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from cardkit.cli.app import run
from tests.unit.cli.conftest import ORDER, PROFILE

STORE = ["--store", "sqlite:///plant.db", "--operator", "ana"]


@pytest.fixture(autouse=True)
def pack(own_folder: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    """The pack of an open batch and the key, in a folder without a store."""
    assert run(["batch", "import", PROFILE, ORDER, "--name", "B-1", *STORE]) == 0
    capsys.readouterr()
    assert run(["audit", "key", *STORE]) == 0
    Path("pub.pem").write_text(capsys.readouterr().out)
    assert run(["batch", "evidence", "B-1", "--out", "b1.zip", *STORE]) == 0
    assert "batch B-1 is OPEN" in capsys.readouterr().err
    elsewhere = own_folder / "elsewhere"
    elsewhere.mkdir()
    for name in ("b1.zip", "pub.pem"):
        Path(name).rename(elsewhere / name)
    monkeypatch.chdir(elsewhere)


def test_a_pack_is_verified_where_there_is_no_store(
    capsys: pytest.CaptureFixture[str], cardkit_json: Callable[..., Any]
) -> None:
    assert run(["batch", "evidence", "--verify", "b1.zip", "--key", "pub.pem"]) == 0
    shown = capsys.readouterr()
    assert "B-1 OPEN, TEST, of installation" in shown.out
    assert "signed by this key, unchanged" in shown.err
    told = cardkit_json("batch", "evidence", "--verify", "b1.zip", "--key", "pub.pem")
    assert (told["batch"], told["state"], told["cards"], told["findings"]) == ("B-1", "OPEN", 0, [])
    assert sorted(path.name for path in Path().iterdir()) == ["b1.zip", "pub.pem"]


def test_findings_are_said_in_words(capsys: pytest.CaptureFixture[str]) -> None:
    whole = Path("b1.zip").read_bytes()
    Path("b1.zip").write_bytes(whole[:40] + bytes([whole[40] ^ 1]) + whole[41:])
    verify = ["batch", "evidence", "--verify", "b1.zip", "--key", "pub.pem"]
    assert run(verify) == 1
    assert "a byte of the pack was changed" in capsys.readouterr().out
    assert run([*verify, "--json"]) == 1
    assert json.loads(capsys.readouterr().out)["findings"][0] == {"code": "SEAL", "file": ""}


@pytest.mark.parametrize(
    "words",
    [[], ["B-1"], ["--out", "x.zip"], ["--verify", "b1.zip"], ["--key", "pub.pem"],
     ["B-1", "--out", "x.zip", "--key", "pub.pem"], ["B-1", "--verify", "b1.zip", "--key", "pub.pem"]],
)  # fmt: skip
def test_half_a_question_is_a_usage_error(words: list[str]) -> None:
    assert run(["batch", "evidence", *words]) == 2

"""What the tests of verbs share: the test profile's order, and a folder of one's own."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from cardkit.cli.app import run

ROOT = Path(__file__).resolve().parents[3]
PROFILE = "sim/usim-test"
ORDER = str(ROOT / "profiles/sim/usim-test/order.csv")


@pytest.fixture(autouse=True)
def own_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Run every verb in an empty folder: nothing may be written elsewhere."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def cardkit_json(capsys: pytest.CaptureFixture[str]) -> Callable[..., Any]:
    """Run a verb that must end with the given code and return the JSON it prints."""

    def call(*words: str, code: int = 0) -> Any:
        capsys.readouterr()
        assert run([*words, "--json"]) == code, capsys.readouterr().err
        return json.loads(capsys.readouterr().out)

    return call

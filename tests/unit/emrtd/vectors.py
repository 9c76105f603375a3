"""Worked examples of others: tests/vectors/emrtd_*.json, each entry with its source and clause."""

import json
from pathlib import Path
from typing import Any

_FOLDER = Path(__file__).parents[2] / "vectors"


def entries(name: str, start: str = "") -> list[dict[str, Any]]:
    found = [
        entry for entry in json.loads((_FOLDER / f"emrtd_{name}.json").read_text()) if entry["name"].startswith(start)
    ]
    assert found, f"no entries {start!r} in {name}"
    return found


def entry(name: str, start: str) -> tuple[dict[str, Any], dict[str, Any]]:
    found = entries(name, start)
    assert len(found) == 1
    return found[0]["in"], found[0]["out"]


def named(given: dict[str, Any]) -> str:
    return str(given["name"])

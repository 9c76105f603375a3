"""Frames and commands of others: tests/vectors/cipurse.json, each entry with its source."""

import json
from pathlib import Path
from typing import Any

_FILE = Path(__file__).parents[2] / "vectors" / "cipurse.json"
_ENTRIES = json.loads(_FILE.read_text())


def entries(operation: str) -> list[dict[str, Any]]:
    found = [entry for entry in _ENTRIES if entry["in"]["op"] == operation]
    assert found, f"no entries {operation!r}"
    return found


def named(entry: dict[str, Any]) -> str:
    return str(entry["name"])

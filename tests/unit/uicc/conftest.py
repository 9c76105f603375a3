from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

VECTORS = Path(__file__).parents[2] / "vectors"


def load(name: str) -> list[dict[str, Any]]:
    """Return the cases of a vector file; each names its source and clause."""
    return json.loads((VECTORS / name).read_text(encoding="utf-8"))


def dumped_files() -> list[dict[str, Any]]:
    """Return the files of the published dumps: card, path as in the catalogue, fcp, bodies."""
    files = []
    for case in load("uicc_dumps.json"):
        path = case["in"].get("path")
        if path is None:
            continue
        title = path.removeprefix("MF/")
        name = f"MF/{title}" if title.startswith("EF.") else title
        out = case["out"]
        bodies = [out["content"]] if "content" in out else list(out.get("records", {}).values())
        files.append(
            {
                "card": case["in"]["card"],
                "name": name,
                "fcp": bytes.fromhex(out["fcp"]),
                "bodies": [bytes.fromhex(body) for body in bodies],
            }
        )
    return files


@pytest.fixture(scope="session")
def dumps() -> list[dict[str, Any]]:
    return dumped_files()


class ScriptedConnection:
    """A card that answers from a list and keeps what it was sent."""

    reader = "scripted"
    atr = bytes.fromhex("3B9F96801FC78031A073BE21136743200718000001A5")
    protocol = 1

    def __init__(self, *answers: str) -> None:
        self.answers = [bytes.fromhex(answer) for answer in answers]
        self.sent: list[str] = []

    def transmit(self, command: bytes) -> bytes:
        self.sent.append(command.hex().upper())
        return self.answers.pop(0)

    def reset(self, *, cold: bool) -> bytes:
        return self.atr

    def close(self) -> None:
        pass

"""Vectors of travel documents by file name: published examples, and what other programs made of them."""

import json
from pathlib import Path

import pytest

FOLDER = Path(__file__).parents[2] / "vectors"


def load(name):
    return json.loads((FOLDER / f"{name}.json").read_text(encoding="utf-8"))


def chosen(name, accepts):
    """Return parameters for the vectors of a file that `accepts` wants: inputs and results."""
    found = [pytest.param(v["in"], v["out"], id=v["name"]) for v in load(name) if accepts(v)]
    assert found
    return found

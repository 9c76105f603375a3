"""Vectors of other implementations, by category."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

VECTORS = Path(__file__).resolve().parents[2] / "vectors"


def named(file: str, name: str) -> dict[str, Any]:
    """Return one vector."""
    (found,) = (vector for vector in _read(file) if vector["name"] == name)
    return found


def of_category(file: str, category: str) -> list[Any]:
    """Return the vectors of a category as test parameters."""
    found = [vector for vector in _read(file) if vector["category"] == category]
    assert found, f"no vector of category {category} in {file}"
    return [pytest.param(vector["in"], vector["out"], id=vector["name"]) for vector in found]


def _read(file: str) -> list[dict[str, Any]]:
    vectors: list[dict[str, Any]] = json.loads((VECTORS / file).read_text(encoding="utf-8"))
    return vectors

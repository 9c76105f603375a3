from __future__ import annotations

import json
from pathlib import Path
from typing import Any

VECTORS = Path(__file__).parents[2] / "vectors"


def vectors(category: str, *, needs: str = "data") -> list[dict[str, Any]]:
    """Return the cases of one category of gp_data.json whose input has a field; each names its source and clause."""
    cases: list[dict[str, Any]] = json.loads((VECTORS / "gp_data.json").read_text(encoding="utf-8"))
    return [case for case in cases if case["category"] == category and needs in case["in"]]

"""Cases of uicc_auth.json by algorithm, as pytest parameters."""

import json
from pathlib import Path

import pytest

FOLDER = Path(__file__).parents[2] / "vectors"
CASES = json.loads((FOLDER / "uicc_auth.json").read_text(encoding="utf-8"))


def of_algorithm(*names):
    chosen = [case for case in CASES if case["in"]["algorithm"] in names]
    assert chosen
    return [pytest.param(case["in"], case["out"], id=case["name"]) for case in chosen]


def b(text):
    return bytes.fromhex(text)


def clear(secret):
    with secret.reveal() as value:
        return bytes(value)

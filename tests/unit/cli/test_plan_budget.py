"""The plan says what software may cost: a hundredth of the card time it prices, for each APDU."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest

from cardkit.cli.app import run
from tests.unit.cli.conftest import ORDER, PROFILE


def test_one_per_cent_of_the_card_time_an_apdu(
    cardkit_json: Callable[..., Any], capsys: pytest.CaptureFixture[str]
) -> None:
    words = ("plan", PROFILE, "--order", ORDER, "--record", "1")
    document = cardkit_json(*words)
    apdus = sum(part["apdus"] for part in document["totals"].values())
    expected = document["seconds"]["T=1"]["97"] / apdus * 1e6 / 100
    assert run([*words]) == 0
    found = re.search(r"^software +(\d+) us an APDU", capsys.readouterr().out, re.MULTILINE)
    assert found is not None
    assert int(found[1]) == round(expected)

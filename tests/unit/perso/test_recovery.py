"""The plant's decision table, case by case (vectors recover-* of production-flows.json)."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from cardkit.perso import ChipSeen, MarkerSeen, decide

VECTORS = json.loads((Path(__file__).parents[2] / "vectors" / "production-flows.json").read_text(encoding="utf-8"))
CASES = [case for case in VECTORS if case["name"].startswith("recover-")]
MARKERS = {"any": MarkerSeen.FOREIGN, **{marker.value: marker for marker in MarkerSeen}}


def test_there_are_cases():
    assert len(CASES) == 9


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["name"])
def test_decision(case):
    given, expected = case["in"], case["out"]
    decision = decide(
        bound=given["attempt"] is not None,
        chip=ChipSeen(given.get("chip", "other")) if given["presented"] else None,
        chip_known=given.get("chip_known", False),
        marker=MARKERS[given.get("marker", "absent")],
        verified=given.get("verify") == "all",
        blank=given.get("transport_key") == "accepted",
    )
    assert decision.state == expected["state"]
    assert decision.action == expected.get("action", "")
    assert decision.code == expected.get("code", "")
    assert decision.stop == expected.get("stop", "")
    if "two_persons" in expected:
        assert decision.two_persons == expected["two_persons"]


def test_a_finished_card_that_fails_its_verification_is_rejected():
    decision = decide(bound=True, chip=ChipSeen.SAME, marker=MarkerSeen.REMOVED, verified=False)
    assert (decision.state, decision.code) == ("REJECTED", "DATA_READBACK")


def test_an_unmarked_chip_that_is_not_blank_is_nobodys_guess():
    assert decide(bound=True, chip=ChipSeen.SAME, marker=MarkerSeen.ABSENT, blank=False).state == "IN_DOUBT"


def test_another_unknown_chip_with_a_marker_stops_the_batch():
    decision = decide(bound=True, chip=ChipSeen.OTHER, marker=MarkerSeen.FOREIGN)
    assert (decision.code, decision.stop) == ("MARKER_FOREIGN", "batch")

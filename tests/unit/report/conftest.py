"""Cards and batches for report tests."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from cardkit.desired import Finding, Severity
from cardkit.production.report import BatchReport, CardResult, Kind, Verdict

STARTED = datetime(2026, 7, 14, 9, 12, 3, tzinfo=UTC)


def _a_finding(**changes: Any) -> Finding:
    values: dict[str, Any] = {
        "rule": "UICC-030",
        "severity": Severity.ERROR,
        "clause": "TS 31.102 4.2.8",
        "where": "ADF.USIM/EF.UST",
        "expected": "9EEBA0",
        "actual": "9EE9A0",
        "decoded": "service 10 is off",
    }
    return Finding(**(values | changes))


def _a_card(row: int = 1, **changes: Any) -> CardResult:
    values: dict[str, Any] = {
        "row": row,
        "chip": f"{row:010x}",
        "identity": f"8999901{row:012}",
        "verdict": Verdict.GOOD,
        "apdus": 140,
        "apply_ms": 600,
        "verify_ms": 300,
        "coupler": "virtual-1",
    }
    return CardResult(**(values | changes))


def _rejected(row: int, code: str = "DATA_READBACK", **changes: Any) -> CardResult:
    values: dict[str, Any] = {
        "verdict": Verdict.REJECTED,
        "code": code,
        "reject_class": "data",
        "findings": (_a_finding(),),
    }
    return _a_card(row, **(values | changes))


def _a_report(cards: Iterable[CardResult], **changes: Any) -> BatchReport:
    values: dict[str, Any] = {
        "batch": "B-1",
        "profile": "usim-test",
        "profile_version": "1",
        "profile_sha256": "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
        "kind": Kind.TEST,
        "station": "station-1",
        "operator": "a.operator",
        "software": "cardkit 0.1.0",
        "started": STARTED,
        "ended": STARTED + timedelta(seconds=60),
        "cards": cards,
        "totals": {"imported": 3, "quarantined": 0},
    }
    return BatchReport(**(values | changes))


@pytest.fixture(scope="session")
def a_finding():
    return _a_finding


@pytest.fixture(scope="session")
def a_card():
    return _a_card


@pytest.fixture(scope="session")
def rejected():
    return _rejected


@pytest.fixture(scope="session")
def a_report():
    return _a_report

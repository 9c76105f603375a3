"""Stop rules, reconciliation and the decision at recovery, as the house's vectors give them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from cardkit.perso import ChipSeen, MarkerSeen, decide
from cardkit.production.reconcile import CardCounts, Ledger, reconcile
from cardkit.production.stop import Kind, StopParameters, StopRules

VECTORS = json.loads((Path(__file__).parents[2] / "vectors" / "production-flows.json").read_text(encoding="utf-8"))


def named(prefix: str) -> list[Any]:
    return [pytest.param(vector, id=vector["name"]) for vector in VECTORS if vector["name"].startswith(f"{prefix}-")]


@pytest.mark.requirement("P10")
@pytest.mark.parametrize("vector", named("stop"))
def test_stop_rules(vector: Any) -> None:
    rules = StopRules(StopParameters(**vector["in"]["params"]))
    wanted = vector["out"]
    for number, verdict in enumerate(vector["in"]["verdicts"], 1):
        stop = rules.judge(Kind(verdict[0]), int(verdict[1:]))
        if number == wanted["at"]:
            assert stop is not None
            assert (stop.scope, stop.rule) == (wanted["scope"], wanted["rule"])
            if "yield" in wanted:
                assert rules.current_yield == wanted["yield"]
            return
        assert stop is None
    assert wanted["at"] is None


def test_the_second_data_reject_holds_the_batch() -> None:
    rules = StopRules()
    assert rules.judge(Kind.DATA, 1) is None
    assert rules.judge(Kind.GOOD, 1) is None
    stop = rules.judge(Kind.DATA, 2)
    assert stop is not None
    assert (stop.scope, stop.rule) == ("batch", "data")


def test_contact_rejects_do_not_lower_the_yield() -> None:
    rules = StopRules(StopParameters(coupler_consecutive=1000))
    for _ in range(200):
        assert rules.judge(Kind.CONTACT, 1) is None
    assert rules.current_yield == 1.0


@pytest.mark.requirement("P5")
@pytest.mark.parametrize("vector", named("close"))
def test_reconciliation(vector: Any) -> None:
    closing = reconcile(CardCounts(**vector["in"]["cards"]), Ledger(vector["in"]["records"]))
    wanted = vector["out"]
    assert (closing.difference, closing.closable, list(closing.why)) == (
        wanted["difference"],
        wanted["closable"],
        wanted.get("why", []),
    )


@pytest.mark.requirement("P5")
@pytest.mark.parametrize(
    ("ledger", "why"),
    [
        (Ledger({"imported": 3, "good": 2}), "RECORDS_DIFFER"),
        (Ledger({"imported": 2, "good": 2}, undisposed=1), "QUARANTINE_OPEN"),
        (Ledger({"imported": 2, "good": 2}, unsound=1), "UNSOUND"),
        (Ledger({"imported": 2, "good": 2}, delivered=1), "DELIVERED_KEYS"),
    ],
)
def test_what_else_keeps_a_batch_open(ledger: Ledger, why: str) -> None:
    assert reconcile(CardCounts(issued=2, good=2), ledger).why == (why,)


MARKERS = {
    "removed": MarkerSeen.REMOVED,
    "match-started": MarkerSeen.MATCH,
    "absent": MarkerSeen.ABSENT,
    "foreign": MarkerSeen.FOREIGN,
    "any": MarkerSeen.FOREIGN,
}


@pytest.mark.parametrize("vector", named("recover"))
def test_the_decision_at_recovery(vector: Any) -> None:
    given = vector["in"]
    chip = ChipSeen(given.get("chip", "other")) if given["presented"] else None
    decision = decide(
        bound=given["attempt"] is not None,
        chip=chip,
        chip_known=given.get("chip_known", False),
        marker=MARKERS[given.get("marker", "absent")],
        verified=given.get("verify") == "all",
        blank=given.get("transport_key") == "accepted",
    )
    wanted = vector["out"]
    assert decision.state == wanted["state"]
    assert decision.action == wanted.get("action", "")
    assert decision.code == wanted.get("code", "")
    assert decision.stop == wanted.get("stop", "")
    assert decision.two_persons == wanted.get("two_persons", False)

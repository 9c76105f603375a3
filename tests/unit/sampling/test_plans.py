"""Sampling plans against the sheet's tables, entry by entry."""

from __future__ import annotations

import itertools
import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cardkit.errors import EncodingError
from cardkit.production.sampling.curve import acceptance, cards_to_see, honest_sentence, operating_characteristic
from cardkit.production.sampling.plan import (
    AQLS,
    DOWN,
    LETTERS,
    LEVELS,
    SIZES,
    UP,
    Severity,
    _entry,
    plan_of,
    severity_after,
)

VECTORS = json.loads((Path(__file__).parents[2] / "vectors" / "production-sampling.json").read_text("utf-8"))
ARROWS = {"up": (UP, 0), "down": (DOWN, 0)}


def named(prefix: str) -> Any:
    chosen = [vector for vector in VECTORS if vector["name"].startswith(prefix)]
    assert chosen
    return pytest.mark.parametrize("vector", chosen, ids=[vector["name"] for vector in chosen])


@named("code-letter-")
def test_code_letters(vector: dict[str, Any]) -> None:
    given_lots = vector["in"]
    for lot in {given_lots["lot_min"], given_lots["lot_max"] or given_lots["lot_min"]}:
        assert {level: plan_of(lot, level, "1.0").first_letter for level in LEVELS} == vector["out"]


@named("normal-")
def test_table_of_normal_inspection(vector: dict[str, Any]) -> None:
    _is_the_row(vector, Severity.NORMAL)


@named("tightened-")
def test_table_of_tightened_inspection(vector: dict[str, Any]) -> None:
    _is_the_row(vector, Severity.TIGHTENED)


def _is_the_row(vector: dict[str, Any], severity: Severity) -> None:
    letter = LETTERS.index(vector["in"]["letter"])
    assert SIZES[letter] == vector["in"]["n"]
    published = {aql: ARROWS.get(cell, (0, cell)) for aql, cell in vector["out"]["ac_by_aql"].items()}
    assert {aql: _entry(letter, at, severity) for at, aql in enumerate(AQLS)} == published


@named("plan-")
def test_plans(vector: dict[str, Any]) -> None:
    asked, out = vector["in"], vector["out"]
    aql = next(aql for aql in AQLS if float(aql) == asked["aql"])
    plan = plan_of(asked["lot"], asked["level"], aql, Severity(asked["severity"]))
    assert (plan.first_letter, plan.letter, plan.n, plan.ac, plan.re, plan.whole) == (
        *(out[name] for name in ("first_letter", "letter", "n", "ac", "re")), out.get("full_inspection", False),
    )  # fmt: skip


@named("oc-")
def test_operating_characteristics(vector: dict[str, Any]) -> None:
    asked = vector["in"]
    for percent, accepted in vector["out"]["accept_percent"].items():
        assert round(100 * acceptance(asked["n"], asked["ac"], float(percent) / 100), 1) == accepted


@named("detect-")
def test_cards_to_see_one_bad_card(vector: dict[str, Any]) -> None:
    assert cards_to_see(vector["in"]["defect_rate"], vector["in"]["confidence"]) == vector["out"]["n"]


@named("switch-")
def test_switching(vector: dict[str, Any]) -> None:
    lots = vector["in"]["lots"]
    names = {Severity.NORMAL: "N", Severity.TIGHTENED: "T", Severity.STOP: "STOP"}
    after = [names[severity_after(lots[: count + 1])] for count in range(len(lots))]
    assert after == vector["out"]["state"]


@given(
    lot=st.integers(1, 2_000_000),
    level=st.sampled_from(list(LEVELS)),
    aql=st.sampled_from(AQLS),
    severity=st.sampled_from([Severity.NORMAL, Severity.TIGHTENED]),
)
def test_every_lot_has_a_plan_that_accepts_good_lots_more_often(
    lot: int, level: str, aql: str, severity: Severity
) -> None:
    plan = plan_of(lot, level, aql, severity)
    accepted = [percent for _, percent in operating_characteristic(plan)]
    assert all(less <= more + 1e-9 for more, less in itertools.pairwise(accepted))
    assert (0 <= plan.ac < plan.n, plan.whole) == (True, plan.n >= lot)


def test_the_honest_sentence() -> None:
    assert honest_sentence(plan_of(10_000, "II", "0.065")) == (
        "with this plan a lot with 0.1 % bad cards is accepted 81.9 % of the time"
    )
    assert operating_characteristic(plan_of(30, "II", "0.1")) == []
    assert honest_sentence(plan_of(30, "II", "0.1")) == "with this plan every card of the lot is looked at"


def test_what_has_no_plan() -> None:
    with pytest.raises(EncodingError, match="the lot has no card"):
        plan_of(0, "II", "1.0")
    with pytest.raises(EncodingError, match="inspection has stopped"):
        plan_of(100, "II", "1.0", severity_after("R" * 7))
    with pytest.raises(EncodingError, match="expected A or R for each, got 'x'"):
        severity_after("AAx")

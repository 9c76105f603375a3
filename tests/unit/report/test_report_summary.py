"""Counts worked out by hand."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cardkit.desired import Severity
from cardkit.production.report import Verdict
from cardkit.production.report.summary import Summary


def summary_of(cards) -> Summary:
    summary = Summary()
    for card in cards:
        summary.add(card)
    return summary


def test_yield_counts_only_cards_with_a_verdict(a_card, rejected):
    cards = [a_card(1), a_card(2), a_card(3), rejected(4), a_card(5, verdict=Verdict.IN_DOUBT)]
    summary = summary_of(cards)
    assert (summary.cards, summary.good, summary.rejected, summary.yield_rate) == (5, 3, 1, 0.75)


def test_scrapped_cards_are_rejected_cards(a_card):
    summary = summary_of([a_card(1), a_card(2, verdict=Verdict.SCRAPPED)])
    assert (summary.rejected, summary.yield_rate) == (1, 0.5)


def test_nothing_judged_has_no_yield_and_no_time(a_card):
    assert summary_of([]).yield_rate is None
    assert summary_of([]).percentile_seconds(50) is None


@pytest.mark.parametrize(("percent", "seconds"), [(50, 0.5), (95, 1.0), (99, 1.0), (10, 0.1), (0, 0.1)])
def test_percentiles_are_nearest_rank(a_card, percent, seconds):
    summary = summary_of(a_card(n, apply_ms=n * 60, verify_ms=n * 40) for n in (10, 3, 1, 2, 5, 4, 6, 9, 8, 7))
    assert summary.percentile_seconds(percent) == seconds


def test_pareto_is_by_frequency_with_cumulative_share(rejected):
    cards = [rejected(row, code="RARE" if row == 3 else "OFTEN") for row in range(1, 6)]
    rows = summary_of(cards).reject_pareto()
    assert [(r.name, r.count, r.share, r.cumulative, r.rows) for r in rows] == [
        (("OFTEN", "data"), 4, 0.8, 0.8, (1, 2, 4)),
        (("RARE", "data"), 1, 0.2, 1.0, (3,)),
    ]


def test_a_card_without_code_is_listed_under_its_verdict(a_card):
    assert summary_of([a_card(7, verdict=Verdict.LOST)]).reject_pareto()[0].name == ("LOST", "")


def test_a_rule_counts_cards_not_files(a_card, a_finding):
    findings = (a_finding(where="EF.A"), a_finding(where="EF.B"), a_finding(severity=Severity.WARNING))
    rules = summary_of([a_card(findings=findings)]).rule_pareto()
    assert [(weight, row.name, row.count) for weight, row in rules] == [
        ("error", ("UICC-030", "TS 31.102 4.2.8"), 1),
        ("warning", ("UICC-030", "TS 31.102 4.2.8"), 1),
    ]


def test_a_worn_coupler_is_outside_its_band(a_card, rejected):
    cards = [rejected(row, coupler="worn") for row in range(1, 21)]
    cards += [a_card(row, coupler="worn") for row in range(21, 101)]
    cards += [a_card(row, coupler="sound") for row in range(101, 301)]
    sound, worn = summary_of(cards).couplers()
    # p = 20 / 300; worn: p + 3 sqrt(p (1 - p) / 100) = 0.06667 + 3 * 0.024944
    assert worn.upper_limit == pytest.approx(0.141500, abs=1e-6)
    assert (worn.reject_rate, worn.outside) == (0.2, True)
    assert (sound.reject_rate, sound.outside) == (0.0, False)


def test_a_coupler_with_only_doubtful_cards_has_no_reject_rate(a_card):
    (row,) = summary_of([a_card(1, verdict=Verdict.IN_DOUBT, coupler="")]).couplers()
    assert (row.name, row.cards, row.reject_rate, row.outside) == ("-", 1, 0.0, False)


def test_cards_that_nobody_timed_do_not_count_as_fast(a_card):
    untimed = a_card(1, apply_ms=None, verify_ms=None)
    summary = summary_of([untimed, a_card(2, apply_ms=600, verify_ms=None), untimed])
    assert summary.percentile_seconds(50) == 0.6
    assert [row.mean_seconds for row in summary.couplers()] == [0.6]
    assert summary_of([untimed]).couplers()[0].mean_seconds is None


def test_rejects_are_counted_by_coupler_and_class(a_card, rejected):
    cards = [rejected(1, coupler="s1/2"), rejected(2, coupler="s1/2"), a_card(3, coupler="s1/2")]
    cards += [rejected(4, reject_class="key"), a_card(5, verdict=Verdict.IN_DOUBT, coupler="")]
    rows = summary_of(cards).place_pareto()
    assert [(row.name, row.count, row.rows) for row in rows] == [
        (("s1/2", "data"), 2, (1, 2)),
        (("-", "-"), 1, (5,)),
        (("virtual-1", "key"), 1, (4,)),
    ]


def test_card_times_are_counted_in_bars_of_one_width(a_card):
    bars = summary_of(a_card(n, apply_ms=n, verify_ms=0) for n in (10, 11, 11, 14)).card_times()
    assert [(bar.from_ms, bar.to_ms, bar.count, bar.share) for bar in bars] == [
        (10, 11, 1, 0.25), (11, 12, 2, 0.5), (12, 13, 0, 0.0), (13, 14, 0, 0.0), (14, 15, 1, 0.25),
    ]  # fmt: skip
    assert summary_of([]).card_times() == []


def test_one_slow_card_does_not_hide_the_others(a_card):
    times = [*range(100, 300), 60_000]
    bars = summary_of(a_card(n, apply_ms=ms, verify_ms=0) for n, ms in enumerate(times)).card_times()
    assert (len(bars), bars[0].from_ms, bars[0].to_ms, bars[-1].to_ms) == (10, 100, 120, 60_001)
    assert bars[-1].count == 21


@given(times=st.lists(st.integers(0, 4_000_000_000), min_size=1, max_size=60))
def test_every_timed_card_is_in_one_bar(a_card, times):
    bars = summary_of(a_card(n, apply_ms=ms, verify_ms=0) for n, ms in enumerate(times)).card_times()
    assert [bar.count for bar in bars] == [sum(bar.from_ms <= ms < bar.to_ms for ms in times) for bar in bars]
    assert (sum(bar.count for bar in bars), len(bars) <= 16) == (len(times), True)
    assert all(before.to_ms == after.from_ms for before, after in itertools.pairwise(bars))

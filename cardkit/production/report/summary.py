"""Counts over a batch, gathered card by card (production.md 14)."""

from __future__ import annotations

import math
from array import array
from collections import Counter
from collections.abc import Callable, Hashable, Iterator
from dataclasses import dataclass, field
from typing import TypeVar

from cardkit.desired import Finding
from cardkit.production.report.model import CardResult, Verdict, weight

_EXAMPLES = 3
_TIME_STEPS = (1, 2, 5, 10, 20, 50, 100, 200, 500, 1_000, 2_000, 5_000, 10_000, 20_000, 50_000, 100_000)
_MOST_BARS = 16

_Key = TypeVar("_Key", bound=Hashable)


@dataclass(slots=True)
class Tally:
    """How many cards share something, and the rows of the first of them."""

    count: int = 0
    rows: list[int] = field(default_factory=list)

    def add(self, row: int) -> None:
        """Count one card."""
        self.count += 1
        if len(self.rows) < _EXAMPLES:
            self.rows.append(row)


@dataclass(slots=True)
class CouplerCount:
    """Cards of one coupler."""

    cards: int = 0
    good: int = 0
    rejected: int = 0
    timed: int = 0
    milliseconds: int = 0

    @property
    def judged(self) -> int:
        """Cards with a verdict that counts towards the yield."""
        return self.good + self.rejected


@dataclass(frozen=True, slots=True)
class ParetoRow:
    """One bar of a Pareto chart; shares are fractions of 1."""

    name: tuple[str, str]
    count: int
    share: float
    cumulative: float
    rows: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class TimeBar:
    """Cards whose time is in a range, its end left out; share is of all that were timed."""

    from_ms: int
    to_ms: int
    count: int
    share: float


@dataclass(frozen=True, slots=True)
class CouplerRow:
    """One coupler against its control band ``p +- 3 sqrt(p (1 - p) / n)``, p being the batch's reject rate."""

    name: str
    cards: int
    good: int
    rejected: int
    reject_rate: float
    upper_limit: float
    mean_seconds: float | None

    @property
    def outside(self) -> bool:
        """Whether this coupler rejects more than chance explains."""
        return self.rejected > 0 and self.reject_rate > self.upper_limit


class Summary:
    """Running totals: memory grows by four bytes a card, whatever the cards carry."""

    def __init__(self) -> None:
        self.verdicts: Counter[Verdict] = Counter()
        self._codes: dict[tuple[str, str], Tally] = {}
        self._places: dict[tuple[str, str], Tally] = {}
        self._rules: dict[tuple[str, str, str], Tally] = {}
        self._couplers: dict[str, CouplerCount] = {}
        self._milliseconds = array("I")

    def add(self, card: CardResult) -> None:
        """Count one card."""
        self.verdicts[card.verdict] += 1
        if card.milliseconds is not None:
            self._milliseconds.append(card.milliseconds)
        if card.verdict is not Verdict.GOOD:
            self._codes.setdefault((card.code or card.verdict.value, card.reject_class), Tally()).add(card.row)
            self._places.setdefault((card.coupler or "-", card.reject_class or "-"), Tally()).add(card.row)
        for finding in _one_per_rule(card.findings):
            self._rules.setdefault((finding.rule, weight(finding), finding.clause), Tally()).add(card.row)
        self._add_to_coupler(card)

    def _add_to_coupler(self, card: CardResult) -> None:
        coupler = self._couplers.setdefault(card.coupler or "-", CouplerCount())
        coupler.cards += 1
        coupler.timed += card.milliseconds is not None
        coupler.milliseconds += card.milliseconds or 0
        coupler.good += card.verdict is Verdict.GOOD
        coupler.rejected += card.verdict in {Verdict.REJECTED, Verdict.SCRAPPED}

    @property
    def cards(self) -> int:
        """Cards counted."""
        return self.verdicts.total()

    @property
    def good(self) -> int:
        """Cards with the verdict GOOD."""
        return self.verdicts[Verdict.GOOD]

    @property
    def rejected(self) -> int:
        """Cards rejected, scrapped ones included."""
        return self.verdicts[Verdict.REJECTED] + self.verdicts[Verdict.SCRAPPED]

    @property
    def yield_rate(self) -> float | None:
        """Good / (good + rejected), None while no card has either verdict."""
        judged = self.good + self.rejected
        return self.good / judged if judged else None

    def percentile_seconds(self, percent: float) -> float | None:
        """Card time that `percent` of the timed cards do not exceed (nearest rank), None if there are none."""
        if not self._milliseconds:
            return None
        ordered = sorted(self._milliseconds)
        rank = max(1, math.ceil(percent / 100 * len(ordered)))
        return ordered[rank - 1] / 1000

    def reject_pareto(self) -> list[ParetoRow]:
        """Codes of all cards that are not good, the most frequent first; name is (code, class)."""
        return list(_pareto(self._codes, lambda key: key))

    def place_pareto(self) -> list[ParetoRow]:
        """Couplers and classes of all cards that are not good, the most frequent first; name is (coupler, class)."""
        return list(_pareto(self._places, lambda key: key))

    def card_times(self) -> list[TimeBar]:
        """Distribution of the card times: bars of one width, 16 at most, empty ones between others included.

        The last bar takes the slowest hundredth, however slow, where that would make the others thin.
        """
        if not self._milliseconds:
            return []
        lowest, highest = min(self._milliseconds), max(self._milliseconds)
        shown = max(round((self.percentile_seconds(99) or 0) * 1000), lowest)
        width = next((step for step in _TIME_STEPS if shown // step - lowest // step < _MOST_BARS), _TIME_STEPS[-1])
        first, last = lowest // width, min(shown // width, lowest // width + _MOST_BARS - 1)
        counts = Counter(min(time // width, last) for time in self._milliseconds)
        total = len(self._milliseconds)
        ends = [(bar + 1) * width for bar in range(first, last)] + [max((last + 1) * width, highest + 1)]
        return [
            TimeBar(bar * width, end, counts[bar], counts[bar] / total)
            for bar, end in zip(range(first, last + 1), ends, strict=True)
        ]

    def rule_pareto(self) -> list[tuple[str, ParetoRow]]:
        """Rules by the number of cards they were found on, the most frequent first: weight, and name (rule, clause)."""
        rows = _pareto(self._rules, lambda key: (key[0], key[2]))
        weights = (key[1] for key, _ in _most_frequent_first(self._rules))
        return list(zip(weights, rows, strict=True))

    def couplers(self) -> list[CouplerRow]:
        """One row per coupler, by name."""
        judged = self.good + self.rejected
        rate = self.rejected / judged if judged else 0.0
        return [_coupler_row(name, self._couplers[name], rate) for name in sorted(self._couplers)]


def _one_per_rule(findings: tuple[Finding, ...]) -> Iterator[Finding]:
    """A rule that finds ten files wrong on one card is still one card with that rule."""
    seen: set[tuple[str, str]] = set()
    for finding in findings:
        key = (finding.rule, weight(finding))
        if key not in seen:
            seen.add(key)
            yield finding


def _most_frequent_first(tallies: dict[_Key, Tally]) -> list[tuple[_Key, Tally]]:
    return sorted(tallies.items(), key=lambda item: (-item[1].count, str(item[0])))


def _pareto(tallies: dict[_Key, Tally], name: Callable[[_Key], tuple[str, str]]) -> Iterator[ParetoRow]:
    total = sum(tally.count for tally in tallies.values())
    running = 0
    for key, tally in _most_frequent_first(tallies):
        running += tally.count
        yield ParetoRow(name(key), tally.count, tally.count / total, running / total, tuple(tally.rows))


def _coupler_row(name: str, count: CouplerCount, rate: float) -> CouplerRow:
    judged = count.judged
    band = 3 * math.sqrt(rate * (1 - rate) / judged) if judged else 0.0
    return CouplerRow(
        name=name,
        cards=count.cards,
        good=count.good,
        rejected=count.rejected,
        reject_rate=count.rejected / judged if judged else 0.0,
        upper_limit=rate + band,
        mean_seconds=count.milliseconds / count.timed / 1000 if count.timed else None,
    )

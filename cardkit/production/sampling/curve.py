"""What a plan is worth: how often it accepts a lot, by the lot's share of bad cards (binomial)."""

from __future__ import annotations

import math

from cardkit.production.sampling.plan import Plan

RATES_PERCENT = (0.01, 0.05, 0.1, 0.5, 1.0, 2.0, 5.0)
_TOLD_PERCENT = 0.1
CONFIDENCE = 0.95


def acceptance(n: int, ac: int, rate: float) -> float:
    """Return the probability that a sample of `n` has `ac` bad cards or fewer.

    :param rate: share of bad cards in the lot, 0 to 1.

    >>> round(acceptance(200, 0, 0.001), 3)
    0.819
    """
    return min(1.0, math.fsum(_exactly(n, bad, rate) for bad in range(min(ac, n) + 1)))


def _exactly(n: int, bad: int, rate: float) -> float:
    return math.comb(n, bad) * rate**bad * (1 - rate) ** (n - bad)


def operating_characteristic(plan: Plan) -> list[tuple[float, float]]:
    """Return the curve of a plan: share of bad cards and probability that the lot is accepted, both in per cent.

    :returns: nothing where every card is looked at: that is no sample.
    """
    if plan.whole:
        return []
    return [(percent, 100 * acceptance(plan.n, plan.ac, percent / 100)) for percent in RATES_PERCENT]


def cards_to_see(rate: float, confidence: float = CONFIDENCE) -> int:
    """Return how many cards must be looked at to see a bad one.

    :param rate: share of bad cards, between 0 and 1.  :param confidence: how often one is seen, between 0 and 1.
    """
    return math.ceil(math.log(1 - confidence) / math.log(1 - rate))


def honest_sentence(plan: Plan) -> str:
    """Say what an accepted lot may still hold."""
    if plan.whole:
        return "with this plan every card of the lot is looked at"
    percent = 100 * acceptance(plan.n, plan.ac, _TOLD_PERCENT / 100)
    return f"with this plan a lot with {_TOLD_PERCENT} % bad cards is accepted {percent:.1f} % of the time"

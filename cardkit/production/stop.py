"""Stop rules: when a coupler, the station or the batch must stop. production.md 12"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from enum import Enum


class Kind(Enum):
    """What a card's end means to the rules."""

    GOOD = "G"
    REJECT = "R"
    CONTACT = "C"
    DATA = "D"
    SECURITY = "S"


@dataclass(frozen=True, slots=True)
class StopParameters:
    """Limits of a product.

    :param coupler_consecutive: rejects in a row on one coupler, contact included.
    :param station_consecutive: rejects in a row on the station, contact not counted.
    :param window: cards the yield is taken over.  :param window_min: judged from this many on.
    :param yield_min: lowest share of good cards.  :param data_rejects: so many hold the batch.
    """

    coupler_consecutive: int = 3
    station_consecutive: int = 5
    window: int = 200
    window_min: int = 50
    yield_min: float = 0.97
    data_rejects: int = 2


@dataclass(frozen=True, slots=True)
class Stop:
    """Who stops (``coupler N``, ``station``, ``batch``), by which rule, and why in words."""

    scope: str
    rule: str
    why: str


class StopRules:
    """Watches the verdicts of one station in the order they come."""

    def __init__(self, parameters: StopParameters | None = None) -> None:
        self.parameters = parameters or StopParameters()
        self._by_coupler: dict[int, int] = {}
        self._on_station = 0
        self._data = 0
        self._window: deque[bool] = deque(maxlen=self.parameters.window)

    def judge(self, kind: Kind, coupler: int) -> Stop | None:
        """Take one verdict; say what must stop, the widest first."""
        self._count(kind, coupler)
        return self._batch(kind) or self._station(kind) or self._coupler(kind, coupler)

    def _count(self, kind: Kind, coupler: int) -> None:
        good = kind is Kind.GOOD
        self._by_coupler[coupler] = 0 if good else self._by_coupler.get(coupler, 0) + 1
        if kind is Kind.CONTACT:
            return
        self._on_station = 0 if good else self._on_station + 1
        self._data += kind is Kind.DATA
        self._window.append(good)

    def _batch(self, kind: Kind) -> Stop | None:
        if kind is Kind.SECURITY:
            return Stop("batch", "security", "a security reject stops the whole batch")
        if kind is Kind.DATA and self._data >= self.parameters.data_rejects:
            return Stop("batch", "data", f"{self._data} data rejects: the order or the profile is wrong")
        return None

    def _station(self, kind: Kind) -> Stop | None:
        if kind is Kind.CONTACT:
            return None
        if self._on_station >= self.parameters.station_consecutive:
            return Stop("station", "station_consecutive", f"{self._on_station} rejects in a row")
        good = self.current_yield
        if len(self._window) >= self.parameters.window_min and good < self.parameters.yield_min:
            return Stop("station", "yield", f"yield {good:.1%} over the last {len(self._window)} cards")
        return None

    def _coupler(self, kind: Kind, coupler: int) -> Stop | None:
        count = self._by_coupler[coupler]
        if kind is Kind.GOOD or count < self.parameters.coupler_consecutive:
            return None
        return Stop(f"coupler {coupler}", "coupler_consecutive", f"{count} rejects in a row")

    @property
    def current_yield(self) -> float:
        """Share of good cards in the window, 1.0 while it is empty."""
        return sum(self._window) / len(self._window) if self._window else 1.0

"""The shop floor: what the handler says moves couplers, and what couplers say becomes results. production.md 16"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from cardkit.errors import EncodingError
from cardkit.production import events
from cardkit.production.couplers.exchange import Exchange
from cardkit.production.seat import Build, Coupler
from cardkit.production.station.handled import HandledCoupler
from cardkit.production.station.messages import Result
from cardkit.production.station.protocol import GOOD, HOLD, IN_DOUBT, REJECT, RETRY, StationProtocol
from cardkit.production.station.turns import (
    Alarm,
    Began,
    Coming,
    Effect,
    HandlerStopped,
    Left,
    Start,
    Turn,
)

log = logging.getLogger(__name__)

REFEEDS = 1
"""How often a blank card whose contacts failed is seated again. production.md 12"""

NO_RECORD, UNTOUCHED = "NO_RECORD", "UNTOUCHED"
VERDICTS: Mapping[str, tuple[str, str]] = {
    "GOOD": (GOOD, GOOD),
    "REJECTED": (REJECT, REJECT),
    "BLANK_REJECT": (REJECT, REJECT),
    "IN_DOUBT": (IN_DOUBT, HOLD),
}

Step = Callable[[StationProtocol, float], Turn]
"""Something said to the protocol, at a time."""


@dataclass(frozen=True, slots=True)
class Order:
    """What is made now: batch, and digest of its profile in hex."""

    batch: str
    profile_sha256: str


class ShopFloor:
    """Joins the slots of a handler with the couplers of a station.

    :param names: of the couplers, in order.  :param bins: the handler's numbers.
    :param post: takes a step to the thread that owns the protocol; :meth:`act` is called there.
    :param order_of: says what a batch is.  :param alarmed: makes an alarm durable.
    """

    def __init__(
        self,
        names: Sequence[str],
        bins: Mapping[str, int],
        post: Callable[[Step], None],
        order_of: Callable[[str], Order],
        alarmed: Callable[[Alarm], None],
    ) -> None:
        self._numbers = {name: number for number, name in enumerate(names, 1)}
        if len(self._numbers) != len(names):
            raise EncodingError(f"readers: one is named twice, expected a reader for each slot: {', '.join(names)}")
        missing = {GOOD, REJECT, HOLD} - bins.keys()
        if missing:
            raise EncodingError(f"bins: no number for {', '.join(sorted(missing))}")
        self._bins = bins
        self._post = post
        self._order_of = order_of
        self._alarmed = alarmed
        self._couplers: dict[int, HandledCoupler] = {}
        self._started: dict[int, float] = {}
        self._order: Order | None = None

    # Towards the couplers.

    def handling(self, build: Build) -> Build:
        """Return what makes couplers that wait for the handler."""

        def handled(number: int, exchange: Exchange, taken: int) -> Coupler:
            coupler = HandledCoupler(number, exchange, self, REFEEDS).around(build, taken)
            self._couplers[number] = coupler
            return coupler

        return handled

    def record_ready(self, number: int) -> None:
        """Let a card be moved into a slot."""
        self._post(lambda protocol, now: protocol.feed(now, slots=[number]))

    def seat_again(self, number: int, code: str) -> None:
        """Have a card seated again."""
        self._say(number, RETRY, REJECT, code)

    def told(self, event: events.Event) -> None:
        """Take what a run reports, in the thread that runs it."""
        match event:
            case events.BatchStarted(batch=batch):
                self._order = self._order_of(batch)
                self._post(self._job)
            case events.CardDone():
                self._card_done(event)
            case events.WorkerRestarted(coupler=name) | events.CouplerStopped(coupler=name):
                self._say(self._numbers[name], HOLD, HOLD, UNTOUCHED)
            case events.BatchDone(stopped=stopped):
                for number in self._numbers.values():
                    self._say(number, HOLD, HOLD, UNTOUCHED)
                if stopped is not None:
                    self._post(lambda protocol, now: protocol.stop(stopped.rule.upper(), now))
            case _:
                pass

    def _card_done(self, card: events.CardDone) -> None:
        verdict, bin_name = VERDICTS[card.verdict]
        if card.code == "STORE":
            verdict = HOLD
        self._say(self._numbers[card.coupler], verdict, bin_name, card.code, card.chip_ref or None)

    def _say(self, slot: int, verdict: str, bin_name: str, code: str | None, chip_ref: str | None = None) -> None:
        """Say how a card ended, where its slot waits for that."""

        def step(protocol: StationProtocol, now: float) -> Turn:
            ms = round((now - self._started.get(slot, now)) * 1000)
            said = Result(slot=slot, verdict=verdict, bin=bin_name, ms=ms, code=code, chip_ref=chip_ref)
            return protocol.result(said, now)

        self._post(step)

    def _job(self, protocol: StationProtocol, now: float) -> Turn:
        if self._order is None:
            return Turn()
        return protocol.job(self._order.batch, self._order.profile_sha256, self._bins, now)

    # From the handler.

    def act(self, effect: Effect, now: float) -> None:
        """Do what follows from something the handler said, in the thread that owns the protocol."""
        match effect:
            case Began(machine):
                log.info("handler %s begins", machine)
                self._begin()
            case Coming(slot, card_ref):
                log.debug("slot %d: card %s comes", slot, card_ref or "without a number")
            case Start(slot):
                self._start(slot, now)
            case Left(slot):
                self._of(slot, HandledCoupler.given_up)
            case Alarm():
                self._alarm(effect)
            case HandlerStopped(why):
                self._halt("handler", f"the handler stopped: {why}")

    def _begin(self) -> None:
        self._post(self._job)
        for number, coupler in self._couplers.items():
            if coupler.has_record:
                self.record_ready(number)

    def _start(self, slot: int, now: float) -> None:
        self._started[slot] = now
        coupler = self._couplers.get(slot)
        if coupler is None or not coupler.go():
            self._say(slot, HOLD, HOLD, NO_RECORD)

    def _alarm(self, alarm: Alarm) -> None:
        if alarm.in_work:
            self._of(alarm.slot, HandledCoupler.taken_away)
        log.warning("handler: %s", alarm.why)
        self._halt(alarm.code.lower(), alarm.why)
        self._alarmed(alarm)

    def _halt(self, rule: str, why: str) -> None:
        for coupler in list(self._couplers.values())[:1]:
            coupler.halt(rule, why)

    def _of(self, slot: int, step: Callable[[HandledCoupler], None]) -> None:
        coupler = self._couplers.get(slot)
        if coupler is not None:
            step(coupler)

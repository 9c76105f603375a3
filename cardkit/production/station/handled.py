"""A coupler whose cards a handler brings: it starts with GO, and learns when its card is taken. production.md 16"""

from __future__ import annotations

import threading
from typing import Protocol

from cardkit.production.couplers import messages
from cardkit.production.couplers.exchange import Exchange
from cardkit.production.couplers.messages import Answer, Ended, Lost, Order, Question
from cardkit.production.seat import Build, Coupler

LEFT = "the card left its slot while it was worked on"


class Floor(Protocol):
    """Where the cards of a coupler lie. Told from the couplers' threads."""

    def record_ready(self, number: int) -> None:
        """A record waits for a card in this slot."""
        ...

    def seat_again(self, number: int, code: str) -> None:
        """The contacts of the card in this slot failed, and nothing was written.

        :param code: how, by production.md 12.
        """
        ...


class HandledCoupler:
    """Stands between the supervisor and a coupler: keeps the record until GO, and speaks up for a card that left.

    :param refeeds: how often a blank card whose contacts fail is seated again.
    """

    def __init__(self, number: int, exchange: Exchange, floor: Floor, refeeds: int) -> None:
        self._number = number
        self._exchange = exchange
        self._floor = floor
        self._refeeds = self._left_refeeds = refeeds
        self._lock = threading.Lock()
        self._held: messages.Take | None = None
        self._begun: messages.Take | None = None
        self._failed: Lost | None = None
        self._gone = False
        self._inner: Coupler

    def around(self, build: Build, taken: int) -> HandledCoupler:
        """Make the coupler itself."""
        self._inner = build(self._number, self, taken)
        return self

    # As the supervisor sees it.

    @property
    def overdue(self) -> str | None:
        """The command whose deadline has passed, in words."""
        return self._inner.overdue

    def start(self) -> None:
        """Begin."""
        self._inner.start()

    def send(self, order: Order) -> None:
        """Give an order; a record waits here for its card."""
        if isinstance(order, messages.Take):
            with self._lock:
                self._held, self._failed = order, None
                self._left_refeeds = self._refeeds
            self._floor.record_ready(self._number)
            return
        if isinstance(order, messages.Finish):
            with self._lock:
                waited, self._held = self._held is not None, None
            if waited:
                self._exchange.put(self._number, messages.Empty())
        self._inner.send(order)

    def kill(self) -> None:
        """End it at once."""
        self._inner.kill()

    def join(self, timeout_s: float) -> bool:
        """Wait for its end; whether it ended."""
        return self._inner.join(timeout_s)

    # As the handler sees it.

    @property
    def has_record(self) -> bool:
        """Whether a record waits for a card here."""
        return self._held is not None

    def go(self) -> bool:
        """Start on the card in the slot; False where there is no record for it."""
        with self._lock:
            take, self._held = self._held, None
            if take is None:
                return False
            self._begun, self._failed, self._gone = take, None, False
            self._inner.send(take)
        return True

    def taken_away(self) -> None:
        """The card left while it was worked on: what becomes of it now is in doubt."""
        self._gone = True

    def given_up(self) -> None:
        """The card that was to be seated again left instead."""
        with self._lock:
            failed, self._failed = self._failed, None
            if failed is not None:
                self._held = None
        if failed is not None:
            self._exchange.put(self._number, failed)

    # As the coupler itself sees it.

    def put(self, coupler: int, answer: Answer) -> None:
        """Take an answer and pass it on, unless the card gets another chance."""
        if self._gone and isinstance(answer, Ended | Lost) and answer.bound:
            answer = Lost("EJECT_WITHOUT_RESULT", "handler", LEFT, bound=True, chip=answer.chip)
        if isinstance(answer, Lost) and self._seats_again(answer):
            self._floor.seat_again(coupler, answer.code)
            return
        self._exchange.put(coupler, answer)

    def ask(self, coupler: int, question: Question) -> str | None:
        """Make something durable; nothing more for a card that left."""
        if self._gone and not isinstance(question, messages.Unknown):
            return LEFT
        return self._exchange.ask(coupler, question)

    def _seats_again(self, lost: Lost) -> bool:
        with self._lock:
            if lost.bound or lost.reject_class != "contact" or self._gone or not self._left_refeeds:
                return False
            self._left_refeeds -= 1
            self._held, self._failed = self._begun, lost
            return True

    def halt(self, rule: str, why: str) -> None:
        """Have the station stopped."""
        self._exchange.put(self._number, messages.Halt(rule, why))

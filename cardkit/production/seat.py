"""One coupler as the supervisor sees it, and the record it works on."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Protocol

from cardkit.production.books import Post
from cardkit.production.couplers import messages
from cardkit.production.couplers.exchange import Exchange
from cardkit.production.couplers.messages import Answer, Order, Question
from cardkit.production.store.station import Claim

END_TIMEOUT_S = 10.0
RESTARTS_PER_HOUR = 3
HOUR_S = 3600.0


class Coupler(Protocol):
    """What a coupler in a thread and one in a process have in common."""

    @property
    def overdue(self) -> str | None:
        """The command whose deadline has passed, in words."""
        ...

    def start(self) -> None:
        """Begin; the first answer is Ready or Broken."""
        ...

    def send(self, order: Order) -> None:
        """Give an order."""
        ...

    def kill(self) -> None:
        """End it at once, where that is possible."""
        ...

    def join(self, timeout_s: float) -> bool:
        """Wait for its end; whether it ended."""
        ...


Build = Callable[[int, Exchange, int], Coupler]
"""Makes the coupler of a number, which talks to this exchange and took so many cards before."""


@dataclass(frozen=True, slots=True)
class Job:
    """One record, leased and opened.

    :param work: packed :class:`messages.Work`.
    """

    claim: Claim
    work: bytes = field(repr=False)


class Seat:
    """A coupler's place: what it works on, whether it goes on, how often it had to be restarted.

    :ivar job: the record it has, None between cards.  :ivar chip: of the card that is bound, None before.
    :ivar open: it may still answer.  :ivar ready: it waits for an order.
    :ivar finishing: it was told to take no more cards.
    """

    def __init__(self, number: int, name: str, build: Build, exchange: Exchange) -> None:
        self.number = number
        self.name = name
        self.job: Job | None = None
        self.chip: str | None = None
        self.open = True
        self.ready = False
        self._build = build
        self._exchange = exchange
        self._taken = 0
        self.finishing = False
        self._overdue: str | None = None
        self._restarts: deque[float] = deque()
        self._coupler = build(number, exchange, 0)

    def start(self) -> None:
        """Start the coupler."""
        self._coupler.start()

    def take(self, job: Job) -> None:
        """Give the coupler a record for its next card."""
        self.job, self.chip, self.ready = job, None, False
        self._taken += 1
        self._coupler.send(messages.Take(job.work))

    def send(self, order: Order) -> None:
        """Pass an order on."""
        self._coupler.send(order)

    def finish(self) -> None:
        """Let it end: at once if it waits for a card, else after the card it works on."""
        if not self.finishing:
            self.finishing = True
            self._coupler.send(messages.Finish())

    def close(self) -> Job | None:
        """Expect no more answers; return the record it waited with."""
        self.open = False
        self.finish()
        return self.leave()

    def leave(self) -> Job | None:
        """Take its record away."""
        job, self.job, self.chip = self.job, None, None
        return job

    def end(self) -> None:
        """Wait for the coupler's end, by force where it does not come."""
        if not self._coupler.join(0.0 if self.open else END_TIMEOUT_S):
            self._coupler.kill()
            self._coupler.join(END_TIMEOUT_S)

    def kill_overdue(self) -> str | None:
        """Return the command whose deadline has passed, once; :meth:`kill` comes next."""
        overdue = self._coupler.overdue if self.open and self._overdue is None else None
        self._overdue = overdue or self._overdue
        return overdue

    def kill(self) -> None:
        """End the coupler; its pipe will say Gone."""
        self._coupler.kill()

    def restart(self) -> bool:
        """Put a new coupler in the place of one that ended; False when it has ended too often."""
        now = time.monotonic()
        while self._restarts and self._restarts[0] < now - HOUR_S:
            self._restarts.popleft()
        self._restarts.append(now)
        self._coupler.join(END_TIMEOUT_S)
        self._overdue = None
        self.ready = False
        if len(self._restarts) >= RESTARTS_PER_HOUR:
            return False
        self._coupler = self._build(self.number, self._exchange, self._taken)
        self._coupler.start()
        return True

    def post(self, said: Answer | Question) -> Post | None:
        """Return what must be made durable of something said; None where it concerns no record."""
        job = self.job
        if job is None:
            return None
        lost = self._lost(said) if isinstance(said, messages.Gone | messages.Broken) else said
        if isinstance(lost, messages.Question | messages.Ended | messages.Lost):
            return Post(self.number, job.claim, lost)
        return None

    def _lost(self, answer: messages.Gone | messages.Broken) -> messages.Lost | None:
        """Say what the end of a coupler means for its card; None where nothing was written and nothing is known."""
        bound = self.chip is not None
        if isinstance(answer, messages.Gone) and self._overdue is not None:
            return messages.Lost("LINK_TIMEOUT", "contact", f"{self._overdue}: no answer", bound, self.chip)
        text = answer.why if isinstance(answer, messages.Gone) else answer.text
        return messages.Lost("INTERNAL", "software", text, bound, self.chip) if bound else None

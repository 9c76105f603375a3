"""A coupler inside the supervisor's process, in a thread: virtual cards, or one reader."""

from __future__ import annotations

import threading
from queue import SimpleQueue

from cardkit.errors import CardkitError
from cardkit.production.couplers import messages
from cardkit.production.couplers.bench import BenchFactory, BenchSpec
from cardkit.production.couplers.exchange import Exchange
from cardkit.production.couplers.loop import serve
from cardkit.production.couplers.messages import Answer, Order, Question

_MAKING = threading.Lock()
"""One bench is made at a time: the profile is read once for all, and msgspec 0.22 crashes when two threads are the
first to decode a struct."""


class ThreadLink:
    """The thread's side: orders come in a queue, questions are settled in this thread."""

    def __init__(self, number: int, exchange: Exchange) -> None:
        self._number = number
        self._exchange = exchange
        self.orders: SimpleQueue[Order] = SimpleQueue()
        self.ending = False

    def order(self) -> Order:
        """Wait for the next order."""
        return self.orders.get()

    def answer(self, message: Answer) -> None:
        """Leave an answer with the supervisor."""
        self._exchange.put(self._number, message)

    def ask(self, question: Question) -> str | None:
        """Make something durable; why not to go on, or None."""
        return self._exchange.ask(self._number, question)


class ThreadCoupler:
    """Runs a bench in a thread. A mute card blocks it for good: real readers that may be mute belong in processes."""

    overdue: str | None = None

    def __init__(self, number: int, exchange: Exchange, spec: BenchSpec, factory: BenchFactory) -> None:
        self._link = ThreadLink(number, exchange)
        self._thread = threading.Thread(
            target=_run, args=(self._link, spec, factory), name=f"coupler-{number}", daemon=True
        )

    def start(self) -> None:
        """Start the thread; its first answer is Ready, or Broken."""
        self._thread.start()

    def send(self, order: Order) -> None:
        """Give an order."""
        if isinstance(order, messages.Finish):
            self._link.ending = True
        self._link.orders.put(order)

    def kill(self) -> None:
        """Ask the thread to end: nothing ends a thread by force."""
        self.send(messages.Finish())

    def join(self, timeout_s: float) -> bool:
        """Wait for the thread's end; whether it ended."""
        self._thread.join(timeout_s)
        return not self._thread.is_alive()


def _run(link: ThreadLink, spec: BenchSpec, factory: BenchFactory) -> None:
    try:
        with _MAKING:
            bench = factory(spec, None)
        serve(link, bench)
    except CardkitError as error:
        link.answer(messages.Broken(str(error)))

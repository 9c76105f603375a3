"""The loop every coupler runs, whatever it runs in: obey an order, ask before what must be durable, answer."""

from __future__ import annotations

import logging
from typing import Protocol, assert_never

from cardkit.desired import BindEvent, DoneEvent, Event, IntentEvent, KeysEvent, UnknownEvent
from cardkit.errors import (
    AccessDeniedError,
    CardError,
    CardkitError,
    CardMuteError,
    CardRemovedError,
    ContextLimitError,
    FencedError,
    LinkTimeoutError,
    NoCardError,
    NoReaderError,
    ReaderBusyError,
    ReaderGoneError,
    ServiceDownError,
    TransportError,
)
from cardkit.production.couplers import messages
from cardkit.production.couplers.bench import Bench
from cardkit.production.couplers.messages import Answer, Order, Question

log = logging.getLogger(__name__)

REPOWERS = 2

# production.md 12, class contact
CONTACT_CODES: dict[type[TransportError], str] = {
    CardMuteError: "MUTE",
    LinkTimeoutError: "LINK_TIMEOUT",
    CardRemovedError: "REMOVED",
    NoCardError: "NO_CARD",
}
READER_ERRORS = (
    AccessDeniedError,
    ContextLimitError,
    NoReaderError,
    ReaderBusyError,
    ReaderGoneError,
    ServiceDownError,
)


class Link(Protocol):
    """A coupler's side of its line to the supervisor. EOFError where the supervisor is gone."""

    def order(self) -> Order:
        """Wait for the next order."""
        ...

    def answer(self, message: Answer) -> None:
        """Say something."""
        ...

    def ask(self, question: Question) -> str | None:
        """Wait until something is durable; why the coupler must stop before its next command, or None."""
        ...

    @property
    def ending(self) -> bool:
        """Whether the supervisor wants no more cards."""
        ...


class _Listener:
    """Asks the supervisor before each event that must be durable."""

    def __init__(self, link: Link) -> None:
        self._link = link
        self.chip: str | None = None
        self.bound = False

    def __call__(self, event: Event) -> None:
        match event:
            case BindEvent(chip_id, key_ref, tries, keys):
                self.chip = chip_id
                self._ask(messages.Bind(chip_id, key_ref, tries, dict(keys)))
                self.bound = True
            case KeysEvent(keys):
                assert self.chip is not None  # it follows a bind
                self._ask(messages.Keys(self.chip, dict(keys)))
            case IntentEvent(step, key_ref, tries):
                self._ask(messages.Intent(step, key_ref, tries))
            case UnknownEvent(step, error):
                self._ask(messages.Unknown(step, error))
            case DoneEvent():
                pass  # the answer that ends the card says it
            case _:
                assert_never(event)

    def _ask(self, question: Question) -> None:
        refused = self._link.ask(question)
        if refused is not None:
            raise FencedError(refused)

    def lost(self, code: str, reject_class: str, error: Exception) -> messages.Lost:
        """Say how far the card got when something broke."""
        return messages.Lost(code, reject_class, str(error), self.bound, self.chip)


def serve(link: Link, bench: Bench) -> None:
    """Obey orders until told to finish."""
    link.answer(messages.Ready())
    try:
        while not isinstance(order := link.order(), messages.Finish):
            link.answer(_obey(order, link, bench, _Listener(link)))
    finally:
        bench.close()


def _obey(order: Order, link: Link, bench: Bench, listener: _Listener) -> Answer:
    try:
        return _work(order, link, bench, listener)
    except EOFError:
        raise
    except CardkitError as error:
        return _failed(error, listener)
    except Exception as error:
        log.exception("coupler: the card is left as it is")
        return listener.lost("INTERNAL", "software", error)


def _failed(error: CardkitError, listener: _Listener) -> Answer:
    match error:
        case FencedError():
            return listener.lost("REFUSED", "software", error)
        case TransportError() if listener.bound or not isinstance(error, READER_ERRORS):
            return listener.lost(CONTACT_CODES.get(type(error), "CONTACT"), "contact", error)
        case CardError():
            return listener.lost("CARD_TYPE", "card type", error)
        case _ if listener.bound:
            return listener.lost("INTERNAL", "software", error)
    return messages.Broken(str(error))


def _work(order: Order, link: Link, bench: Bench, listener: _Listener) -> Answer:
    match order:
        case messages.Take(work):
            if not bench.place(lambda: link.ending):
                return messages.Empty()
            return _make_fresh(messages.decode_work(work), bench, listener)
        case messages.Look():
            return bench.look() if bench.place(lambda: link.ending) else messages.Empty()
        case messages.Resume(work):
            return bench.make(messages.decode_work(work), listener, resume=True)
        case messages.Prove(work):
            return bench.prove(messages.decode_work(work))
        case messages.Return():
            bench.remove()
            return messages.Ready()
        case _:
            raise FencedError(f"unexpected order {type(order).__name__}")


def _make_fresh(work: messages.Work, bench: Bench, listener: _Listener) -> Answer:
    """Make a card; where its contacts fail before anything was written, power it again first."""
    for _ in range(REPOWERS):
        try:
            return bench.make(work, listener, resume=False)
        except TransportError as error:
            if listener.bound or isinstance(error, READER_ERRORS):
                raise
            bench.repower()
    return bench.make(work, listener, resume=False)

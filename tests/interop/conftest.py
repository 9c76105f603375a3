"""Every PC/SC call of this process goes to a private stack, whatever test makes it first."""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Callable, Iterator

import pytest

from cardkit.errors import TransportError
from cardkit.transport.presence import ReaderState, list_readers
from tests.interop.rawcard import RawCard, Respond, atr, done
from tests.interop.stack import HOME, SOCKET, Stack, require_stack, running

os.environ["PCSCLITE_CSOCK_NAME"] = str(SOCKET)

PRESENT_WITHIN_S = 60.0


@pytest.fixture(scope="session", autouse=True)
def _clean_home() -> Iterator[None]:
    require_stack()
    yield
    shutil.rmtree(HOME, ignore_errors=True)


@pytest.fixture(scope="module")
def stack() -> Iterator[Stack]:
    """Two readers for the tests of a module."""
    with running() as private:
        list_readers()
        yield private


class Slots:
    """Puts cards into the readers of a stack and waits until the service has noticed."""

    def __init__(self, stack: Stack) -> None:
        self.stack = stack
        self.cards: dict[int, RawCard] = {}

    def insert(self, slot: int = 0, marker: str = "CARD", respond: Respond = done, **options: object) -> RawCard:
        """Put a card into a slot; ``protocols`` or a whole ``answer_to_reset`` make another ATR."""
        protocols = options.pop("protocols", (1,))
        answer = options.pop("answer_to_reset", None) or atr(marker, protocols)
        self.cards[slot] = RawCard(self.stack.connect(slot), answer, respond, **options)
        self.wait(slot, lambda state: state.present)
        return self.cards[slot]

    def eject(self, slot: int = 0) -> None:
        """Take the card out and wait for the event counter, not for the flag."""
        before = self.state(slot).counter
        self.cards.pop(slot).eject()
        self.wait(slot, lambda state: state.counter != before)

    def state(self, slot: int = 0) -> ReaderState:
        return list_readers()[slot]

    def wait(self, slot: int, condition: Callable[[ReaderState], bool]) -> ReaderState:
        deadline = time.monotonic() + PRESENT_WITHIN_S
        while True:
            state = self.state(slot)
            if condition(state):
                return state
            assert time.monotonic() < deadline, f"{state}\n{self.stack.log()[-2000:]}"
            time.sleep(0.01)

    def clear(self) -> None:
        for slot in list(self.cards):
            try:
                self.eject(slot)
            except (TransportError, AssertionError):
                self.cards.pop(slot, None)


@pytest.fixture
def slots(stack: Stack) -> Iterator[Slots]:
    """The module's stack with empty readers, emptied again afterwards."""
    private = Slots(stack)
    yield private
    private.clear()

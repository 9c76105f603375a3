"""Sixteen readers is what one pcscd serves: all of them, in the order of their entries, and no seventeenth."""

from __future__ import annotations

import time

import pytest

from cardkit.transport.presence import ReaderState, list_readers
from tests.interop.rawcard import RawCard, atr
from tests.interop.stack import Stack, running

pytestmark = pytest.mark.interop

LIMIT = 16


def wait_until_full(stack: Stack, cards: int) -> list[ReaderState]:
    deadline = time.monotonic() + 5
    while sum(state.present for state in list_readers()) < cards:
        assert time.monotonic() < deadline, stack.log()[-2000:]
        time.sleep(0.02)
    return list_readers()


def test_sixteen_readers_come_in_order_with_their_cards():
    with running(LIMIT) as stack:
        cards = [RawCard(stack.connect(slot), atr(f"SLOT{slot:02}")) for slot in range(LIMIT)]
        states = wait_until_full(stack, LIMIT)
        for card in cards:
            card.eject()
    assert [state.name for state in states] == stack.names
    assert [state.atr for state in states] == [atr(f"SLOT{slot:02}") for slot in range(LIMIT)]


def test_a_seventeenth_reader_is_silently_absent():
    with running(LIMIT + 2) as stack:
        found = [state.name for state in list_readers()]
    assert found == stack.names[:LIMIT]


def test_a_stack_without_entries_has_no_reader():
    with running(0):
        assert list_readers() == []

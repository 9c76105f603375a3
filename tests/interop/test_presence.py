"""Insertions and removals are counted; a feeder gives each card once; waiting outlives a restarted service."""

from __future__ import annotations

import threading
import time

import pytest

from cardkit.errors import CardChangedError, NoCardError, ReaderGoneError, ServiceDownError
from cardkit.target import Card, Feeder, open_card
from cardkit.transport.presence import ReaderState, StateFlag, wait_for_card
from tests.interop.rawcard import atr

pytestmark = pytest.mark.interop

COMMAND = bytes.fromhex("00A40000")


def test_each_insertion_and_each_removal_counts_one(slots):
    start = slots.state().counter
    for step in (1, 3):
        slots.insert(marker="COUNTED")
        state = slots.state()
        assert (state.counter - start, state.present, state.atr) == (step, True, atr("COUNTED"))
        slots.eject()
        state = slots.state()
        assert (state.counter - start, state.present, state.atr) == (step + 1, False, b"")


def test_a_held_card_is_seen_as_in_use(slots):
    slots.insert()
    with open_card("pcsc:0"):
        assert slots.state().flags & StateFlag.EXCLUSIVE
    assert not slots.state().flags & StateFlag.EXCLUSIVE


@pytest.mark.parametrize("target", ["pcsc:1", "pcsc:CardKit 00 00 01", "pcsc:00 01"])
def test_a_card_is_opened_by_index_name_or_part_of_it(slots, target):
    slots.insert(1, marker="NAMED")
    with open_card(target) as card:
        assert (card.reader, card.atr) == ("CardKit 00 00 01", atr("NAMED"))


def test_a_card_that_moved_is_not_confirmed(slots):
    slots.insert(marker="FIRST")
    with open_card("pcsc:0") as card:
        card.confirm_presence()
        slots.eject()
        slots.insert(marker="FIRST")
        with pytest.raises(CardChangedError, match="2 card movements"):
            card.confirm_presence()


def test_a_feeder_gives_the_card_that_lies_there_once(slots):
    slots.insert(marker="FIRST")
    feeder = Feeder("pcsc:0")
    with Card(feeder.next_connection(1)) as card:
        assert card.atr == atr("FIRST")
    with pytest.raises(NoCardError, match=r"no new card within 0.2 s"):
        feeder.next_connection(0.2)
    with pytest.raises(NoCardError):
        feeder.next_connection(cancelled=lambda: True)
    swapping = threading.Timer(0.1, lambda: (slots.eject(), slots.insert(marker="SECOND")))
    swapping.start()
    with Card(feeder.next_connection(60)) as card:
        assert card.atr == atr("SECOND")
    swapping.join()


def test_waiting_ends_soon_after_the_card_comes(slots):
    inserting = threading.Timer(0.2, lambda: slots.insert(marker="LATE"))
    inserting.start()
    start = time.monotonic()
    state = wait_for_card(slots.stack.names[0], after=None, timeout_s=60)
    assert state.atr == atr("LATE")
    assert time.monotonic() - start < 24
    inserting.join()


def test_a_wait_for_no_reader_ends_at_once(slots):
    with pytest.raises(ReaderGoneError):
        wait_for_card("No Such Reader", after=None, timeout_s=5)


def test_waiting_outlives_a_restart_of_the_service(slots):
    """After it every card is new, whatever the counter says: it begins again at 0."""
    slots.insert(marker="BEFORE")
    counter = slots.state().counter
    found: list[ReaderState] = []
    waiting = threading.Thread(
        target=lambda: found.append(wait_for_card(slots.stack.names[0], after=counter, timeout_s=40))
    )
    waiting.start()
    time.sleep(0.2)
    slots.stack.restart()
    slots.cards.clear()
    slots.insert(marker="AFTER")
    waiting.join(40)
    assert [state.atr for state in found] == [atr("AFTER")]


def test_waiting_gives_up_with_a_service_that_stays_down(slots):
    slots.stack.stop()
    try:
        with pytest.raises(ServiceDownError):
            wait_for_card(slots.stack.names[0], after=None, timeout_s=0.5)
    finally:
        slots.stack.restart()

"""The stack itself: its readers, in order, in both kinds of isolation."""

from __future__ import annotations

from cardkit.target import open_card
from cardkit.transport.presence import list_readers
from tests.interop.slots import Readers
from tests.interop.pcscd import Stack


def test_sixteen_readers_are_listed_in_order(stack: Stack) -> None:
    assert [state.name for state in list_readers()] == stack.names


def test_a_card_answers_through_the_stack(readers: Readers) -> None:
    inserted = readers.insert("usim")
    with open_card(inserted.target) as card:
        assert card.reader == inserted.reader
        assert card.connection.transmit(bytes.fromhex("00A40004023F00"))[-2] in (0x61, 0x90)

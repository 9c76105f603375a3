"""Testing with cardkit: run it with ``pytest examples/test_virtual_card.py``; the fixtures come with the package."""

from collections.abc import Callable

import pytest

from cardkit.apdu import CommandAPDU
from cardkit.errors import TransportError
from cardkit.target import Card
from cardkit.testing.cards import CardMaker
from cardkit.transport.loopback import CardSeam

SELECT_ICCID = CommandAPDU(0x00, 0xA4, 0x08, 0x0C, bytes.fromhex("2FE2"))


@pytest.mark.card_fault("tear-before", at=2)  # any fault of cardkit.virtual.faults.catalogue(), "status", "slow"
def test_card_leaves_before_the_second_command(virtual_card: CardMaker, reader: Callable[[CardSeam], Card]) -> None:
    """What a program does when a card is pulled out between two commands."""
    with reader(virtual_card("usim")) as card:
        card.channel.require(SELECT_ICCID)
        with pytest.raises(TransportError, match="card left"):
            card.channel.require(CommandAPDU(0x00, 0xB0, 0x00, 0x00, ne=10))

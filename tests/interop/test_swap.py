"""A card replaced by another within one poll: what the reader says, and that our client never mixes the two up.

The second card connects before the first leaves and waits in the driver's backlog: it is the card from the next poll.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator

import pytest

from cardkit.errors import CardChangedError, CardRemovedError, Executed, NoCardError, ReaderBusyError
from cardkit.transport.pcsc import PcscConnection, scard
from tests.interop.conftest import Slots
from tests.interop.rawcard import PulledError, RawCard, atr

pytestmark = pytest.mark.interop

COMMAND = bytes.fromhex("00A40000")
# Two polls and a bit: what has not been noticed by then will not be.
NEVER_S = 1.2


def pull(_: bytes) -> bytes:
    raise PulledError


@pytest.fixture
def queue(slots: Slots) -> Iterator[Callable[[], RawCard]]:
    """Put another card behind the one that lies in reader 0."""
    queued: list[RawCard] = []

    def put() -> RawCard:
        queued.append(RawCard(slots.stack.connect(0), atr("SECOND")))
        return queued[-1]

    yield put
    for card in queued:
        card.eject()


def heal(slots: Slots, second: RawCard) -> PcscConnection:
    """Pull, wait, insert: the only way out of a reader that has gone blind."""
    second.eject()
    time.sleep(NEVER_S)
    slots.cards.pop(0, None)
    slots.insert(marker="THIRD")
    return PcscConnection(slots.stack.names[0])


def test_idle_swap_with_the_handle_kept_is_noticed(slots, queue):
    first = slots.insert(marker="FIRST")
    before = slots.state().counter
    connection = PcscConnection(slots.stack.names[0])
    slots.cards[0] = queue()
    first.eject()
    state = slots.wait(0, lambda state: state.counter == before + 2)
    assert state.atr == atr("SECOND")
    with pytest.raises(CardRemovedError) as caught:
        connection.transmit(COMMAND)
    assert (caught.value.executed, caught.value.hresult) == (Executed.NO, 0x80100069)
    with pytest.raises(CardChangedError):
        connection.confirm_presence()
    connection.close()
    assert slots.cards[0].commands == []


def test_idle_swap_with_the_handle_given_up_blinds_the_reader(slots, queue):
    first = slots.insert(marker="FIRST")
    before = slots.state().counter
    connection = PcscConnection(slots.stack.names[0])
    second = queue()
    first.eject()
    connection.close()
    time.sleep(NEVER_S)
    assert (slots.state().present, slots.state().counter) == (False, before)
    with pytest.raises(NoCardError):
        PcscConnection(slots.stack.names[0])
    healed = heal(slots, second)
    assert healed.atr == atr("THIRD")
    healed.close()


def test_swap_in_mid_command_shows_the_old_card_and_our_handle_refuses(slots, queue):
    slots.insert(marker="FIRST", respond=pull)
    before = slots.state().counter
    connection = PcscConnection(slots.stack.names[0])
    second = queue()
    with pytest.raises(CardRemovedError) as caught:
        connection.transmit(COMMAND)
    assert (caught.value.executed, caught.value.hresult) == (Executed.UNKNOWN, 0)
    time.sleep(NEVER_S)
    assert (slots.state().counter, slots.state().atr) == (before, atr("FIRST"))
    with pytest.raises(CardRemovedError) as caught:
        connection.transmit(COMMAND)
    assert caught.value.executed is Executed.NO
    assert second.commands == []
    # The trap itself: the same handle, used without our guard, talks to the other card.
    hresult, answer = scard().SCardTransmit(connection._card, connection._pci, list(COMMAND))
    assert (hresult, bytes(answer), second.commands) == (0, b"\x90\x00", [COMMAND])
    connection.close()
    heal(slots, second).close()


def test_card_put_in_after_a_handle_lost_in_mid_command_was_given_up_is_never_seen(slots, queue):
    slots.insert(marker="FIRST", respond=pull)
    before = slots.state().counter
    connection = PcscConnection(slots.stack.names[0])
    with pytest.raises(CardRemovedError):
        connection.transmit(COMMAND)
    connection.close()
    second = queue()
    time.sleep(NEVER_S)
    assert (slots.state().present, slots.state().counter) == (False, before)
    healed = heal(slots, second)
    assert healed.atr == atr("THIRD")
    healed.close()


def test_swap_in_mid_command_before_the_handle_is_given_up_shows_the_old_card_until_connected(slots, queue):
    slots.insert(marker="FIRST", respond=pull)
    before = slots.state().counter
    connection = PcscConnection(slots.stack.names[0])
    queue()
    with pytest.raises(CardRemovedError):
        connection.transmit(COMMAND)
    connection.close()
    time.sleep(NEVER_S)
    assert (slots.state().counter, slots.state().atr) == (before, atr("FIRST"))
    connection = PcscConnection(slots.stack.names[0])
    assert connection.atr == atr("SECOND")
    connection.close()


@pytest.mark.parametrize("mid_command", [False, True])
def test_a_card_inserted_after_the_counter_moved_is_a_new_card(slots, mid_command):
    slots.insert(marker="FIRST", respond=pull)
    before = slots.state().counter
    old = PcscConnection(slots.stack.names[0])
    if mid_command:
        with pytest.raises(CardRemovedError):
            old.transmit(COMMAND)
    slots.cards.pop(0).eject()
    slots.wait(0, lambda state: state.counter == before + 1)
    slots.insert(marker="SECOND")
    with pytest.raises(CardRemovedError) as caught:
        old.transmit(COMMAND)
    assert caught.value.executed is Executed.NO
    # Exclusive means exclusive: the dead handle keeps the reader until it is dropped.
    with pytest.raises(ReaderBusyError):
        PcscConnection(slots.stack.names[0])
    old.close()
    new = PcscConnection(slots.stack.names[0])
    assert (new.atr, new.transmit(COMMAND)) == (atr("SECOND"), b"\x90\x00")
    new.close()

"""A card in this process fails as a card in a reader does."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cardkit.errors import (
    BadResponseError,
    CardChangedError,
    CardMuteError,
    CardRemovedError,
    EncodingError,
    Executed,
    LinkTimeoutError,
    TransportError,
)
from cardkit.transport.base import Connection
from cardkit.transport.guard import STATUS_BYTES
from cardkit.transport.loopback import LoopbackConnection

SELECT = bytes.fromhex("00A4000C")


def test_bytes_go_in_and_out(link):
    connection = link(b"\x01\x90\x00")
    assert isinstance(connection, Connection)
    assert connection.transmit(SELECT) == b"\x01\x90\x00"
    assert connection._card.sent == [SELECT]


@pytest.mark.parametrize(
    ("answer", "kind"),
    [
        (b"", CardRemovedError),
        (TimeoutError, LinkTimeoutError),
        (b"\x90", BadResponseError),
        (b"\x00\x00", BadResponseError),
        (b"\x60\x00", BadResponseError),
        (b"\x90\x00\x01\x02", BadResponseError),
    ],
    ids=["gone", "mute", "one-byte", "no-status", "null-byte", "shifted"],
)
def test_an_unknown_outcome_poisons_the_connection(link, answer, kind):
    connection = link(answer, b"\x90\x00")
    with pytest.raises(kind) as caught:
        connection.transmit(SELECT)
    assert caught.value.executed is Executed.UNKNOWN
    assert caught.value.reader == "virtual:test"
    for again in (lambda: connection.transmit(SELECT), lambda: connection.reset(cold=True)):
        with pytest.raises(kind) as caught:
            again()
        assert caught.value.executed is Executed.NO
    assert len(connection._card.sent) == 1


@pytest.mark.parametrize("size", [0, 1, 3, 65_536])
def test_a_command_of_impossible_length_is_not_sent(link, size):
    connection = link(b"\x90\x00")
    with pytest.raises(EncodingError, match=str(size)):
        connection.transmit(bytes(size))
    assert connection.transmit(SELECT) == b"\x90\x00"


def test_a_mute_card_is_not_connected(link):
    with pytest.raises(CardMuteError) as caught:
        link(atr=b"")
    assert (caught.value.executed, caught.value.operation) == (Executed.NO, "connect")


def test_another_atr_at_reset_is_another_card(link):
    connection = link()
    assert connection.reset(cold=True) == b"\x3b\x00"
    connection._card.now = b"\x3b\x01\x02"
    with pytest.raises(CardChangedError, match=r"got ATR 3B0102, expected 3B00"):
        connection.reset(cold=False)
    with pytest.raises(CardChangedError):
        connection.transmit(SELECT)


def test_a_closed_connection_refuses(link):
    connection = link(b"\x90\x00")
    connection.close()
    connection.close()
    with pytest.raises(TransportError, match="closed"):
        connection.transmit(SELECT)


@given(answer=st.binary(max_size=40))
def test_no_answer_gets_through_without_a_possible_status(answer):
    class Card:
        def atr(self) -> bytes:
            return b"\x3b\x00"

        def power(self, cold: bool) -> None:
            pass

        def transmit(self, command: bytes) -> bytes:
            return answer

    connection = LoopbackConnection(Card())
    if len(answer) >= 2 and answer[-2] in STATUS_BYTES:
        assert connection.transmit(SELECT) == answer
    else:
        with pytest.raises(TransportError):
            connection.transmit(SELECT)

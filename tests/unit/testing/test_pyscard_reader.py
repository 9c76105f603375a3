"""Virtual cards inside a program written for pyscard."""

from __future__ import annotations

import pytest

pytest.importorskip("smartcard", reason="pyscard is not installed (extra: pcsc)")

import smartcard.System
from smartcard.CardConnection import CardConnection
from smartcard.CardConnectionObserver import CardConnectionObserver
from smartcard.Exceptions import CardConnectionException, NoCardException
from smartcard.sw.ErrorCheckingChain import ErrorCheckingChain
from smartcard.sw.ISO7816_4ErrorChecker import ISO7816_4ErrorChecker
from smartcard.sw.SWExceptions import CheckingErrorException

from cardkit.testing.pyscard_reader import VirtualReader, only_readers
from cardkit.transport.base import TransmissionProtocol

SELECT_MF = [0x00, 0xA4, 0x00, 0x0C, 0x02, 0x3F, 0x00]


@pytest.fixture
def connection(virtual_card):
    with only_readers(VirtualReader("Virtual 0", virtual_card("usim"))):
        connection = smartcard.System.readers()[0].createConnection()
        connection.connect()
        yield connection
        connection.disconnect()


def test_programs_see_only_the_virtual_readers(virtual_card):
    with only_readers(VirtualReader("Virtual 0"), VirtualReader("Virtual 1")):
        assert [str(reader) for reader in smartcard.System.readers()] == ["Virtual 0", "Virtual 1"]


def test_real_readers_come_back_after_an_error():
    from smartcard.reader.ReaderFactory import ReaderFactory

    before = ReaderFactory.factorymethods
    with pytest.raises(RuntimeError), only_readers(VirtualReader("Virtual 0")):
        raise RuntimeError
    assert ReaderFactory.factorymethods is before


def test_atr_and_answers_are_lists_of_bytes(connection):
    assert bytes(connection.getATR()).hex() == "3b9f968091fe1fc78031a073be21136743565531000001c7"
    assert connection.transmit(SELECT_MF) == ([], 0x90, 0x00)
    assert connection.transmit([0x00, 0xB0, 0x82, 0x00, 0x0A]) == ([0xFF] * 10, 0x90, 0x00)


def test_observers_and_error_checking_work(connection):
    seen = []

    class Observer(CardConnectionObserver):
        def update(self, cardconnection, cardconnectionevent):
            seen.append(cardconnectionevent.type)

    connection.addObserver(Observer())
    connection.setErrorCheckingChain([ErrorCheckingChain([], ISO7816_4ErrorChecker())])
    connection.transmit(SELECT_MF)
    assert seen == ["command", "response"]
    with pytest.raises(CheckingErrorException):
        connection.transmit([0x00, 0xA4, 0x00, 0x0C, 0x02, 0x12, 0x34])


def test_an_empty_reader_has_no_card():
    with pytest.raises(NoCardException) as caught:
        VirtualReader("Virtual 0").createConnection().connect()
    assert caught.value.hresult == 0x8010000C


def test_a_protocol_the_card_does_not_speak_is_refused(virtual_card):
    reader = VirtualReader("Virtual 0", virtual_card("usim", protocol=0), TransmissionProtocol.T0)
    with pytest.raises(CardConnectionException) as caught:
        reader.createConnection().connect(CardConnection.T1_protocol)
    assert caught.value.hresult == 0x8010000F


@pytest.mark.parametrize("command", [[0x00, 0xA4], [256, 0, 0, 0], [0] * 65_536], ids=["short", "no byte", "too long"])
def test_what_is_no_command_is_refused_and_the_card_stays(connection, command):
    with pytest.raises(CardConnectionException):
        connection.transmit(command)
    assert connection.transmit(SELECT_MF) == ([], 0x90, 0x00)


@pytest.mark.card_fault("tear-before", at=1)
def test_a_card_torn_out_is_a_connection_error(connection):
    with pytest.raises(CardConnectionException):
        connection.transmit(SELECT_MF)


def test_a_closed_connection_says_so(connection):
    connection.disconnect()
    with pytest.raises(CardConnectionException, match="not connected"):
        connection.transmit(SELECT_MF)

"""Virtual cards inside other people's pyscard programs, without a PC/SC service.

Everything that asks ``smartcard.System.readers()`` sees these readers and no others, so that a test never touches a
card on the desk by accident; programs that call ``smartcard.scard`` directly do not see them.

>>> from cardkit.testing.pyscard_reader import VirtualReader, only_readers
>>> with only_readers(VirtualReader("Virtual 0", card)):          # doctest: +SKIP
...     connection = smartcard.System.readers()[0].createConnection()
...     connection.connect()
...     connection.transmit([0x00, 0xA4, 0x00, 0x04, 0x02, 0x3F, 0x00])
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from smartcard.CardConnection import CardConnection
from smartcard.Exceptions import CardConnectionException, NoCardException
from smartcard.reader.Reader import Reader
from smartcard.reader.ReaderFactory import ReaderFactory

from cardkit.errors import EncodingError, NoCardError, TransportError
from cardkit.transport.base import TransmissionProtocol
from cardkit.transport.loopback import CardSeam, LoopbackConnection

# PC/SC result codes (pcsc-lite pcsclite.h), for programs that look at them.
_NO_SMARTCARD, _PROTOCOL_MISMATCH, _COMM_ERROR, _INVALID_PARAMETER = 0x8010000C, 0x8010000F, 0x8010002F, 0x80100004

_MASKS = {
    TransmissionProtocol.T0: CardConnection.T0_protocol,
    TransmissionProtocol.T1: CardConnection.T1_protocol,
}


class VirtualReader(Reader):  # type: ignore[misc]  # pyscard has no types
    """A reader in this process.

    :param name: what programs see.  :param card: what lies in it, None for an empty reader.
    :param protocol: how the card has been told to speak.
    """

    def __init__(
        self, name: str, card: CardSeam | None = None, protocol: TransmissionProtocol = TransmissionProtocol.T1
    ) -> None:
        super().__init__(name)
        self.card = card
        self.protocol = protocol

    def createConnection(self) -> VirtualCardConnection:  # noqa: N802  # pyscard's name
        """Return a connection that is not connected yet."""
        return VirtualCardConnection(self)


class VirtualCardConnection(CardConnection):  # type: ignore[misc]  # pyscard has no types
    """One program's connection; observers and error checking chains of pyscard work as usual."""

    def __init__(self, reader: VirtualReader) -> None:
        super().__init__(reader.name)
        self._reader = reader
        self._link: LoopbackConnection | None = None

    def connect(self, protocol: int | None = None, mode: int | None = None, disposition: int | None = None) -> None:
        """Power the card on.

        :param protocol: mask of protocols the program accepts, None for all.
        :raises NoCardException: the reader is empty, or its card does not answer to reset.
        :raises CardConnectionException: the card speaks none of the protocols.
        """
        super().connect(protocol, mode, disposition)
        if self._reader.card is None:
            raise NoCardException("Unable to connect: no card inserted", hresult=_NO_SMARTCARD)
        if not _MASKS[self._reader.protocol] & (protocol or self.getProtocol()):
            raise CardConnectionException("Unable to connect: protocol mismatch", hresult=_PROTOCOL_MISMATCH)
        try:
            link = LoopbackConnection(self._reader.card, reader=self._reader.name, protocol=self._reader.protocol)
        except TransportError as error:
            raise NoCardException(str(error), hresult=_NO_SMARTCARD) from error
        self._link = link

    def disconnect(self) -> None:
        """Power the card off; idempotent."""
        super().disconnect()
        if self._link is not None:
            self._link.close()
            self._link = None

    def getATR(self) -> list[int]:  # noqa: N802  # pyscard's name
        """Return the bytes of the answer to reset."""
        return list(self._connected().atr)

    def doTransmit(self, command: list[int], protocol: int | None = None) -> tuple[list[int], int, int]:  # noqa: N802
        """Send one command APDU.

        :returns: data, SW1, SW2.
        :raises CardConnectionException: not connected, a command that is no APDU, or a link that failed.
        """
        link = self._connected()
        if protocol is not None and not _MASKS[self._reader.protocol] & protocol:
            raise CardConnectionException("Failed to transmit: protocol mismatch", hresult=_PROTOCOL_MISMATCH)
        try:
            answer = link.transmit(bytes(command))
        except NoCardError as error:
            raise NoCardException(str(error), hresult=_NO_SMARTCARD) from error
        except TransportError as error:
            raise CardConnectionException(str(error), hresult=_COMM_ERROR) from error
        except (EncodingError, ValueError) as error:
            raise CardConnectionException(f"Failed to transmit: {error}", hresult=_INVALID_PARAMETER) from error
        return list(answer[:-2]), answer[-2], answer[-1]

    def _connected(self) -> LoopbackConnection:
        if self._link is None:
            raise CardConnectionException("Card not connected", hresult=_INVALID_PARAMETER)
        return self._link


@contextmanager
def only_readers(*readers: VirtualReader) -> Iterator[None]:
    """Make `readers` the only ones that ``smartcard.System.readers()`` knows, until the block ends."""
    before = ReaderFactory.factorymethods
    ReaderFactory.factorymethods = [lambda _groups: list(readers)]
    try:
        yield
    finally:
        ReaderFactory.factorymethods = before

"""The way to one application of a card that has several: it is selected when its first command goes out."""

from __future__ import annotations

from dataclasses import dataclass

from cardkit.apps.iso7816.commands import Ins
from cardkit.channel import Channel
from cardkit.errors import ProtocolError
from cardkit.transport.base import Connection, TransmissionProtocol

_SELECT_BY_NAME = bytes((Ins.SELECT, 0x04))
_TO_THE_READER = 0xFF
_ENTERED = (0x90, 0x61, 0x62)  # first status bytes


@dataclass(slots=True)
class Floor:
    """Which application of a card is current; None after a reset."""

    current: str | None = None


class Door:
    """A connection of one application's.

    :param card: the connection of the card.  :param floor: shared by the doors of all applications.
    :param home: AID it is selected by.
    """

    def __init__(self, card: Connection, floor: Floor, app: str, home: bytes) -> None:
        self.reader = card.reader
        self.atr = card.atr
        self.protocol: TransmissionProtocol = card.protocol
        self._card = card
        self._floor = floor
        self._app = app
        self._select = b"\x00" + _SELECT_BY_NAME + bytes((0x00, len(home))) + home + b"\x00"

    def transmit(self, command: bytes) -> bytes:
        """Send a command to the application, after selecting it where another one, or nobody, is current.

        :raises ProtocolError: when the card does not let it be selected.  Else as :meth:`Connection.transmit`.
        """
        if self._floor.current == self._app or command[0] == _TO_THE_READER:
            return self._card.transmit(command)
        if command[1:3] != _SELECT_BY_NAME:
            answer = self._enter(self._select)
            if self._floor.current != self._app:
                name = self._select[5:-1].hex().upper()
                raise ProtocolError(f"{self._app}: SELECT {name}: card answered {answer[-2:].hex().upper()}")
            return self._card.transmit(command)
        return self._enter(command)

    def _enter(self, select: bytes) -> bytes:
        """Send a selection; where it fails, whatever was current stays so."""
        answer = self._card.transmit(select)
        if answer[-2] in _ENTERED:
            self._floor.current = self._app
        return answer

    def reset(self, *, cold: bool) -> bytes:
        """Reset the card: no application is current then."""
        self._floor.current = None
        return self._card.reset(cold=cold)

    def close(self) -> None:
        """Power the card off."""
        self._card.close()

    def channel(self, like: Channel) -> Channel:
        """Return a channel through this door, with the abilities of the card's own."""
        return Channel(self, extended=like.extended, chaining=like.chaining)

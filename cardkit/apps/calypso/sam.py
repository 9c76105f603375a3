"""Sessions with a SAM: whoever has the keys computes, the card and this module only speak (transport sheet 6).

A SAM of the system, over PC/SC or in a network, follows :class:`CalypsoSam`. What Calypso computes is not public.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import Protocol

from cardkit.apdu import CommandAPDU, ResponseAPDU
from cardkit.apps.calypso import commands
from cardkit.apps.calypso.commands import SessionKey, SessionMode
from cardkit.channel import Channel
from cardkit.errors import EncodingError, ProtocolError, SecureMessagingError, StatusError

_OK, _PRE_OPEN = 0x9000, 0x6200
_REGULAR_HEAD, _EXTENDED_HEAD = 8, 12
_MAC_BYTES = {SessionMode.REGULAR: 4, SessionMode.EXTENDED: 8}
_COUNTER_BYTES = 3
_NOT_RATIFIED = 0x01


class CalypsoSam(Protocol):
    """What is asked of a SAM for one session; every method raises AuthenticationError when it refuses."""

    def challenge(self, size: int) -> bytes:
        """Return a fresh challenge, 4 or 8 bytes."""
        ...

    def open(self, kif: int, kvc: int, answer: bytes) -> None:
        """Begin with the key a card has named.  :param answer: of the card to Open Session."""
        ...

    def update(self, command: bytes, answer: bytes) -> None:
        """Take what was said in the session.  :param answer: with its status word."""
        ...

    def close(self) -> bytes:
        """Return the MAC of all that was said, 4 or 8 bytes."""
        ...

    def check(self, mac: bytes) -> None:
        """Check the card's MAC."""
        ...


@dataclass(frozen=True, slots=True)
class Opened:
    """The answer to Open Session.

    :param counter: transactions the card has left.  :param ratified: whether the last session was.
    :param kif, kvc: of the key; FF where the card does not know the first.  :param record: what was read with it.
    """

    counter: int
    ratified: bool
    kif: int
    kvc: int
    record: bytes

    @classmethod
    def parse(cls, data: bytes, mode: SessionMode) -> Opened:
        """Read the answer of a card of revision 3.  :raises EncodingError: where a length does not fit."""
        extended = mode is SessionMode.EXTENDED
        head = _EXTENDED_HEAD if extended else _REGULAR_HEAD
        if len(data) < head or len(data) != head + data[head - 1]:
            raise EncodingError(f"answer to Open Session: {len(data)} bytes, expected {head} and as many as it says")
        counter = int.from_bytes(data[:_COUNTER_BYTES])
        flags = data[8] & _NOT_RATIFIED if extended else data[4]
        return cls(counter, not flags, data[head - 3], data[head - 2], data[head:])


class _Stage(Enum):
    OPEN = "open"
    OVER = "over"


class SamSession:
    """One session; everything in it counts once :meth:`close` has returned, or nothing of it."""

    def __init__(self, channel: Channel, sam: CalypsoSam, mode: SessionMode, opened: Opened) -> None:
        self._channel, self._sam, self._mode = channel, sam, mode
        self.opened = opened
        self._stage = _Stage.OPEN

    @classmethod
    def open(
        cls, channel: Channel, sam: CalypsoSam, key: SessionKey, mode: SessionMode, *, record: int = 0, sfi: int = 0
    ) -> SamSession:
        """Open a session, and read a record with it.

        :param mode: regular or extended.  :raises StatusError: when the card refuses.
        :raises ProtocolError: when its answer cannot be read.
        """
        challenge = sam.challenge(_MAC_BYTES[mode])
        command = commands.open_session(key, challenge, mode, record=record, sfi=sfi)
        answer = channel.require(command, (_OK, _PRE_OPEN), what="Open Session")
        try:
            opened = Opened.parse(answer, mode)
        except EncodingError as error:
            raise ProtocolError(str(error)) from None
        sam.open(opened.kif, opened.kvc, answer)
        return cls(channel, sam, mode, opened)

    def send(self, command: CommandAPDU) -> ResponseAPDU:
        """Send a command of the session; a refusal is the caller's, it is under the MAC all the same.

        :raises SecureMessagingError: when the session is over.
        """
        if self._stage is _Stage.OVER:
            raise SecureMessagingError("Calypso session: it is over")
        response = self._channel.send(command)
        self._sam.update(command.encode(), response.encode())
        return response

    def close(self, *, ratified: bool = True) -> bytes:
        """Close the session and check the card's MAC; return what was postponed to it.

        :raises StatusError: when the card refuses: nothing of the session counts.
        :raises AuthenticationError: when the card's MAC is wrong.  :raises ProtocolError: when it is missing.
        """
        if self._stage is _Stage.OVER:
            raise SecureMessagingError("Calypso session: it is over")
        self._stage = _Stage.OVER
        response = self._channel.send(commands.close_session(self._sam.close(), ratified=ratified))
        if response.sw != _OK:
            raise StatusError("Close Session", response.sw)
        size = _MAC_BYTES[self._mode]
        if len(response.data) < size:
            raise ProtocolError(f"Close Session: {len(response.data)} bytes, expected a MAC of {size}")
        self._sam.check(response.data[-size:])
        return response.data[:-size]

    def abort(self) -> None:
        """Give the session up: nothing of it counts."""
        self._stage = _Stage.OVER
        self._channel.send(commands.abort_session())

"""A connection around another one: the base of recorder and meter."""

from __future__ import annotations

from cardkit.transport.base import Connection, TransmissionProtocol, Watched
from cardkit.transport.offers import offers


class ConnectionWrapper:
    """Pass everything on to the inner connection.

    :param inner: the connection that carries the bytes.
    """

    def __init__(self, inner: Connection) -> None:
        self.inner = inner
        self.reader: str = inner.reader
        self.atr: bytes = inner.atr
        self.protocol: TransmissionProtocol = inner.protocol

    def transmit(self, command: bytes) -> bytes:
        """Send one command APDU and return the response APDU."""
        return self.inner.transmit(command)

    def reset(self, *, cold: bool) -> bytes:
        """Reset the card and return its ATR."""
        return self.inner.reset(cold=cold)

    def close(self) -> None:
        """Close the inner connection."""
        self.inner.close()

    def confirm_presence(self) -> None:
        """Ask the reader whether the card has stayed in it, if it can tell.

        :raises CardChangedError: when the card has moved.
        """
        if offers(self.inner, Watched):
            self.inner.confirm_presence()

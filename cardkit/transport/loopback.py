"""A card object in this process as a connection: no reader, no service, under a microsecond."""

from __future__ import annotations

from typing import Protocol

from cardkit.errors import CardMuteError, Executed, LinkTimeoutError, TransportError
from cardkit.transport.base import TransmissionProtocol
from cardkit.transport.guard import GuardedConnection


class CardSeam(Protocol):
    """What a virtual card offers."""

    def atr(self) -> bytes:
        """Return the answer to reset; empty when the card is gone."""
        ...

    def power(self, cold: bool) -> None:
        """Power on (cold) or reset (warm): all volatile state dies."""
        ...

    def transmit(self, command: bytes) -> bytes:
        """Run one command; an empty answer = card gone, TimeoutError = mute."""
        ...


class LoopbackConnection(GuardedConnection):
    """Power a card object on and talk to it.

    :param card: the card.  :param reader: a name for messages: ``virtual:usim``.
    :param protocol: how the card has been told to behave.
    :raises CardMuteError: when the card does not answer to reset.
    """

    def __init__(
        self, card: CardSeam, *, reader: str = "virtual", protocol: TransmissionProtocol = TransmissionProtocol.T1
    ) -> None:
        self._card = card
        super().__init__(reader, b"", protocol)
        self.atr = self._reset(cold=True)

    def close(self) -> None:
        """Give the card up; idempotent."""
        self._poison(TransportError("closed", reader=self.reader, executed=Executed.NO))

    def _exchange(self, command: bytes) -> bytes:
        try:
            return self._card.transmit(command)
        except TimeoutError as error:
            raise LinkTimeoutError(
                f"{self.reader}: the card is mute, nobody knows whether the command ran",
                reader=self.reader,
                executed=Executed.UNKNOWN,
            ) from error

    def _reset(self, *, cold: bool) -> bytes:
        try:
            self._card.power(cold)
            atr = self._card.atr()
        except TimeoutError:
            atr = b""
        if not atr:
            raise CardMuteError(
                f"{self.reader}: the card does not answer to reset",
                reader=self.reader,
                operation="reset" if self.atr else "connect",
                executed=Executed.NO,
            )
        return atr

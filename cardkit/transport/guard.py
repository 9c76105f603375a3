"""What every link to a card checks, whatever carries the bytes: lengths, impossible answers, poisoning.

A connection whose last command has an unknown outcome must not be used again: the next answer may belong to the
command before it, or to another card. Such a connection is poisoned and refuses everything but ``close``.
"""

from __future__ import annotations

from abc import ABC, abstractmethod

from cardkit.errors import (
    BadResponseError,
    CardChangedError,
    CardRemovedError,
    EncodingError,
    Executed,
    ReaderBusyError,
    TransportError,
)
from cardkit.transport.base import TransmissionProtocol

SHORTEST_COMMAND = 4
LONGEST_COMMAND = 65_535

# ISO/IEC 7816-3 (2006) 10.3.3 and 7816-4 5.6: the first status byte is 61..6F or 90..9F.
STATUS_BYTES = frozenset((*range(0x61, 0x70), *range(0x90, 0xA0)))


class GuardedConnection(ABC):
    """A connection that refuses impossible answers, and itself after one.

    :param reader: the reader's name, for messages.  :param atr: what the card answered to power-on.
    """

    def __init__(self, reader: str, atr: bytes, protocol: TransmissionProtocol) -> None:
        self.reader = reader
        self.atr = atr
        self.protocol = protocol
        self._broken: TransportError | None = None

    def transmit(self, command: bytes) -> bytes:
        """Send one command APDU and return the response APDU.

        :param command: 4 to 65,535 bytes.  :returns: 2 bytes or more, the last two a possible status word.
        :raises EncodingError: on a command of another length; nothing was sent.
        :raises TransportError: one of its kinds; the connection is poisoned then, unless the reader was only busy.
        """
        if self._broken is not None:
            raise self._refusal("transmit")
        if not SHORTEST_COMMAND <= len(command) <= LONGEST_COMMAND:
            raise EncodingError(f"command APDU has {len(command)} bytes, expected 4 to 65,535")
        try:
            answer = self._exchange(command)
            if len(answer) < 2 or answer[-2] not in STATUS_BYTES:
                raise self._bad_answer(answer)
        except ReaderBusyError:
            raise
        except TransportError as error:
            self._broken = error
            raise
        return answer

    def transmit_frame(self, frame: bytes) -> bytes:
        """Send one native frame, which is no APDU, and return the card's: a status byte, then data.

        :param frame: 1 to 65,535 bytes.  :raises EncodingError, TransportError: as :meth:`transmit`.
        """
        if self._broken is not None:
            raise self._refusal("transmit")
        if not 1 <= len(frame) <= LONGEST_COMMAND:
            raise EncodingError(f"native frame has {len(frame)} bytes, expected 1 to 65,535")
        try:
            answer = self._exchange(frame)
            if not answer:
                raise self._bad_answer(answer)
        except ReaderBusyError:
            raise
        except TransportError as error:
            self._broken = error
            raise
        return answer

    def reset(self, *, cold: bool) -> bytes:
        """Reset the card, warm or by power, and return its ATR.

        :raises CardChangedError: when the ATR differs from before: another card lies in the reader.
        """
        if self._broken is not None:
            raise self._refusal("reset")
        try:
            atr = self._reset(cold=cold)
            if atr != self.atr:
                raise self._changed(atr)
        except ReaderBusyError:
            raise
        except TransportError as error:
            self._broken = error
            raise
        return atr

    @abstractmethod
    def close(self) -> None:
        """Power the card off; idempotent."""

    @abstractmethod
    def _exchange(self, command: bytes) -> bytes:
        """Carry the bytes; an empty answer means the card is gone."""

    @abstractmethod
    def _reset(self, *, cold: bool) -> bytes:
        """Reset and return the ATR."""

    def _poison(self, error: TransportError) -> None:
        self._broken = error

    def _refusal(self, operation: str) -> TransportError:
        """The same class of error again; this time the card certainly did not run the command."""
        broken = self._broken
        assert broken is not None
        return type(broken)(
            f"{self.reader}: the connection was given up after: {broken}; connect anew and identify the card",
            reader=self.reader,
            operation=operation,
            hresult=broken.hresult,
            executed=Executed.NO,
        )

    def _bad_answer(self, answer: bytes) -> TransportError:
        if not answer:
            return CardRemovedError(
                f"{self.reader}: the card left in mid-command, nobody knows whether it ran",
                reader=self.reader,
                executed=Executed.UNKNOWN,
            )
        got = f"status word {answer[-2:].hex().upper()}" if len(answer) > 1 else "1 byte"
        return BadResponseError(
            f"{self.reader}: {len(answer)}-byte answer with {got}, expected a status word 61xx..6Fxx or 90xx..9Fxx",
            reader=self.reader,
            executed=Executed.UNKNOWN,
        )

    def _changed(self, atr: bytes) -> CardChangedError:
        return CardChangedError(
            f"{self.reader}: another card answers to reset: got ATR {atr.hex().upper()}, "
            f"expected {self.atr.hex().upper()}",
            reader=self.reader,
            operation="reset",
            executed=Executed.NO,
        )

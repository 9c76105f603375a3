"""The card loses power, or stops answering."""

from .faultbase import Fault


class _Gone(Fault):
    """Once torn, every command gets the empty answer of a card that is gone, until powered again; memory is kept."""

    span = 40

    _gone = False

    def power(self, cold: bool) -> None:
        """Put the card back: it starts anew with what its memory holds."""
        self._gone = False
        super().power(cold)


class TearBefore(_Gone):
    """The n-th APDU never reaches the card."""

    def transmit(self, command: bytes) -> bytes:
        """Lose the command when due."""
        if self._gone or self._due():
            self._gone = True
            return b""
        return super().transmit(command)


class TearAfter(_Gone):
    """The n-th APDU is done, its answer is lost."""

    def transmit(self, command: bytes) -> bytes:
        """Lose the answer when due."""
        if self._gone:
            return b""
        answer = super().transmit(command)
        self._gone = self._due()
        return b"" if self._gone else answer


class Mute(Fault):
    """The n-th APDU and all later ones are never answered, until the next power-up."""

    span = 40
    _mute = False

    def power(self, cold: bool) -> None:
        """A reset wakes the card."""
        self._mute = False
        super().power(cold)

    def transmit(self, command: bytes) -> bytes:
        """Raise TimeoutError instead of answering.

        :raises TimeoutError: when due.
        """
        if self._mute or self._due():
            self._mute = True
            raise TimeoutError("the card is mute")
        return super().transmit(command)

"""What both chips do alike: short and extended APDUs, command chaining, GET RESPONSE, all or nothing per command."""

from abc import ABC, abstractmethod
from dataclasses import replace
from random import Random
from typing import Final

from .. import statuswords as sw
from ..errors import StatusWordError
from ..gp import wire
from ..gp.journal import Journal
from ..memory import Memory
from .image import EidImage

_GET_RESPONSE: Final = 0xC0
_LONGEST: Final = 16_384  # bytes of a command that came in parts


class EidChip(ABC):
    """The state of one chip."""

    def __init__(self, image: EidImage, memory: Memory, random: Random) -> None:
        self.image = image
        self.memory = memory
        self.random = random
        self.journal = Journal(memory)
        self._parts: wire.Apdu | None = None
        self._waiting: wire.Waiting | None = None

    def reset(self) -> None:
        """Forget everything volatile, take back what a power cut left unfinished."""
        self.journal.forget()
        self.journal.recover()
        self._parts = self._waiting = None

    def exchange(self, command: bytes) -> bytes:
        """Work on one C-APDU."""
        try:
            apdu = wire.parse(command, protocol=1, extended=True)
            _refuse_class(apdu)
            waiting, self._waiting = self._waiting, None
            if apdu.ins == _GET_RESPONSE:
                response, self._waiting = wire.get_response(apdu, waiting, protocol=1)
                return response
            whole = self._joined(apdu)
            if whole is None:
                return sw.OK
            response, self._waiting = wire.answer(whole, *self._answer(whole), protocol=1)
        except StatusWordError as refusal:
            return refusal.sw
        return response

    def _joined(self, apdu: wire.Apdu) -> wire.Apdu | None:
        """The whole command, or None while parts are missing; another command drops the parts."""
        parts, self._parts = self._parts, None
        if parts is not None and (parts.ins, parts.p1, parts.p2) == (apdu.ins, apdu.p1, apdu.p2):
            apdu = replace(apdu, data=parts.data + apdu.data)
        if len(apdu.data) > _LONGEST:
            raise StatusWordError(sw.WRONG_LENGTH)
        if apdu.chained:
            self._parts = apdu
            return None
        return apdu

    def _answer(self, apdu: wire.Apdu) -> tuple[bytes, bytes]:
        """Work on a whole command; its writes are committed, or nothing of it stays."""
        return self.journal.settle(lambda: (self.work(apdu), sw.OK))

    @abstractmethod
    def work(self, apdu: wire.Apdu) -> bytes:
        """The command itself.

        :returns: what it answers with 9000.
        :raises StatusWordError: to refuse it.
        """


def require(apdu: wire.Apdu, *parameters: int) -> None:
    """Refuse other values of P1 P2.

    :raises StatusWordError: 6A86.
    """
    if apdu.p1 << 8 | apdu.p2 not in parameters:
        raise StatusWordError(sw.WRONG_P1P2)


def _refuse_class(apdu: wire.Apdu) -> None:
    if apdu.proprietary:
        raise StatusWordError(sw.NO_CLASS)
    if apdu.channel:
        raise StatusWordError(sw.NO_CHANNEL)
    if apdu.secured:
        raise StatusWordError(sw.NO_SECURE_MESSAGING)

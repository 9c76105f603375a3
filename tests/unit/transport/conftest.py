"""A card that plays a list of answers."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from cardkit.transport.base import TransmissionProtocol
from cardkit.transport.loopback import LoopbackConnection

Answer = bytes | type[Exception]


class PlayingCard:
    """Gives its answers one after another, an exception class is raised; ``sent`` keeps the commands."""

    def __init__(self, *answers: Answer, atr: bytes = b"\x3b\x00") -> None:
        self.answers = list(answers)
        self.sent: list[bytes] = []
        self.now = atr

    def atr(self) -> bytes:
        return self.now

    def power(self, cold: bool) -> None:
        if not self.now:
            raise TimeoutError

    def transmit(self, command: bytes) -> bytes:
        self.sent.append(command)
        answer = self.answers.pop(0)
        if isinstance(answer, bytes):
            return answer
        raise answer


LinkMaker = Callable[..., LoopbackConnection]


@pytest.fixture
def link() -> LinkMaker:
    """Make a connection to a playing card; ``atr`` and ``protocol`` as keywords."""

    def make(
        *answers: Answer, atr: bytes = b"\x3b\x00", protocol: TransmissionProtocol = TransmissionProtocol.T1
    ) -> LoopbackConnection:
        return LoopbackConnection(PlayingCard(*answers, atr=atr), reader="virtual:test", protocol=protocol)

    return make

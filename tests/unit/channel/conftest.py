"""A card that follows a script, and refuses anything else."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from cardkit.channel import Channel
from cardkit.transport.base import TransmissionProtocol
from cardkit.transport.loopback import LoopbackConnection


class ScriptedCard:
    """Answers each command of its script in turn; ``sent`` keeps what came."""

    def __init__(self, *script: tuple[str, str]) -> None:
        self.script = list(script)
        self.sent: list[str] = []
        self.resets: list[bool] = []

    def atr(self) -> bytes:
        return bytes.fromhex("3B00")

    def power(self, cold: bool) -> None:
        self.resets.append(cold)

    def transmit(self, command: bytes) -> bytes:
        self.sent.append(command.hex().upper())
        expected, answer = self.script.pop(0)
        assert command.hex().upper() == expected.replace(" ", "").upper()
        return bytes.fromhex(answer)


ChannelMaker = Callable[..., Channel]


@pytest.fixture
def scripted() -> ChannelMaker:
    """Make a channel to a scripted card; ``t0=True`` for T=0, other keywords go to Channel."""

    def make(*script: tuple[str, str], t0: bool = False, **options: object) -> Channel:
        protocol = TransmissionProtocol.T0 if t0 else TransmissionProtocol.T1
        connection = LoopbackConnection(ScriptedCard(*script), protocol=protocol)
        return Channel(connection, **options)  # type: ignore[arg-type]

    return make

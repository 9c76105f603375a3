"""`check` on cards that answer nonsense: findings or one error of the card, never a crash, never an endless run."""

from __future__ import annotations

import contextlib
import random
from datetime import date

import pytest

from cardkit.apps.dump import check, look, observe
from cardkit.channel import Channel
from cardkit.errors import CardError, EncodingError
from cardkit.transport.loopback import LoopbackConnection
from cardkit.virtual import VirtualCard

DAY = date(2026, 1, 1)


class Liar:
    """A virtual card some of whose answers are changed on the way.

    :param rate: how many of a hundred.
    """

    def __init__(self, seed: int, rate: int) -> None:
        self._card = VirtualCard("usim-isim-5g", seed=1)
        self._random = random.Random(seed)
        self._rate = rate

    def atr(self) -> bytes:
        return self._card.atr()

    def power(self, cold: bool) -> None:
        self._card.power(cold)

    def transmit(self, command: bytes) -> bytes:
        answer = bytearray(self._card.transmit(command))
        if self._random.randrange(100) < self._rate and len(answer) > 2:
            kind = self._random.randrange(4)
            if kind == 0:
                answer[self._random.randrange(len(answer) - 2)] ^= 1 << self._random.randrange(8)
            elif kind == 1:
                del answer[self._random.randrange(len(answer) - 2) : -2]
            elif kind == 2:
                answer[:-2] = self._random.randbytes(len(answer) - 2)
            else:
                answer[-2:] = self._random.choice((b"\x6a\x82", b"\x69\x82", b"\x62\x83", b"\x6f\x00", b"\x91\x20"))
        return bytes(answer)


@pytest.mark.parametrize("rate", [2, 20, 60])
@pytest.mark.parametrize("seed", range(4))
def test_a_card_that_lies_is_judged_or_refused(seed, rate):
    channel = Channel(LoopbackConnection(Liar(seed, rate)))
    with contextlib.suppress(CardError, EncodingError):
        document = look(channel, DAY)
        if "error" not in document:
            assert check(observe(channel, document, toolkit=True))

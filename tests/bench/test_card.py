"""Speed of one card: plan, personalize and verify a full USIM on a virtual card (``make bench`` prints the figures)."""

from __future__ import annotations

import gc
import secrets
from time import process_time

import pytest

from cardkit.perso import personalize, plan, prepare
from cardkit.profile import load_profile, read_order
from cardkit.target import Card
from cardkit.transport.loopback import LoopbackConnection
from cardkit.virtual import VirtualCard

CARDS = 60
# 200 cards/s and core with journaling leaves 4 ms for the card; measured 2.9 ms, 3.2 times the card's own work.
MOST_MS = 8.0
MOST_TIMES_THE_CARD = 6.0


class Kept:
    """A card that keeps what it was told, to tell the same to the next one."""

    def __init__(self, card: VirtualCard) -> None:
        self._card = card
        self.told: list[bytes | None] = []

    def atr(self) -> bytes:
        return self._card.atr()

    def power(self, cold: bool) -> None:
        self.told.append(None)
        self._card.power(cold)

    def transmit(self, command: bytes) -> bytes:
        self.told.append(command)
        return self._card.transmit(command)


def replay(told: list[bytes | None], card: VirtualCard) -> None:
    for command in told:
        if command is None:
            card.power(True)
        else:
            card.transmit(command)


def test_a_card_takes_little_more_than_the_card_itself(capsys: pytest.CaptureFixture[str]) -> None:
    profile = load_profile("sim/usim-test")
    keystore = profile.test_keystore()
    records = read_order(profile, profile.path.parent / "order.csv", keystore).records
    kept = Kept(VirtualCard("usim", seed=0))
    whole, alone = [], []
    gc.collect()
    for number in range(CARDS):
        card = kept if not number else VirtualCard("usim", seed=number)
        start = process_time()
        record = records[number % len(records)]
        prepared = prepare(profile, record, keystore, secrets.token_bytes)
        outcome = personalize(plan(profile, record, prepared, keystore), Card(LoopbackConnection(card)), keystore)
        whole.append(process_time() - start)
        assert outcome.verdict == "GOOD"
        again = VirtualCard("usim", seed=0)
        start = process_time()
        replay(kept.told, again)
        alone.append(process_time() - start)
    best, own = min(whole) * 1000, min(alone) * 1000
    with capsys.disabled():
        print(f"\none USIM: {best:.2f} ms CPU ({1000 / best:.0f} cards/s and core), the card itself {own:.2f} ms")
    assert best <= MOST_MS
    assert best <= own * MOST_TIMES_THE_CARD

"""A power cut in the middle of a card's run, and what the card would have been without it."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass

from cardkit.crypto import KeyStore
from cardkit.desired import Event, Plan
from cardkit.errors import TransportError
from cardkit.perso import Verdict, personalize, plan, prepare
from cardkit.profile import Profile, load_profile, read_order
from cardkit.target import Card
from cardkit.transport.loopback import CardSeam, LoopbackConnection
from cardkit.virtual import VirtualCard

COMMAND_LOST, ANSWER_LOST = "command lost", "answer lost"
LOSSES = (COMMAND_LOST, ANSWER_LOST)


@dataclass(frozen=True)
class Job:
    """One card of a product.

    :param fresh: gives a blank chip.  :param undisturbed: memory of a card whose run was not cut.
    :param count: commands of that run.
    """

    profile: Profile
    keystore: KeyStore
    plan: Plan
    fresh: Callable[[], VirtualCard]
    undisturbed: dict[str, bytes]
    count: int

    @classmethod
    def of(cls, name: str, fresh: Callable[[], VirtualCard]) -> Job:
        """Plan the first row of a product's order, and make it once."""
        profile = load_profile(name)
        keystore = profile.test_keystore()
        todo = planned(profile, keystore)
        chip = fresh()
        uncut = Cut(chip, 0, COMMAND_LOST)
        assert personalize(todo, inserted(uncut), keystore).verdict is Verdict.GOOD
        return cls(profile, keystore, todo, fresh, dict(chip.memory()), uncut.sent)

    def tear(self, chip: VirtualCard, at: int, lost: str, *, resume: bool = False) -> tuple[list[Event], int]:
        """Run until the cut; return events and the number of commands sent, 0 if the run ended before it."""
        events: list[Event] = []
        cut = Cut(chip, at, lost)
        try:
            personalize(self.plan, inserted(cut), self.keystore, on_event=events.append, resume=resume)
        except TransportError:
            return events, cut.sent
        return events, 0

    def tear_often(self, chip: VirtualCard, seed: int) -> None:
        """Cut the run somewhere, then three attempts to finish it."""
        dice, last = random.Random(seed), len(self.plan.steps)
        for resume in (False, True, True, True):
            self.tear(chip, dice.randint(1, last), dice.choice(LOSSES), resume=resume)


class Cut:
    """A reader that loses power once.

    :param at: number of the command, from 1; at 0 it never happens.  :param lost: whether the card still ran it.
    """

    def __init__(self, chip: VirtualCard, at: int, lost: str) -> None:
        self._chip = chip
        self._at = at
        self._lost = lost
        self.sent = 0

    def atr(self) -> bytes:
        return self._chip.atr()

    def power(self, cold: bool) -> None:
        self._chip.power(cold)

    def transmit(self, command: bytes) -> bytes:
        self.sent += 1
        if self.sent != self._at:
            return self._chip.transmit(command)
        if self._lost == ANSWER_LOST:
            self._chip.transmit(command)
        self._chip.power(True)
        return b""


def inserted(chip: CardSeam) -> Card:
    """Put a chip into a reader."""
    return Card(LoopbackConnection(chip))


def planned(profile: Profile, keystore: KeyStore) -> Plan:
    """Plan the first row of a product's order, always with the same random values."""
    record = read_order(profile, profile.path.parent / "order.csv", keystore).records[0]
    return plan(profile, record, prepare(profile, record, keystore, random.Random(1).randbytes), keystore)

"""A document chip that lies once while it is made or verified: always a verdict, never a good one that hides it."""

from __future__ import annotations

import random

import pytest

from cardkit.perso import Verdict, personalize, verify
from cardkit.virtual import make_card
from tests.hostile.tearing import Job, inserted

LIES = {
    "empty success": lambda answer, dice: b"\x90\x00",
    "garbage": lambda answer, dice: dice.randbytes(dice.randint(0, 60)) + b"\x90\x00",
    "one bit": lambda answer, dice: answer[:-3] + bytes((answer[-3] ^ 1,)) + answer[-2:] if answer[2:] else b"\x90\x01",
    "too long": lambda answer, dice: answer[:-2] + dice.randbytes(254 - len(answer) % 254) + answer[-2:],
    "refused": lambda answer, dice: b"\x69\x82",
    "memory failure": lambda answer, dice: b"\x65\x81",
}


SELECT_MF = bytes.fromhex("00A4000C")
"""Chips refuse it in many ways; before PACE a reader takes them all."""


class Liar:
    """A chip that tells the truth but once.

    :param at: number of the answer it lies in, from 1.  :ivar about: the command that was the answer to.
    """

    def __init__(self, chip, at, lie, seed):
        self._chip = chip
        self._at = at
        self._lie = lie
        self._dice = random.Random(seed)
        self.answers = 0
        self.about = b""

    def atr(self):
        return self._chip.atr()

    def power(self, cold):
        self._chip.power(cold)

    def transmit(self, command):
        self.answers += 1
        answer = self._chip.transmit(command)
        if self.answers != self._at:
            return answer
        self.about = command
        return self._lie(answer, self._dice)


@pytest.fixture(scope="module", params=[("id/emrtd-td3", "emrtd-native"), ("id/residence-permit-td1", "emrtd-applet")])
def job(request):
    profile, image = request.param
    return Job.of(profile, lambda: make_card(image, seed=1))


@pytest.mark.parametrize("lie", LIES)
def test_a_lie_while_it_is_made_ends_in_a_verdict(job, lie):
    dice = random.Random(lie)
    for at in sorted(dice.sample(range(1, len(job.plan.steps)), 4)):
        liar = Liar(job.fresh(), at, LIES[lie], at)
        outcome = personalize(job.plan, inserted(liar), job.keystore)
        assert outcome.verdict in (Verdict.GOOD, Verdict.BAD)
        if lie in ("refused", "memory failure"):
            harmless = liar.answers < at or liar.about.startswith(SELECT_MF)
            assert harmless or outcome.verdict is Verdict.BAD, at


@pytest.mark.parametrize("lie", LIES)
def test_a_lie_while_it_is_verified_is_found(job, lie):
    chip = job.fresh()
    assert personalize(job.plan, inserted(chip), job.keystore).verdict is Verdict.GOOD
    commands = Liar(chip, 0, LIES[lie], 0)
    assert verify(job.plan, inserted(commands), job.keystore).verdict is Verdict.GOOD
    dice = random.Random(lie)
    for at in sorted(dice.sample(range(commands.answers // 2, commands.answers), 3)):
        report = verify(job.plan, inserted(Liar(chip, at, LIES[lie], at)), job.keystore)
        assert report.verdict is not Verdict.GOOD, at

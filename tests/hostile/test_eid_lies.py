"""Identity cards that answer anything: looked at or verified, it ends in words or in the card's error, soon."""

from __future__ import annotations

import random
import time
from datetime import date

import pytest

from cardkit.apps import dump
from cardkit.errors import CardError
from cardkit.perso import Verdict, personalize, verify
from cardkit.virtual import make_card
from tests.hostile.tearing import Job, inserted

TODAY = date(2026, 11, 22)
ROUNDS = 120
MOST_SECONDS = 20.0
CHANGES = ("bit", "cut", "noise", "long", "bomb", "empty", "word")


class Liar:
    """A chip one of whose answers is another."""

    def __init__(self, chip, seed):
        self._chip, self._dice = chip, random.Random(seed)
        self.atr, self.power = chip.atr, chip.power
        self._at = self._dice.randrange(12)
        self._count = 0

    def transmit(self, command):
        answer = self._chip.transmit(command)
        self._count += 1
        return self._changed(answer) if self._count > self._at else answer

    def _changed(self, answer):
        body, word = bytearray(answer[:-2]), answer[-2:]
        kind = self._dice.choice(CHANGES)
        if kind == "bit" and body:
            body[self._dice.randrange(len(body))] ^= 1 << self._dice.randrange(8)
        elif kind == "cut":
            del body[len(body) // 2 :]
        elif kind == "noise":
            body = bytearray(self._dice.randbytes(self._dice.randrange(300)))
        elif kind == "long":
            body = bytearray(b"\x6f\x08\x81\x02\x7f\xff\x30\x84\xff\xff")
        elif kind == "bomb":
            body = bytearray(b"\x30\x80" * 120)
        elif kind == "empty":
            body.clear()
        else:
            word = self._dice.choice((b"\x62\x82", b"\x69\x82", b"\x6f\x00", b"\x63\xc1", b"\x90\x01"))
        return bytes(body) + word


@pytest.fixture(scope="module", params=[("id/pkcs15-test", "pkcs15"), ("id/piv-test", "piv")], ids=["pkcs15", "piv"])
def finished(request):
    profile, image = request.param
    job = Job.of(profile, lambda: make_card(image, seed=1))
    return job, finished_chip(job)


def finished_chip(job):
    chip = job.fresh()
    assert personalize(job.plan, inserted(chip), job.keystore).verdict is Verdict.GOOD
    return chip


def test_a_card_that_lies_is_looked_at_all_the_same(finished):
    _, chip = finished
    begin = time.process_time()
    for seed in range(ROUNDS):
        document = dump.look(inserted(Liar(chip, seed)).channel, TODAY)
        assert "\n".join(dump.lines(document))
        chip.power(True)
    assert time.process_time() - begin < MOST_SECONDS


def test_a_card_that_lies_is_never_good_by_accident(finished):
    job, chip = finished
    verdicts = []
    for seed in range(ROUNDS // 2):
        try:
            verdicts.append(verify(job.plan, inserted(Liar(chip, seed)), job.keystore).verdict)
        except CardError:
            verdicts.append(None)
        chip.power(True)
    assert Verdict.GOOD not in verdicts


class Endless:
    """A chip whose files are of 32,767 bytes, given one at a time."""

    def __init__(self, chip):
        self._chip = chip
        self.atr, self.power = chip.atr, chip.power
        self.commands = 0

    def transmit(self, command):
        self.commands += 1
        if command[1] == 0xB0:
            return b"\x30\x90\x00"
        answer = self._chip.transmit(command)
        is_file = command[1] == 0xA4 and answer[:2] == b"\x6f\x18"
        return answer[:3] + b"\x02\x7f\xff" + answer[6:] if is_file else answer


def test_files_that_never_end_do():
    job = Job.of("id/pkcs15-test", lambda: make_card("pkcs15", seed=1))
    endless = Endless(finished_chip(job))
    assert verify(job.plan, inserted(endless), job.keystore).verdict is not Verdict.GOOD
    assert endless.commands < 2 * len(job.plan.blueprint.survey)

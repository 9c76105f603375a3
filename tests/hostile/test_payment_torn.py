"""A payment card torn at every single command of its making, before and after the card took it: always finished."""

from __future__ import annotations

import pytest

from cardkit.errors import TransportError
from cardkit.perso import Verdict, personalize, verify
from cardkit.target import Card
from cardkit.transport.loopback import LoopbackConnection
from cardkit.virtual import make_card
from tests.unit.emv_prepare.conftest import IMAGE, PROFILES, Tap, make_job

BOUND_AT = 5
"""From the fourth command on the record is this chip's; the ones before only look at it."""


@pytest.mark.parametrize("after", [False, True])
def test_torn_anywhere_it_is_finished_as_one_card(after):
    job = make_job(PROFILES / "emv-contact-cda")
    todo = job.plan()
    whole = Tap(make_card(IMAGE, seed=1))
    assert personalize(todo, Card(LoopbackConnection(whole)), job.keystore).verdict is Verdict.GOOD
    for at in range(BOUND_AT, len(whole.sent) + 1):
        chip = make_card(IMAGE, seed=1)
        with pytest.raises(TransportError):
            personalize(todo, Card(LoopbackConnection(Tap(chip, at, after=after))), job.keystore)
        card = Card(LoopbackConnection(chip))
        outcome = personalize(todo, card, job.keystore, resume=True)
        assert outcome.verdict is Verdict.GOOD, (at, outcome)
        assert verify(todo, card, job.keystore).verdict is Verdict.GOOD, at

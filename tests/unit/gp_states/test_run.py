"""A card's way through its plan, on virtual cards written from the same sheet by other hands."""

from __future__ import annotations

from itertools import pairwise

import pytest

from cardkit.apps.gp.states.route import EXTERNAL_AUTHENTICATE, INITIALIZE_UPDATE
from cardkit.desired import BindEvent, DoneEvent, IntentEvent, Part, Phase
from cardkit.perso import MarkerState, Verdict, identify, personalize, read_identity, verify
from cardkit.target import Card
from cardkit.transport.base import TransmissionProtocol
from cardkit.transport.loopback import LoopbackConnection
from cardkit.virtual import make_card

INS_OF = {0xD8: "PUT KEY", 0xE2: "STORE DATA", 0xE6: "INSTALL", 0xE8: "LOAD", 0xF0: "SET STATUS"}


def finished(job, tap, *, seed=1):
    seam, card = tap(job.image, seed=seed)
    outcome = personalize(job.plan(), card, job.keystore)
    assert outcome.verdict is Verdict.GOOD, outcome
    return seam, card, outcome


def test_a_blank_card_becomes_good_and_is_verified(job, tap):
    _, card, outcome = finished(job, tap)
    assert outcome.chip_id == identify(job.profile, card).chip_id
    assert {"KDD", "counter " + f"{job.plan().blueprint.product.main.kvn:02X}"} < set(outcome.facts)
    report = verify(job.plan(), card, job.keystore)
    assert report.verdict is Verdict.GOOD
    assert [finding for finding in report.findings if not finding.not_checked] == []


def test_a_card_at_t0_is_made_of_the_same_plan(job):
    """Answers are fetched and long ones asked for twice there; a session sees whole messages only."""
    chip = make_card(job.image, seed=1, protocol=0)
    card = Card(LoopbackConnection(chip, protocol=TransmissionProtocol.T0))
    outcome = personalize(job.plan(), card, job.keystore)
    assert outcome.verdict is Verdict.GOOD, outcome
    assert verify(job.plan(), card, job.keystore).verdict is Verdict.GOOD


def test_the_card_says_which_record_it_is(job, made):
    _, card = made(job)
    card.reset()
    assert read_identity(job.profile, card) == ("cin", job.records[0]["cin"])


def test_the_keys_of_another_record_change_nothing_the_numbers_do(job, made):
    """Keys are the card's own, by its KDD; the record is told by its numbers."""
    _, card = made(job)
    report = verify(job.plan(2), card, job.keystore)
    assert report.verdict is Verdict.BAD
    assert {finding.rule for finding in report.findings if finding.bad} == {"GP-042"}


def test_bind_comes_before_the_first_try_and_an_intent_before_the_seal(job, tap):
    seam, card = tap(job.image)
    events = []
    sent = []

    def listen(event):
        events.append(event)
        sent.append(len(seam.sent))

    personalize(job.plan(), card, job.keystore, on_event=listen)
    assert [type(event) for event in events] == [BindEvent, IntentEvent, DoneEvent]
    tries = [number for number, command in enumerate(seam.sent) if command[1] == EXTERNAL_AUTHENTICATE]
    assert sent[0] <= tries[0]
    assert "KVN FF" in events[0].key_ref
    assert "SECURED" in events[1].step


def test_secured_is_the_last_command_that_changes_the_card(job, tap):
    seam, _, _ = finished(job, tap)
    changes = [INS_OF[command[1]] for command in seam.sent if command[1] in INS_OF]
    assert changes[0] == "PUT KEY"
    assert changes[-2:] == ["SET STATUS", "SET STATUS"]
    assert job.plan().states[-1].name == "SECURED"
    assert job.plan().states[0].phase is Phase.FENCE


def test_sent_commands_are_as_long_as_planned(job, tap):
    """Every command of the plan goes out in its order, with its instruction and its length."""
    seam, _, _ = finished(job, tap)
    todo = job.plan()
    planned = [
        (step.command.ins, step.bytes_in)
        for part in (Part.FENCE, Part.WRITE, Part.CHECK, Part.SEAL, Part.STRANGER)
        for step in todo.blueprint.parts[part]
    ]
    assert [(command[1], len(command)) for command in seam.sent] == planned


def test_each_key_is_tried_once_and_never_without_its_greeting(job, tap):
    seam, _, _ = finished(job, tap)
    opening = [command[1] for command in seam.sent if command[1] in (INITIALIZE_UPDATE, EXTERNAL_AUTHENTICATE)]
    for before, after in pairwise(opening):
        assert INITIALIZE_UPDATE in (before, after)


def test_a_finished_card_is_not_blank_and_is_refused(job, made):
    seam, card = made(job)
    assert identify(job.profile, card).state is MarkerState.BEGUN
    card.reset()
    before = len(seam.sent)
    outcome = personalize(job.plan(2), card, job.keystore)
    assert (outcome.verdict, outcome.bound, outcome.reject.code) == (Verdict.BAD, False, "NOT_BLANK")
    assert {command[1] for command in seam.sent[before:]} == {0xA4, 0xCA}


def test_a_finished_card_that_is_resumed_is_only_checked(job, made):
    seam, card = made(job)
    before = len(seam.sent)
    card.reset()
    outcome = personalize(job.plan(), card, job.keystore, resume=True)
    assert outcome.verdict is Verdict.GOOD, outcome
    assert not {command[1] for command in seam.sent[before:]} & set(INS_OF)


# A load that breaks off, keys whose answer is lost, data in the middle, the last step: all others in tests/hostile.
@pytest.mark.parametrize(("at", "after"), [(6, False), (6, True), (24, True), (31, False), (61, True)])
def test_a_torn_card_ends_as_any_other(at, after, scp03, torn, good_chip, image_of):
    chip = torn(scp03, at, after=after)
    outcome = personalize(scp03.plan(), Card(LoopbackConnection(chip)), scp03.keystore, resume=True)
    assert outcome.verdict is Verdict.GOOD, outcome
    assert image_of(scp03, chip) == image_of(scp03, good_chip(scp03))

"""CIPURSE cards that lie: no lie passes for truth, neither while a card is made nor when it is verified.

The lies are of the card's authors; what must be found of each is written down here, so that a new lie must be decided.
"""

from __future__ import annotations

import copy

import pytest

from cardkit.apps.cipurse import commands
from cardkit.apps.cipurse.access import Operation
from cardkit.apps.cipurse.client import CipurseClient
from cardkit.apps.iso7816 import commands as iso
from cardkit.errors import ProtocolError, SecureMessagingError
from cardkit.perso import Verdict, personalize, verify
from cardkit.virtual import make_card
from cardkit.virtual.cipurse.lies import cipurse_lies
from tests.hostile.tearing import Job, inserted

# Rules a verification finds broken.
FOUND = {
    "add-info-lies": {"TRANSIT-004"},
    "art-open": {"TRANSIT-014", "TRANSIT-015", "TRANSIT-016", "TRANSIT-043"},
    "challenge-repeated": {"TRANSIT-002"},
    "impostor": {"TRANSIT-002"},
    "kvv-lies": {"TRANSIT-005"},
    "size-lies": {"TRANSIT-020"},
    "smr-weaker": {"TRANSIT-017", "TRANSIT-043"},
    "uid-changes": {"TRANSIT-005"},
    "value-lies": {"TRANSIT-023"},
    "version-lies": {"TRANSIT-041"},
    # An answer that is not protected as it must be is no answer: the file counts as unread.
    **{
        name: {"TRANSIT-021"}
        for name in (
            "bad-padding", "bare-9000", "mac-for-enciphered", "more-than-asked", "no-mac", "plain-answer",
            "response-replayed", "short-mac", "status-differs", "wrong-mac", "wrong-mic",
        )
    },
}  # fmt: skip
# Told to who does what a verification does not: tries a wrong key, changes the card.
OF_A_SAMPLE = {"believes-anybody": {"TRANSIT-001", "TRANSIT-003"}}
WHILE_IT_IS_MADE = {"executed-then-error", "session-lost"}
# Nobody looks at a counter with READ VALUE while a card is made: its record is read whole.
UNSEEN_WHILE_IT_IS_MADE = {"value-lies", *OF_A_SAMPLE}
# Refused before anything is written; made with keys of a number it does not have, which nobody can put right.
NOT_FINISHED = {"version-lies", "uid-changes"}


@pytest.fixture(scope="module")
def job():
    return Job.of("transport/cipurse-transit", lambda: make_card("cipurse", seed=1))


@pytest.fixture(scope="module")
def finished(job):
    chip = job.fresh()
    assert personalize(job.plan, inserted(chip), job.keystore).verdict is Verdict.GOOD
    return chip


def broken(report):
    return {finding.rule for finding in report.findings if finding.bad}


def test_every_lie_is_decided():
    assert set(cipurse_lies()) == {*FOUND, *OF_A_SAMPLE, *WHILE_IT_IS_MADE}


@pytest.mark.parametrize("name", FOUND)
def test_a_verification_finds_the_lie_and_names_it(job, finished, name):
    liar = cipurse_lies()[name](copy.deepcopy(finished), 0)
    report = verify(job.plan, inserted(liar), job.keystore)
    assert liar.fired
    assert (report.verdict, broken(report)) == (Verdict.BAD, FOUND[name])


@pytest.mark.parametrize("name", OF_A_SAMPLE)
def test_a_sample_is_told_to_lie(job, finished, name):
    liar = cipurse_lies()[name](copy.deepcopy(finished), 0)
    report = verify(job.plan, inserted(liar), job.keystore, destructive=True)
    assert liar.fired
    # Whoever is believed by such a card does not get its proof: the attempt counts as refused, the card as unproven.
    assert report.verdict is Verdict.GOOD or broken(report) <= OF_A_SAMPLE[name]


@pytest.mark.parametrize("name", sorted({*FOUND, *WHILE_IT_IS_MADE} - UNSEEN_WHILE_IT_IS_MADE))
def test_a_card_that_lies_is_not_made_good(job, name):
    liar = cipurse_lies()[name](job.fresh(), 0)
    outcome = personalize(job.plan, inserted(liar), job.keystore)
    assert liar.fired
    assert (outcome.verdict, bool(outcome.reject)) == (Verdict.BAD, True)


@pytest.mark.parametrize("name", sorted({*FOUND, *WHILE_IT_IS_MADE} - UNSEEN_WHILE_IT_IS_MADE - NOT_FINISHED))
def test_whatever_it_lied_about_it_is_finished_once_it_is_honest(job, name, tmp_path):
    """What a card that lied ended with is looked at, not believed."""
    for at in (1, 2, 5):
        store = tmp_path / f"{at}"
        liar = cipurse_lies()[name](make_card("cipurse", seed=1, store=store), 0, at=at)
        personalize(job.plan, inserted(liar), job.keystore)
        chip = make_card("cipurse", seed=1, store=store)
        outcome = personalize(job.plan, inserted(chip), job.keystore, resume=True)
        assert (at, outcome.verdict) == (at, Verdict.GOOD)
        assert (at, dict(chip.memory())) == (at, job.undisturbed)


def test_a_reader_with_another_card_in_it_is_no_chip_of_ours(job):
    outcome = personalize(job.plan, inserted(make_card("cipurse-v2", seed=1)), job.keystore)
    assert (outcome.verdict, outcome.reject.code) == (Verdict.BAD, "CARD_TYPE")


# One command at a time: the client ends with an error that blames the card, and sends nothing more into that session.

GATE = 2


def opened(job, chip):
    product = job.plan.blueprint.product
    (city,) = product.applications
    client = CipurseClient(inserted(chip).channel)
    uid = client.uid()
    client.select_application(city.aid)
    with job.keystore.card_key(city.keys[GATE - 1].for_card(uid)) as key:
        client.authenticate(GATE, key, client.challenge(), bytes(22))
    return client, [file.rules(sealed=True) for file in city.files]


OF_A_MAC = ("wrong-mac", "no-mac", "short-mac", "plain-answer", "bare-9000")
OF_A_CIPHER = ("plain-answer", "bare-9000", "mac-for-enciphered", "wrong-mic", "bad-padding", "status-differs")
ENVIRONMENT, CONTRACTS = iso.read_binary(0, 64, 1), commands.read_records(1, 2, 192)


@pytest.mark.parametrize(("name", "file"), [*((name, 0) for name in OF_A_MAC), *((name, 1) for name in OF_A_CIPHER)])
def test_an_answer_that_is_not_protected_ends_the_session(job, finished, name, file):
    liar = cipurse_lies()[name](copy.deepcopy(finished), 0)
    client, files = opened(job, liar)
    with pytest.raises(SecureMessagingError):
        client.require((ENVIRONMENT, CONTRACTS)[file], "file", files[file].pair(Operation.READ))
    assert (liar.fired, client.key) == (1, 0)


def test_more_than_was_asked_for_is_refused(job, finished):
    client, files = opened(job, cipurse_lies()["more-than-asked"](copy.deepcopy(finished), 0))
    with pytest.raises(ProtocolError, match="were asked for"):
        client.require(ENVIRONMENT, "environment", files[0].pair(Operation.READ))


def test_a_weaker_level_is_never_chosen(job, finished):
    """What a card says of its rules does not make the client speak plainly: the profile says how."""
    liar = cipurse_lies()["smr-weaker"](copy.deepcopy(finished), 0)
    sent = []
    transmit = liar.transmit
    liar.transmit = lambda command: sent.append(command) or transmit(command)
    verify(job.plan, inserted(liar), job.keystore)
    reads = [command for command in sent if command[1] == 0xB2 and command[0] == 0x04 and command[2:4] == b"\x01\x15"]
    assert {command[5] for command in reads} == {0x49}  # MAC, enciphered answer, Le


def test_control_a_careless_client_is_found_out(job, finished, monkeypatch):
    monkeypatch.setattr("cardkit.secure.cipurse.hmac.compare_digest", lambda *_: True)
    client, files = opened(job, cipurse_lies()["wrong-mac"](copy.deepcopy(finished), 0))
    assert len(client.require(ENVIRONMENT, "environment", files[0].pair(Operation.READ))) == 64

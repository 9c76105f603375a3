"""Verification: what is missing is found where it is missing, what is unproven is said to be."""

from __future__ import annotations

import hashlib
import json

import pytest

from cardkit.desired import Phase, Role
from cardkit.errors import CardError
from cardkit.perso import Verdict, identify, personalize, read_identity, verify
from cardkit.virtual import VirtualCard

WRITING = (Role.WRITE, Role.DELETE, Role.CHANGE)
OK = b"\x90\x00"


def written_states(job):
    return [state.name for state in job.plan().states if state.phase is Phase.WRITE]


def left_out(job, name):
    """Return a spoiler: the card says it has taken the state, and has not."""
    steps = job.plan().steps
    skipped = {
        number
        for number, step in enumerate(steps, 1)
        if step.serves == name
        and step.role in (Role.WRITE, Role.DELETE, Role.CHANGE)
        and step.phase is not Phase.VERIFY
    }
    assert skipped
    return lambda number, command, card: OK if number in skipped else card.transmit(command)


USIM_TEST_STATES = (
    "marker started", "MF/EF.ICCID", "ADF.USIM/EF.IMSI", "ADF.USIM/EF.AD", "ADF.USIM/EF.ACC", "ADF.USIM/EF.UST",
    "ADF.USIM/EF.PLMNwAcT", "ADF.USIM/EF.OPLMNwAcT", "ADF.USIM/EF.HPLMNwAcT", "ADF.USIM/EF.EHPLMN", "ADF.USIM/EF.SPN",
    "ADF.USIM/EF.MSISDN#1", "ADF.USIM/EF.SMSP#1", "ADF.USIM/EF.ePDGId", "ADF.USIM/EF.ePDGSelection",
    "ADF.USIM/EF.USIM_AUTH_KEY", "ADF.USIM/EF.USIM_SQN", "ADF.ISIM/EF.IMPI", "ADF.ISIM/EF.DOMAIN", "ADF.ISIM/EF.IMPU#1",
    "ADF.ISIM/EF.P-CSCF#1", "ADF.ISIM/EF.AD", "ADF.ISIM/EF.ISIM_AUTH_KEY", "DF.GSM/EF.PLMNsel",
    "DF.SYSTEM/EF.SIM_AUTH_KEY", "DF.SYSTEM/EF.PIN1", "DF.SYSTEM/EF.PIN2", "ADM1", "marker removed",
)  # fmt: skip


def test_the_list_of_states_is_complete(job):
    assert sorted(USIM_TEST_STATES) == sorted(state.name for state in job.plan().states)


@pytest.mark.parametrize("name", USIM_TEST_STATES)
def test_a_state_left_out_is_found_by_its_own_check(job, tap, name):
    _, card = tap(left_out(job, name))
    outcome = personalize(job.plan(), card, job.keystore)
    assert outcome.verdict is Verdict.BAD
    assert {finding.where for finding in outcome.findings if finding.bad} == {name}


@pytest.mark.parametrize("name", [name for name in USIM_TEST_STATES if name not in ("marker started", "ADM1")])
def test_verify_alone_finds_a_state_left_out(job, tap, name):
    """The card was made by somebody who never looked: check and seal saw nothing."""
    todo = job.plan()
    seam, card = tap()
    personalize(todo, card, job.keystore)
    spoiled = VirtualCard("usim", seed=1)
    skip = left_out(job, name)
    for number, command in enumerate(seam.sent, 1):
        if todo.steps[number - 1].phase in (Phase.FENCE, Phase.WRITE, Phase.SEAL):
            skip(number, command, spoiled)
        if number == 46:
            spoiled.power(True)
            spoiled.transmit(bytes.fromhex("00A4000C023F00"))
    _, card = tap(chip=spoiled)
    report = verify(todo, card, job.keystore)
    assert report.verdict is Verdict.BAD
    assert name in {finding.where for finding in report.findings if finding.bad}


def test_a_left_out_state_names_its_rule(job, tap):
    todo = job.plan()
    rules = {state.name: state.rule for state in todo.states}
    for name in (
        "MF/EF.ICCID",
        "ADF.USIM/EF.IMSI",
        "ADF.USIM/EF.UST",
        "ADF.USIM/EF.PLMNwAcT",
        "ADM1",
        "marker removed",
    ):
        _, card = tap(left_out(job, name))
        outcome = personalize(todo, card, job.keystore)
        assert rules[name] in {finding.rule for finding in outcome.findings if finding.bad}


def test_a_bad_card_is_not_sealed(job, tap):
    seam, card = tap(left_out(job, "ADF.USIM/EF.IMSI"))
    personalize(job.plan(), card, job.keystore)
    card.reset()
    assert identify(job.profile, card).state == "started"
    assert all(command[1] not in (0x24, 0xE4) for command in seam.sent)


def test_a_key_left_as_delivered_stops_the_batch(job, tap):
    _, card = tap(left_out(job, "ADM1"))
    reject = personalize(job.plan(), card, job.keystore).reject
    assert (reject.code, reject.security_stop) == ("TRANSPORT_KEY_STILL_VALID", True)


@pytest.mark.parametrize("bit", [0, 8 * 5 + 7, 8 * 20 + 3])
@pytest.mark.parametrize(
    "name", ["DF.SYSTEM/EF.PIN1", "DF.SYSTEM/EF.PIN2", "ADF.USIM/EF.USIM_AUTH_KEY", "ADF.ISIM/EF.IMPI"]
)
def test_a_flipped_bit_on_its_way_to_the_card_is_found(job, tap, name, bit):
    steps = job.plan().steps
    at = next(number for number, step in enumerate(steps, 1) if step.serves == name and step.role is Role.WRITE)

    def flip(number, command, card):
        if number == at:
            data = bytearray(command)
            data[5 + bit // 8] ^= 1 << bit % 8
            command = bytes(data)
        return card.transmit(command)

    _, card = tap(flip)
    assert personalize(job.plan(), card, job.keystore).verdict is Verdict.BAD


def test_without_keys_nothing_secret_is_sent_and_the_card_is_not_called_good(job, tap):
    seam, card = tap()
    personalize(job.plan(), card, job.keystore)
    sent = len(seam.sent)
    report = verify(job.plan(), card, job.keystore, without_keys=True)
    assert report.verdict is Verdict.UNPROVEN
    assert not any(finding.bad for finding in report.findings)
    unchecked = {finding.rule for finding in report.findings if finding.not_checked}
    assert {"UICC-062", "UICC-064", "UICC-090", "UICC-091", "UICC-092", "UICC-095", "UICC-096", "UICC-093"} <= unchecked
    assert not unchecked & set(report.checked)
    for command in seam.sent[sent:]:
        assert command[1] not in (0x24, 0x88)
        assert command[1] not in (0x20, 0x2C) or len(command) == 4


def test_a_card_never_personalized_is_bad(job, tap):
    seam, card = tap()
    memory = dict(seam.card.memory())
    report = verify(job.plan(), card, job.keystore)
    assert report.verdict is Verdict.BAD
    assert dict(seam.card.memory()) == memory


def test_another_records_card_is_bad_and_keeps_its_counters(job, tap):
    seam, card = tap()
    personalize(job.plan(1), card, job.keystore)
    memory = dict(seam.card.memory())
    report = verify(job.plan(2), card, job.keystore)
    assert report.verdict is Verdict.BAD
    assert "UICC-001" in {finding.rule for finding in report.findings if finding.bad}
    assert dict(seam.card.memory()) == memory


def test_a_rule_on_an_unreadable_file_says_so(job, tap):
    def hide(number, command, card):
        return bytes.fromhex("6982") if command[:2] == b"\x00\xb0" and command[2] == 0x84 else card.transmit(command)

    _, card = tap()
    personalize(job.plan(), card, job.keystore)
    card.channel.connection._card.spoil = hide
    report = verify(job.plan(), card, job.keystore)
    unchecked = {finding.rule for finding in report.findings if finding.not_checked}
    assert {"UICC-043", "UICC-040", "UICC-041", "UICC-042"} <= unchecked
    assert report.verdict is Verdict.UNPROVEN


def test_a_missing_file_is_told_from_an_unreadable_one(job, tap):
    def lose(number, command, card):
        return (
            bytes.fromhex("6A82") if command[:1] == b"\x00" and command[5:7] == b"\x6f\x46" else card.transmit(command)
        )

    _, card = tap()
    personalize(job.plan(), card, job.keystore)
    card.channel.connection._card.spoil = lose
    bad = [finding for finding in verify(job.plan(), card, job.keystore).findings if finding.bad]
    assert [(finding.rule, finding.where, finding.actual) for finding in bad] == [
        ("UICC-020", "ADF.USIM/EF.SPN", "no such file")
    ]


def test_a_directory_that_cannot_be_selected_condemns_its_files_and_no_others(job, tap):
    def lose(number, command, card):
        return bytes.fromhex("6A82") if command[5:12] == bytes.fromhex("A0000000871004") else card.transmit(command)

    _, card = tap()
    personalize(job.plan(), card, job.keystore)
    card.channel.connection._card.spoil = lose
    bad = {finding.where for finding in verify(job.plan(), card, job.keystore).findings if finding.bad}
    assert bad
    assert all(where.startswith("ADF.ISIM/") for where in bad)


def test_a_lying_sequence_number_is_found(job, tap):
    """A card that accepts the stale challenge does not check SQN."""

    def accept(number, command, card):
        answer = card.transmit(command)
        return b"\xdb" + answer[1:] if command[1] == 0x88 and answer[:1] == b"\xdc" else answer

    _, card = tap(accept)
    outcome = personalize(job.plan(), card, job.keystore)
    assert "UICC-090" in {finding.rule for finding in outcome.findings if finding.bad}


def test_the_identity_of_a_finished_card_finds_its_record(job, tap):
    _, card = tap()
    personalize(job.plan(7), card, job.keystore)
    card.reset()
    assert read_identity(job.profile, card) == ("iccid", job.records[6]["iccid"])


def test_a_blank_card_has_no_identity(job, tap):
    _, card = tap()
    with pytest.raises(CardError, match=r"MF/EF\.ICCID"):
        read_identity(job.profile, card)


def test_evidence_is_canonical_and_holds_no_subscriber(job, tap):
    _, card = tap()
    outcome = personalize(job.plan(), card, job.keystore)
    text = json.dumps(outcome.evidence, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    assert hashlib.sha256(text.encode()).digest() == outcome.evidence_sha256
    record = job.records[0]
    for name in ("imsi", "msisdn", "iccid"):
        swapped = "".join(b + a for a, b in zip(record[name][::2], record[name][1::2], strict=False))
        assert record[name] not in text
        assert swapped not in text


def test_the_same_card_gives_the_same_evidence(job, tap):
    digests = set()
    for _ in range(2):
        _, card = tap()
        digests.add(personalize(job.plan(), card, job.keystore).evidence_sha256)
    assert len(digests) == 1

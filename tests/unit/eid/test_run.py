"""A blank chip becomes a PIV card, is proven and sealed; what is wrong with one is found by the right rule alone."""

from __future__ import annotations

import copy
import os
from datetime import UTC, datetime

import pytest

from cardkit.apdu import CommandAPDU
from cardkit.apps.eid import commands, objects
from cardkit.apps.eid.algorithms import KEY_ALGORITHMS, SLOTS
from cardkit.apps.eid.client import PivClient
from cardkit.apps.eid.objects import CertificateObject
from cardkit.apps.pki.certificate import Certificate
from cardkit.apps.pki.trust import TrustStore
from cardkit.crypto import Secret
from cardkit.desired import Part
from cardkit.errors import (
    AuthenticationError,
    NotFoundError,
    ProtocolError,
    SecurityStatusError,
    StatusError,
    TransportError,
)
from cardkit.perso import MarkerState, Verdict, identify, personalize, read_identity, verify
from cardkit.virtual import make_card
from tests.hostile.tearing import ANSWER_LOST, Cut
from tests.unit.eid.conftest import IMAGE, PROFILE, inserted

MANAGEMENT = Secret(bytes.fromhex("A0A1A2A3A4A5A6A7A8A9AAABACADAEAFB0B1B2B3B4B5B6B7B8B9BABBBCBD0001"), "test")
DELIVERED = Secret(bytes.fromhex("0102030405060708") * 3, "delivered")
PIN, PUK = Secret(b"246811", "test"), Secret(b"13570037", "test")


def make(job, seed=1):
    """Return a finished card."""
    chip = make_card(IMAGE, seed=seed)
    outcome = personalize(job.plan(), inserted(chip), job.keystore)
    assert (outcome.verdict, outcome.findings) == (Verdict.GOOD, ())
    return chip


@pytest.fixture(scope="module")
def finished(job):
    return make(job)


@pytest.fixture
def made(finished):
    """A finished card of one's own."""
    return copy.deepcopy(finished)


def opened(chip):
    """Return the card's client, PIV selected."""
    client = PivClient(inserted(chip).channel)
    client.select()
    return client


def managing(chip):
    """Return the card's client, the management key proven."""
    client = opened(chip)
    client.authenticate("AES-256", MANAGEMENT, os.urandom)
    return client


def found(job, chip):
    report = verify(job.plan(), inserted(chip), job.keystore)
    return {(finding.rule, finding.where) for finding in report.findings}


def test_a_finished_card_has_no_findings(job, made):
    report = verify(job.plan(), inserted(made), job.keystore)
    assert (report.verdict, report.findings, report.checked) == (
        Verdict.GOOD,
        (),
        ("EID-001", "EID-002", "EID-003", "EID-004"),
    )


def test_its_certificates_are_under_the_issuer_and_say_what_the_record_says(made):
    client = opened(made)
    trust = TrustStore.of([("issuer.cer", (PROFILE / "issuer.cer").read_bytes())])
    for slot in SLOTS.values():
        found = Certificate.parse(CertificateObject.parse(client.read(slot.certificate)).certificate)
        assert len(trust.chain(found)) > 0
        assert b"GULNORA NAMUNAVIY" in found.subject
        assert found.not_before == datetime(2026, 2, 1, tzinfo=UTC)
        assert found.not_after == datetime(2031, 1, 31, 23, 59, 59, tzinfo=UTC)
        assert found.key_usage == {"9A": 0x80, "9C": 0xC0, "9D": 0x08, "9E": 0x80}[slot.name]


def test_keys_were_made_on_the_card(made):
    client = opened(made)
    assert all(client.metadata(slot.reference).generated for slot in SLOTS.values())


def test_the_commands_are_those_that_were_planned(job):
    todo = job.plan()
    chip = make_card(IMAGE, seed=5)
    sent = []
    card = inserted(chip)
    original = chip.transmit
    chip.transmit = lambda command: sent.append(command) or original(command)
    personalize(todo, card, job.keystore)
    parts = todo.blueprint.parts
    planned = [step.command.ins for part in Part for step in parts[part]]
    answers = (0xC0, commands.PivIns.GENERAL_AUTHENTICATE)
    ins = [command[1] for command in sent if not command[0] & 0x10]
    assert [each for each in ins if each not in answers] == [each for each in planned if each not in answers]


def test_a_finished_card_is_no_blank(job, made):
    assert identify(job.profile, inserted(made)).state is MarkerState.FINAL
    assert personalize(job.plan(), inserted(made), job.keystore).reject.code == "NOT_BLANK"
    assert read_identity(job.profile, inserted(made)) == ("credential", "100001")


def test_without_keys_nothing_is_proven(job, made):
    assert verify(job.plan(), inserted(made), job.keystore, without_keys=True).verdict is not Verdict.GOOD


def test_another_record_is_found_by_its_contents(job, made):
    report = verify(job.plan(2, "b"), inserted(made), job.keystore)
    assert {finding.rule for finding in report.findings} == {"EID-001", "EID-002", "EID-003"}


def test_a_chuid_of_another_card_is_found_alone(job, made):
    client = managing(made)
    other = bytearray(client.read(objects.CHUID))
    other[30] ^= 1  # in the GUID
    client.write(objects.CHUID, bytes(other))
    assert found(job, made) == {("EID-001", "CHUID")}


def test_a_key_made_anew_is_found_alone(job, made):
    managing(made).generate(SLOTS["9E"], KEY_ALGORITHMS["P-256"])
    assert found(job, made) == {("EID-002", "certificate 9E"), ("EID-002", "key 9E")}


def test_a_key_that_agrees_on_something_else_is_found_alone(job, made):
    class Other:
        def __init__(self, chip):
            self._chip = chip
            self.atr, self.power = chip.atr, chip.power

        def transmit(self, command):
            answer = self._chip.transmit(command)
            agreeing = command[1:4] == bytes.fromhex("87119D") and answer.endswith(b"\x90\x00")
            return answer[:-3] + bytes((answer[-3] ^ 1,)) + answer[-2:] if agreeing else answer

    assert found(job, Other(made)) == {("EID-002", "key 9D")}


def test_a_certificate_by_nobody_is_found_alone(job, made):
    client = managing(made)
    body = bytearray(client.read(0x5FC101))
    body[-8] ^= 1  # in the signature
    client.write(0x5FC101, bytes(body))
    assert found(job, made) == {("EID-002", "certificate 9E")}


def test_a_counter_that_is_not_full_is_found_and_not_touched(job, made):
    client = opened(made)
    with pytest.raises(StatusError, match="63C2"):
        client.send(commands.verify(Secret(b"000000", "wrong")), "VERIFY")
    unproven = {(rule, where) for rule, where in found(job, made) if rule == "EID-003"}
    assert unproven == {("EID-003", "PIN"), ("EID-003", "PUK")}
    assert opened(made).metadata(commands.PIN).left == 2


def test_another_puk_is_found_alone(job, made):
    client = opened(made)
    client.send(commands.change(commands.PUK, PUK, Secret(b"99999999", "other")), "CHANGE")
    assert found(job, made) == {("EID-003", "PUK")}


def test_another_management_key_is_found_alone(job, made):
    client = managing(made)
    client.send(commands.set_management_key(0x0C, Secret(bytes(range(32)), "other")), "SET MANAGEMENT KEY")
    assert found(job, made) == {("EID-003", "management key")}


def test_the_delivered_management_key_is_found_alone(job, made):
    managing(made).send(commands.set_management_key(0x03, DELIVERED), "SET MANAGEMENT KEY")
    assert found(job, made) == {("EID-003", "management key")}


class Lax:
    """A chip in whose place somebody takes what must be refused."""

    def __init__(self, chip, ins, p2):
        self._chip, self._ins, self._p2 = chip, ins, p2
        self.atr, self.power = chip.atr, chip.power

    def transmit(self, command):
        answer = self._chip.transmit(command)
        refused = answer == b"\x69\x82" and command[1] == self._ins and command[3] == self._p2
        return b"\x90\x00" if refused else answer


@pytest.mark.parametrize(
    ("ins", "p2", "where"),
    [
        (0xDB, 0xFF, {"CHUID without management key"}),
        (0x87, 0x9A, {"key 9A without PIN"}),
        (0x87, 0x9C, {"key 9C without PIN", "key 9C without fresh PIN"}),
    ],
)
def test_what_a_card_does_not_refuse_is_found_alone(job, made, ins, p2, where):
    assert found(job, Lax(made, ins, p2)) == {("EID-004", each) for each in where}


def test_the_finished_card_keeps_its_rights(made):
    client = opened(made)
    with pytest.raises(SecurityStatusError):
        client.write(objects.CHUID, b"")
    with pytest.raises(SecurityStatusError):
        client.generate(SLOTS["9A"], KEY_ALGORITHMS["P-256"])
    with pytest.raises(NotFoundError):
        client.metadata(0x82)


def commands_of(job):
    """Return how many commands a blank card gets."""
    chip = make_card(IMAGE, seed=3)
    count = 0
    original = chip.transmit

    def transmit(command):
        nonlocal count
        count += 1
        return original(command)

    chip.transmit = transmit
    personalize(job.plan(), inserted(chip), job.keystore)
    return count


def test_a_card_torn_after_any_fifth_command_is_made_good(job):
    total = commands_of(job)
    for number in range(1, total, 5):
        chip = make_card(IMAGE, seed=100 + number)
        with pytest.raises(TransportError):
            personalize(job.plan(), inserted(Cut(chip, number, ANSWER_LOST)), job.keystore)
        outcome = personalize(job.plan(), inserted(chip), job.keystore, resume=True)
        assert (number, outcome.verdict, outcome.findings) == (number, Verdict.GOOD, ())


@pytest.mark.parametrize(
    ("witness", "error"),
    [("7C028000", ProtocolError), ("7C128010" + "00" * 16, ProtocolError), ("7C03", ProtocolError)],
)
def test_a_witness_of_another_size_is_the_cards_fault(witness, error):
    chip = make_card(IMAGE, seed=6)
    original = chip.transmit
    answer = bytes.fromhex(witness) + b"\x90\x00"
    chip.transmit = lambda command: answer if command[1] == 0x87 else original(command)
    with pytest.raises(error):
        opened(chip).authenticate("3DES-192", DELIVERED, os.urandom)


def test_a_card_that_does_not_prove_the_management_key_is_refused():
    chip = make_card(IMAGE, seed=6)
    original = chip.transmit
    proof = bytes.fromhex("7C0A8208" + "00" * 8 + "9000")
    chip.transmit = lambda command: proof if command[1] == 0x87 and len(command) > 12 else original(command)
    with pytest.raises(AuthenticationError, match="proof"):
        opened(chip).authenticate("3DES-192", DELIVERED, os.urandom)


def test_an_answer_that_is_no_object_is_the_cards_fault(job):
    class Mad:
        def __init__(self, chip):
            self._chip = chip
            self.atr, self.power = chip.atr, chip.power

        def transmit(self, command):
            answer = self._chip.transmit(command)
            return bytes((0x53, 0x84, 0xFF, 0xFF, 0xFF, 0xFF, 0x90, 0x00)) if len(answer) > 2 else answer

    outcome = personalize(job.plan(), inserted(Mad(make_card(IMAGE, seed=9))), job.keystore)
    assert (outcome.bound, outcome.reject.code) == (False, "CARD_TYPE")
    assert CommandAPDU(0x00, 0xF8, 0x00, 0x00, ne=256) == commands.serial()

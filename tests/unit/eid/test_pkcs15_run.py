"""A blank chip becomes a PKCS#15 card, proven and sealed; what is wrong with one is found by the right rule alone."""

from __future__ import annotations

import copy
import shutil
from datetime import UTC, datetime

import pytest

from cardkit.apps.eid.pkcs15 import commands
from cardkit.apps.eid.pkcs15.client import enciphered
from cardkit.apps.eid.pkcs15.commands import Environment
from cardkit.apps.eid.pkcs15.product import DF_PATH
from cardkit.apps.pki.certificate import Certificate
from cardkit.apps.pki.publickey import RsaKey
from cardkit.apps.pki.trust import TrustStore
from cardkit.crypto import Secret
from cardkit.desired import Part
from cardkit.encoding import tlv
from cardkit.errors import EncodingError, ProfileError, ProtocolError, StatusError, TransportError
from cardkit.perso import MarkerState, Verdict, identify, personalize, read_identity, verify
from cardkit.virtual import make_card
from tests.hostile.tearing import ANSWER_LOST, Cut
from tests.unit.eid.conftest import inserted
from tests.unit.eid.pkcs15 import IMAGE, PROFILE, Changed, Job, found, opened, read, selected

PIN, PUK = Secret(b"241810", "test"), Secret(b"1357000100000037", "test")
OTHER = Secret(b"999999", "other")
SIGNING = bytes.fromhex("22 41B6 06 8001")


@pytest.fixture(scope="session")
def job():
    return Job()


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


# A good card


def test_a_finished_card_has_no_findings(job, made):
    report = verify(job.plan(), inserted(made), job.keystore)
    rules = ("EID-002", "EID-003", "EID-004", "EID-005")
    assert (report.verdict, report.findings, report.checked) == (Verdict.GOOD, (), rules)


def test_its_certificates_are_under_the_issuer_and_say_what_the_record_says(made):
    client = opened(made)
    trust = TrustStore.of([("issuer.cer", (PROFILE / "issuer.cer").read_bytes())])
    usages = []
    for fid in (0x3401, 0x3402, 0x3403):
        certificate = Certificate.parse(read(client, fid))
        assert len(trust.chain(certificate)) > 0
        assert b"GULNORA NAMUNAVIY" in certificate.subject
        assert certificate.not_before == datetime(2026, 2, 1, tzinfo=UTC)
        assert certificate.not_after == datetime(2031, 1, 31, 23, 59, 59, tzinfo=UTC)
        usages.append(certificate.key_usage)
    assert usages == [0x80, 0xC0, 0x20]


def test_every_file_is_as_long_as_what_is_in_it(job, made):
    client = opened(made, PIN)
    for file in job.plan().blueprint.product.files.values():
        whole = client.read(client.select(file.path).size)
        objects = tlv.parse(whole) if file.name != "data person" else [whole]
        assert (file.name, len(objects) > 0) == (file.name, True)


def test_the_commands_are_those_that_were_planned(job):
    todo = job.plan()
    chip = make_card(IMAGE, seed=5)
    sent = []
    card = inserted(chip)
    original = chip.transmit
    chip.transmit = lambda command: sent.append(command) or original(command)
    personalize(todo, card, job.keystore)
    parts = todo.blueprint.parts
    planned = [(step.command.ins, step.command.p1, step.command.p2) for part in Part for step in parts[part]]
    reads = 0xB0
    assert [tuple(command[1:4]) for command in sent if command[1] != reads] == [
        each for each in planned if each[0] != reads
    ]


def test_a_finished_card_is_no_blank(job, made):
    assert identify(job.profile, inserted(made)).state is MarkerState.FINAL
    assert personalize(job.plan(), inserted(made), job.keystore).reject.code == "NOT_BLANK"
    assert read_identity(job.profile, inserted(made)) == ("credential", "20000001")


def test_without_keys_nothing_is_proven(job, made):
    assert verify(job.plan(), inserted(made), job.keystore, without_keys=True).verdict is not Verdict.GOOD


def test_its_codes_are_changed_and_unblocked_by_who_has_them(made):
    client = opened(made)
    for left in ("63C2", "63C1", "63C0"):
        with pytest.raises(StatusError, match=left):
            client.send(commands.verify(OTHER), "VERIFY")
    with pytest.raises(StatusError, match="6983"):
        client.send(commands.verify(PIN), "VERIFY")
    with pytest.raises(StatusError, match="63C2"):
        client.send(commands.unblock(OTHER, PIN), "UNBLOCK")
    client.send(commands.unblock(PUK, OTHER), "UNBLOCK")
    fresh = opened(made)
    assert fresh.tries_left(commands.PIN) == 3
    fresh.send(commands.verify(OTHER), "VERIFY")


@pytest.mark.parametrize(
    ("algorithm", "made_by"), [("RSA-2048", "card"), ("brainpoolP256r1", "card"), ("P-256", "issuer")]
)
def test_keys_of_other_kinds_are_made_and_proven(tmp_path, algorithm, made_by):
    folder = tmp_path / "other"
    shutil.copytree(PROFILE, folder)
    profile = folder / "profile.toml"
    text = profile.read_text(encoding="utf-8")
    keys = f'[[pkcs15.keys]]\nlabel = "one"\nalgorithm = "{algorithm}"\nuse = "authentication"\nmade = "{made_by}"\n'
    profile.write_text(text[: text.index("[[pkcs15.keys]]")] + keys, encoding="utf-8")
    job = Job(folder)
    assert found(job, make(job)) == set()


# What is wrong with a card


def test_another_record_is_found_by_its_contents(job, made):
    report = verify(job.plan(2), inserted(made), job.keystore)
    found_rules = {(finding.rule, finding.where) for finding in report.findings}
    labels = ("authentication", "signature", "encipherment")
    assert found_rules == {
        *(("EID-002", f"certificate {label}") for label in labels),
        *(("EID-002", f"key {label}") for label in labels),  # another PIN opens them
        ("EID-005", "EF.TokenInfo"),
        ("EID-005", "public key encipherment"),
        ("EID-005", "data person"),
        ("EID-003", "PIN"),
        ("EID-003", "PUK"),
    }


def test_a_file_with_other_contents_is_found_alone(job, made):
    def answering(self, command, answer):
        return answer.replace(b"Utopia", b"Atopia") if command[1] == 0xB0 and selected(self, "5032") else answer

    assert found(job, Changed(made, answering)) == {("EID-005", "EF.TokenInfo")}


def test_a_file_that_is_longer_than_its_contents_is_found_alone(job, made):
    def answering(self, command, answer):
        if command[1] == 0xA4 and selected(self, "4404"):
            return answer[:5] + bytes((answer[5] + 2,)) + answer[6:]
        return answer[:-2] + bytes(2) + answer[-2:] if command[1] == 0xB0 and selected(self, "4404") else answer

    assert found(job, Changed(made, answering)) == {("EID-005", "EF.CDF")}


def test_a_file_that_is_not_there_is_found_alone(job, made):
    def answering(self, command, answer):
        return b"\x6a\x82" if command[1] == 0xA4 and selected(self, "5031") else answer

    assert found(job, Changed(made, answering)) == {("EID-005", "EF.ODF")}


def test_a_file_anybody_may_write_is_found_alone(job, made):
    def answering(self, command, answer):
        return answer.replace(b"\xff\xff\xff\x00\x8a", b"\xff\xff\x00\x00\x8a") if selected(self, "4402") else answer

    assert found(job, Changed(made, answering)) == {("EID-004", "EF.PrKDF")}


def test_a_card_that_is_still_open_is_found_alone(job, made):
    def answering(self, command, answer):
        return (
            answer.replace(b"\x8a\x01\x05", b"\x8a\x01\x03")
            if command[1] == 0xA4 and selected(self, "3F00")
            else answer
        )

    assert found(job, Changed(made, answering)) == {("EID-004", "MF")}


def test_a_certificate_by_nobody_is_found_alone(job, made):
    def answering(self, command, answer):
        broken = command[1] == 0xB0 and selected(self, "3402")
        return answer[:-3] + bytes((answer[-3] ^ 1,)) + answer[-2:] if broken else answer

    assert found(job, Changed(made, answering)) == {("EID-002", "certificate signature")}


def test_a_certificate_of_another_key_is_found_with_the_key(job, made):
    def answering(self, command, answer):
        return answer.replace(answer[60:70], bytes(10)) if command[1] == 0xB0 and selected(self, "3301") else answer

    where = {where for rule, where in found(job, Changed(made, answering)) if rule == "EID-002"}
    assert where == {"certificate authentication"}


@pytest.mark.parametrize(("reference", "label"), [(0, "authentication"), (2, "encipherment")])
def test_a_key_that_is_not_its_certificates_is_found_alone(job, made, reference, label):
    def answering(self, command, answer):
        environments = [each for each in self.history if each[1] == 0x22]
        mine = command[1] == 0x2A and environments[-1][-1] == reference
        return answer[:-3] + bytes((answer[-3] ^ 1,)) + answer[-2:] if mine and len(answer) > 2 else answer

    assert found(job, Changed(made, answering)) == {("EID-002", f"key {label}")}


def test_another_pin_is_found_and_the_puk_not_tried(job, made):
    client = opened(made)
    client.send(commands.unblock(PUK, OTHER), "UNBLOCK")
    seen = Changed(made, lambda self, command, answer: answer)
    rules = {(rule, where) for rule, where in found(job, seen) if rule == "EID-003"}
    assert rules == {("EID-003", "PIN"), ("EID-003", "PUK")}
    assert [command for command in seen.history if command[1] == 0x2C] == []


def test_another_puk_is_found_alone(job, made):
    def answering(self, command, answer):
        return b"\x63\xc2" if command[1] == 0x2C else answer

    assert found(job, Changed(made, answering)) == {("EID-003", "PUK")}


def test_a_counter_that_is_not_full_is_found_and_not_touched(job, made):
    with pytest.raises(StatusError, match="63C2"):
        opened(made).send(commands.verify(OTHER), "VERIFY")
    assert {where for rule, where in found(job, made) if rule == "EID-003"} == {"PIN", "PUK"}
    assert opened(made).tries_left(commands.PIN) == 2


@pytest.mark.parametrize(
    ("ins", "choose", "where"),
    [
        (0x2A, lambda history: history[-2][-1] == 0, "key authentication without PIN"),
        (0x2A, lambda history: history[-2][-1] == 2, "key encipherment without PIN"),
        (0xE0, lambda history: True, "creating a file"),
        (0x46, lambda history: True, "making a key without PIN"),
        (0xB0, lambda history: b"\x35\x01" in history[-2], "data person without PIN"),
    ],
)
def test_what_a_card_does_not_refuse_is_found_alone(job, made, ins, choose, where):
    def answering(self, command, answer):
        lax = answer == b"\x69\x82" and command[1] == ins and choose(self.history)
        return b"\x90\x00" if lax else answer

    assert found(job, Changed(made, answering)) == {("EID-004", where)}


def test_writing_that_is_not_refused_is_found_alone(job, made):
    def answering(self, command, answer):
        return b"\x90\x00" if command[1] == 0xD6 else answer

    wheres = {("EID-004", f"writing EF.TokenInfo {how}") for how in ("without PIN", "with PIN")}
    assert found(job, Changed(made, answering)) == wheres


# A card that was begun


def test_a_card_torn_after_any_thirtieth_command_is_made_good(job):
    total = len(job.plan().steps)
    for number in range(5, total, 30):
        chip = make_card(IMAGE, seed=100 + number)
        with pytest.raises(TransportError):
            personalize(job.plan(), inserted(Cut(chip, number, ANSWER_LOST)), job.keystore)
        outcome = personalize(job.plan(), inserted(chip), job.keystore, resume=True)
        assert (number, outcome.verdict, outcome.findings) == (number, Verdict.GOOD, ())


def begun(job, at=40):
    """Return a chip whose run was cut, files and keys half made."""
    chip = make_card(IMAGE, seed=7)
    with pytest.raises(TransportError):
        personalize(job.plan(), inserted(Cut(chip, at, ANSWER_LOST)), job.keystore)
    return chip


def test_a_begun_card_with_a_wrong_file_gets_the_right_one(job):
    chip = begun(job)
    client = opened(chip)
    client.select(DF_PATH)
    client.send(commands.delete_file(0x5032), "DELETE")
    client.send(commands.create_file(0x5032, 5, commands.READ_BY_PIN), "CREATE")
    assert identify(job.profile, inserted(chip)).state is MarkerState.BEGUN
    assert personalize(job.plan(), inserted(chip), job.keystore, resume=True).verdict is Verdict.GOOD
    assert found(job, chip) == set()


def test_a_begun_card_with_another_directory_is_made_anew(job):
    chip = begun(job)
    client = opened(chip)
    client.select(b"\x3f\x00")
    client.send(commands.delete_file(0x5015), "DELETE")
    client.send(commands.create_directory(0x5015, b"OTHER", commands.READ_ONLY), "CREATE")
    assert personalize(job.plan(), inserted(chip), job.keystore, resume=True).verdict is Verdict.GOOD
    assert found(job, chip) == set()


def test_a_begun_card_whose_key_was_made_again_gets_its_certificate(job):
    chip = begun(job, 55)
    client = opened(chip)
    client.environment(Environment.MAKE, commands.ALGORITHMS["P-256"], 0)
    client.generate(commands.ALGORITHMS["P-256"])
    assert personalize(job.plan(), inserted(chip), job.keystore, resume=True).verdict is Verdict.GOOD
    assert found(job, chip) == set()


def test_a_begun_card_whose_public_key_anybody_may_write_gets_another(job):
    chip = begun(job, 60)
    client = opened(chip)
    public = read(client, 0x3301)
    client.select(DF_PATH)
    client.send(commands.delete_file(0x3301), "DELETE")
    lax = commands.Conditions(update=commands.ALWAYS)
    client.send(commands.create_file(0x3301, len(public), lax), "CREATE")
    client.write(public, "public key")
    assert personalize(job.plan(), inserted(chip), job.keystore, resume=True).verdict is Verdict.GOOD
    assert found(job, chip) == set()


# What is refused beforehand


def test_a_chip_of_another_kind_is_refused(job):
    outcome = personalize(job.plan(), inserted(make_card("piv", seed=1)), job.keystore)
    assert (outcome.bound, outcome.reject.code) == (False, "CARD_TYPE")


@pytest.mark.parametrize("answer", ["9000", "00060701020304059000", "0006070102030405060708099000"])
def test_an_answer_of_another_length_is_the_cards_fault(answer):
    class Mad:
        def __init__(self, chip):
            self.atr, self.power = chip.atr, chip.power

        def transmit(self, command):
            return bytes.fromhex(answer)

    with pytest.raises(ProtocolError, match="expected 11"):
        opened(Mad(make_card(IMAGE, seed=1)))


def test_a_file_longer_than_offsets_reach_is_not_read(made):
    with pytest.raises(ProtocolError, match="65,535 bytes"):
        opened(made).read(0xFFFF)


def test_a_message_longer_than_the_key_takes_is_refused():
    with pytest.raises(EncodingError, match="takes 53"):
        enciphered(RsaKey(1 << 511, 3), bytes(54), lambda size: b"\x01" * size)


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ('algorithm = "RSA-2048"', 'algorithm = "P-256"', "deciphers with RSA only"),
        ('label = "signature"', 'label = "authentication"', "expected each once"),
        ('label = "signature"', 'label = ""', "length >= 1"),
    ],
)
def test_a_profile_no_chip_can_be_made_by_is_refused(tmp_path, old, new, said):
    folder = tmp_path / "other"
    shutil.copytree(PROFILE, folder)
    profile = folder / "profile.toml"
    profile.write_text(profile.read_text(encoding="utf-8").replace(old, new), encoding="utf-8")
    with pytest.raises(ProfileError, match=said):
        Job(folder).plan()


def test_values_of_another_product_are_refused(job, tmp_path):
    blueprint = job.plan().blueprint
    with pytest.raises(ProfileError, match=r"key encipherment .896 bytes"):
        blueprint.for_card(job.records[0], {"key encipherment": Secret(bytes(5), "short")})

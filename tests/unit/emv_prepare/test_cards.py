"""Payment cards made on a virtual card that other hands wrote from the same sheet, torn, verified, closed."""

from __future__ import annotations

from dataclasses import replace

import pytest

from cardkit.apps.emv.aids import PSE
from cardkit.apps.emv.client import EmvCard
from cardkit.apps.emv.fci import directory_record
from cardkit.apps.gp.client import SecurityDomain
from cardkit.apps.gp.install import for_personalization
from cardkit.apps.gp.storedata import Grouping, pack, store_commands
from cardkit.crypto import Key, MemoryKeyStore, Secret, Usage
from cardkit.crypto.secret import joined
from cardkit.desired import BindEvent, DoneEvent, IntentEvent
from cardkit.errors import StatusError
from cardkit.perso import Verdict, personalize, prepare, read_identity, verify
from cardkit.profile import Record
from cardkit.target import Card
from cardkit.transport.base import TransmissionProtocol
from cardkit.transport.loopback import LoopbackConnection
from cardkit.virtual import make_card
from tests.unit.emv_prepare.conftest import PROFILES, make_job, ready_keys

STORE_DATA, DELETE, VERIFY, GENERATE_AC = 0xE2, 0xE4, 0x20, 0xAE
AID = bytes.fromhex("F0434B49540101")


def bad(report):
    return {finding.rule for finding in report.findings if finding.bad}


def test_a_blank_card_becomes_good_and_is_verified(job, good_chip, tap):
    _, card = tap(good_chip(job))
    report = verify(job.plan(), card, job.keystore)
    assert report.verdict is Verdict.GOOD, report.findings
    assert {"EMV-097", "PERSO-010"} <= set(report.checked)
    assert [finding for finding in report.findings if not finding.not_checked] == []


@pytest.mark.parametrize("number", [4, 5])
def test_numbers_of_every_length_get_their_card(contact, tap, number):
    """PANs of 18 and 19 digits (payment sheet 18)."""
    _, card = tap()
    assert personalize(contact.plan(number), card, contact.keystore).verdict is Verdict.GOOD


def test_the_card_says_which_record_it_is(contact, good_chip, tap):
    _, card = tap(good_chip(contact))
    card.reset()
    record = contact.records[0]
    assert read_identity(contact.profile, card) == ("pan", record.business_keys()["pan"])


def test_events_announce_what_is_presented(contact, tap):
    _, card = tap()
    events = []
    personalize(contact.plan(), card, contact.keystore, on_event=events.append)
    assert [type(event) for event in events] == [BindEvent, IntentEvent, DoneEvent]
    assert "PIN 80" in events[0].key_ref


def test_secrets_go_under_the_dek_and_never_in_clear(contact, tap):
    """What is sent on the wire, taken out of its secure messaging nowhere: no part of key or PIN block is in it."""
    seam, card = tap()
    todo = contact.plan()
    personalize(todo, card, contact.keystore)
    sent = b"".join(command for command in seam.sent if command[1] == STORE_DATA)
    parts = [value for value in todo.contents.values() if isinstance(value, tuple)]
    assert len(parts) == 6
    assert not any(joined(value) in sent for value in parts)


def test_a_plan_takes_the_fewest_commands_there_can_be(job, tap):
    """Counted from the prepared streams: heads, the key grouping, the PIN; 239 bytes a command under C-MAC and C-ENC
    with padding always (payment sheet 13, rule 4)."""
    prepared, todo = job.prepared(), job.plan()
    keys = 3 + 16 * 4
    pin = 3 + 8
    least = 0
    for name, value in prepared.values.items():
        size = len(value) + (keys + pin if name.endswith("secret") else 0)
        least += -(-size // 239)
    seam, card = tap()
    assert personalize(todo, card, job.keystore).verdict is Verdict.GOOD
    assert sum(command[1] == STORE_DATA for command in seam.sent) == least
    assert todo.remarks == {"STORE DATA": f"minimum {least}, planned {least}"}
    assert todo.to_json()["remarks"] == todo.remarks


def places_of(todo, keystore, tap, instruction):
    """Return the numbers of all commands with an instruction in a whole run."""
    seam, card = tap()
    personalize(todo, card, keystore)
    return [number for number, command in enumerate(seam.sent, 1) if command[1] == instruction]


@pytest.mark.parametrize("after", [False, True])
def test_torn_in_its_data_a_card_starts_over_and_ends_identical(contact, tap, torn, after):
    todo = contact.plan()
    places = places_of(todo, contact.keystore, tap, STORE_DATA)
    assert len(places) == 7
    for at in (places[0], places[3], places[-1]):
        seam, card = tap(torn(todo, contact.keystore, at, after=after))
        outcome = personalize(todo, card, contact.keystore, resume=True)
        assert outcome.verdict is Verdict.GOOD, (at, outcome)
        # The directory has one block, the application the six others: closed, an application is left alone.
        closed = after and at in (places[0], places[-1])
        assert any(command[1] == DELETE for command in seam.sent) is not closed, at
        again = sum(command[1] == STORE_DATA for command in seam.sent)
        assert again == {places[0]: 6 if after else 7, places[-1]: 0 if after else 6}.get(at, 6), at
        assert verify(todo, card, contact.keystore).verdict is Verdict.GOOD


def test_after_the_last_block_the_card_refuses_more(contact, good_chip, tap):
    """Through the security domain, and directly in the application's own session (EMV CPS 2.0, 4.3.5.4)."""
    _, card = tap(good_chip(contact))
    card.reset()
    product = contact.plan().blueprint.product.gp
    terms = {"host_challenge": bytes(16), "parameters": product.parameters}
    domain = SecurityDomain.select(card.channel)
    domain.open(contact.keystore, product.main.spec, product.level, **terms)
    with pytest.raises(StatusError, match="6985"):
        domain.send(for_personalization(AID).command(), what="INSTALL")
    application = SecurityDomain.select(card.channel, AID)
    application.open(contact.keystore, product.main.spec, product.level, **terms)
    (command,) = store_commands(pack([Grouping(0x9010, b"\x03\x03")], 239))
    with pytest.raises(StatusError, match="6985"):
        application.send(command, what="STORE DATA")


# What a verification finds


def test_the_data_of_another_card_are_found(contact, good_chip, tap):
    """The PIN is not presented to it: no try is spent on another holder's card."""
    seam, card = tap(good_chip(contact))
    report = verify(contact.plan(2), card, contact.keystore)
    assert {"PERSO-010", "EMV-039", "EMV-092", "EMV-093", "EMV-103"} == bad(report)
    assert not any(command[1] == VERIFY for command in seam.sent)
    where = {finding.where for finding in report.findings if finding.rule == "PERSO-010"}
    assert where == {"F0434B49540101 contact"}


def test_another_preparation_of_the_same_record_is_found(contact, good_chip, tap):
    """Another serial number of the certificate: one record differs, and the PIN, keys and cryptogram are the same."""
    _, card = tap(good_chip(contact))
    record = contact.records[0]
    contact.keystore.card_rsa_source = ready_keys()
    other = prepare(contact.profile, record, contact.keystore, bytes)
    report = verify(contact.plan(prepared=other), card, contact.keystore)
    assert "PERSO-010" in bad(report)
    assert "EMV-097" not in bad(report)


def test_another_master_key_is_found(contact, good_chip, tap):
    _, card = tap(good_chip(contact))
    store = MemoryKeyStore.from_toml(contact.profile.test_keys)
    store._keys["test:imk-ac"] = Key(bytes(range(0xA0, 0xB0)), "test:imk-ac", "3DES-128", Usage.IMK_AC)
    assert bad(verify(contact.plan(), card, store)) == {"EMV-097", "EMV-104"}


def test_another_pin_is_found_once_and_the_next_is_not_tried(contact, good_chip, tap):
    chip = good_chip(contact)
    record = contact.records[0]
    values = {**record, "pin": Secret(b"4321", "pin")}
    other = replace(contact, records=(Record(record.schema, values, 1),))
    todo = other.plan(prepared=contact.prepared())
    _, card = tap(chip)
    first = verify(todo, card, contact.keystore)
    assert bad(first) == {"EMV-103"}
    assert any(finding.actual == "refused, 2 tries left" for finding in first.findings)
    seam, card = tap(chip)
    second = verify(todo, card, contact.keystore)
    assert bad(second) == {"EMV-103", "PERSO-010"}
    assert not any(command[1] == VERIFY for command in seam.sent)


def test_without_keys_nothing_is_proven_and_no_card_is_good(contact, good_chip, tap):
    seam, card = tap(good_chip(contact))
    report = verify(contact.plan(), card, contact.keystore, without_keys=True)
    assert report.verdict is Verdict.UNPROVEN
    assert not any(command[1] in (0x88, VERIFY, GENERATE_AC) for command in seam.sent)


def test_a_card_as_delivered_shows_nothing_of_a_product(contact, tap):
    _, card = tap()
    report = verify(contact.plan(), card, contact.keystore)
    assert report.verdict is Verdict.BAD
    assert "PERSO-010" in bad(report)


class Liar:
    """A card that answers one instruction with other bytes."""

    def __init__(self, card, instruction, change):
        self.card, self.instruction, self.change = card, instruction, change

    def atr(self):
        return self.card.atr()

    def power(self, cold):
        self.card.power(cold)

    def transmit(self, command):
        answer = self.card.transmit(command)
        return self.change(answer) if command[1] == self.instruction else answer


def flipped(place):
    return lambda answer: answer[:place] + bytes((answer[place] ^ 1,)) + answer[place + 1 :]


@pytest.mark.parametrize(
    ("instruction", "change", "rule"),
    [
        (0xB2, flipped(20), "PERSO-010"),
        (0xB2, lambda _: b"\x6a\x83", "PERSO-010"),
        (0xA8, flipped(5), "PERSO-010"),
        (0xA8, lambda _: b"\x77\x81\x90\x00", "PERSO-010"),
        (0x88, flipped(30), "EMV-092"),
        (0x88, lambda _: b"\x69\x85", "EMV-092"),
        (0x88, lambda _: b"\x80\x00\x90\x00", "EMV-092"),
        (GENERATE_AC, flipped(60), "EMV-093"),
        (GENERATE_AC, lambda _: b"\x77\x00\x90\x00", "EMV-097"),
    ],
)
def test_a_lying_card_is_no_good_card(contact, good_chip, instruction, change, rule):
    card = Card(LoopbackConnection(Liar(good_chip(contact), instruction, change)))
    report = verify(contact.plan(), card, contact.keystore)
    assert rule in bad(report)


# Other chips


def made_of(job, image, protocol=TransmissionProtocol.T1):
    chip = make_card(image, seed=1)
    card = Card(LoopbackConnection(chip, protocol=protocol))
    outcome = personalize(job.plan(), card, job.keystore)
    assert outcome.verdict is Verdict.GOOD, outcome
    assert verify(job.plan(), card, job.keystore).verdict is Verdict.GOOD


def test_a_card_at_t0_is_made_of_the_same_profile(variant):
    job = variant("emv-contact-cda", ('chip = "virtual-emv"', 'chip = "virtual-emv-t0"'))
    made_of(job, "emv-cps-t0", TransmissionProtocol.T0)


AES = [
    ('chip = "virtual-emv"', 'chip = "virtual-emv-scp03"'),
    ("scp = 2, i = 0x55, level = 0x03", "scp = 3, i = 0x70, level = 0x33"),
    ('set = "20=test:kmc/emv", algorithm = "3DES-128"', 'set = "30=test:kmc-aes/kdf3", algorithm = "AES-128"'),
]


@pytest.mark.parametrize("rsa", ["bits = 1152, exponent = 3", 'bits = 1024, exponent = 65537, form = "plain"'])
def test_a_card_with_scp03_chains_its_keys_and_fills_up_what_is_no_whole_block(variant, rsa):
    """72-byte halves and the PIN block are no multiples of 16 (payment sheet 13, rule 5)."""
    job = variant("emv-contact-cda", *AES, ("bits = 1152, exponent = 3", rsa))
    keys = job.profile.test_keys
    keys.write_text(
        keys.read_text()
        + 'gp-default = { usage = "secure-channel", hex = "404142434445464748494A4B4C4D4E4F", algorithm = "AES-128" }\n'
        + 'kmc-aes = { usage = "master-derive", hex = "C0C1C2C3C4C5C6C7C8C9CACBCCCDCECF", algorithm = "AES-128" }\n'
    )
    made_of(make_job(job.profile.path.parent), "emv-cps-scp03")


def test_an_application_may_take_its_data_itself(variant, tap, torn):
    """SELECT application, INITIALIZE UPDATE, EXTERNAL AUTHENTICATE, STORE DATA (payment sheet 13, the direct way)."""
    job = variant("emv-contact-cda", chip=("[chip.emv]", "[chip.emv]\ndirect = true"))
    todo = job.plan()
    seam, card = tap()
    assert personalize(todo, card, job.keystore).verdict is Verdict.GOOD
    assert not any(command[1:3] == b"\xe6\x20" for command in seam.sent)
    places = [number for number, command in enumerate(seam.sent, 1) if command[1] == STORE_DATA]
    before = [command[1] for command in seam.sent[: places[1] - 1]][-3:]
    assert before == [0xA4, 0x50, 0x82]
    _, again = tap(torn(todo, job.keystore, places[3], after=False))
    assert personalize(todo, again, job.keystore, resume=True).verdict is Verdict.GOOD


def test_a_chip_may_take_other_groupings(variant):
    """Modulus and exponent in place of the five parts, no check values, internal data under a scheme's identifier."""
    groupings = 'groupings = { check_values = "", internal = "3000", keys = "8020", exponent = "8111" }'
    job = variant(
        "emv-contact-cda",
        ("exponent = 3 }", 'exponent = 3, form = "plain" }'),
        chip=("[chip.emv]", f"[chip.emv]\n{groupings}"),
    )
    application = job.plan().blueprint._gp.product.applications[-1]
    named = [f"{value.tag:04X}" for value in application.data if value.tag >> 8 > 0x1E]
    assert named == ["8103", "8111", "8020", "8010", "9010", "9102", "9104", "3000"]


def test_a_chip_may_want_its_groupings_in_an_order_and_one_by_one(variant, tap):
    """Applications that read one grouping a command, FCI and GPO before everything else."""
    change = ('packing = "full"', 'packing = "single"')
    job = variant("emv-contact-cda", chip=change)
    chip = job.profile.path.parent / "chips" / "virtual-emv.toml"
    chip.write_text(chip.read_text().replace("[chip.emv]\n", '[chip.emv]\ngroupings = { order = ["9102", "9104"] }\n'))
    job = make_job(job.profile.path.parent)
    seam, card = tap()
    todo = job.plan()
    assert personalize(todo, card, job.keystore).verdict is Verdict.GOOD
    application = todo.blueprint._gp.product.applications[-1]
    named = [f"{value.tag:04X}" for value in application.data]
    assert named == [
        *("9102", "9104"),
        *("8201", "8202", "8203", "8204", "8205", "8000", "8010"),
        *("9000", "9010", "0D01", "0101", "0201", "0202", "0203", "0204", "0301"),
    ]
    sent = [command for command in seam.sent if command[1] == STORE_DATA]
    assert len(sent) == 2 + len(named)
    assert todo.remarks == {"STORE DATA": f"minimum 7, planned {len(sent)}"}


def test_what_else_an_application_keeps_is_sent_as_the_profile_says(variant):
    """Identifiers of a scheme: clear ones as they are, 8xxx under the DEK and never in the printer's part."""
    kept = 'pin_tries = 3\ngroupings = { "3000" = "0102030405", "8400" = "00112233445566778899AABBCCDDEEFF" }'
    own = [
        line
        for line in (PROFILES / "emv-contact-cda" / "profile.toml").read_text().splitlines()
        if "internal =" in line
    ]
    job = variant("emv-contact-cda", ("pin_tries = 3", kept), (own[0], ""))
    application = job.plan().blueprint._gp.product.applications[-1]
    found = {f"{value.tag:04X}": (value.size, value.secret) for value in application.data}
    assert (found["3000"], found["8400"]) == ((5, False), (16, True))
    assert "0D01" not in found


def test_a_chip_may_want_other_bits_in_p1(variant, tap):
    """Classic CPS: 00 and 60, the last with b8 (payment sheet 13, rule 1)."""
    job = variant(
        "emv-contact-cda", chip=("packing", "quirks = { store_data_p1 = { dgi = 0x00, dgi_secret = 0x60 } }\npacking")
    )
    seam, card = tap()
    assert personalize(job.plan(), card, job.keystore).verdict is Verdict.GOOD
    sent = [command[2] for command in seam.sent if command[1] == STORE_DATA]
    assert sent == [0x80, 0x60, 0x60, 0x00, 0x00, 0x00, 0x80]


SECOND = """
[[emv.applications]]
aid = "F0434B49540103"
load_file = "A0000000999901"
module = "A000000099990101"
label = "SECOND TEST"
priority = 2
keys = { ac = "test:imk-ac", smi = "test:imk-smi", smc = "test:imk-smc", derivation = "B" }

[emv.applications.tags]
"5F28" = "0860"
"8C" = "9F02069F03069F1A0295055F2A029A039C019F3704"
"8D" = "8A0291089F02069F03069F1A0295055F2A029A039C019F3704"
"9F42" = "0860"
"9F4F" = "9A039C01"

[emv.applications.contact]
aip = "0800"
records = [{ sfi = 1, tags = ["57", "5A", "5F24", "5F34", "5F28", "8C", "8D", "9F42"] }]
internal = { "9F10" = "06011203000000" }

[emv.gp]
"""


def test_a_card_may_have_several_applications(variant, good_chip, tap):
    """The second authenticates online only: no certificates, no RSA key, another cryptogram version (VSDC 18)."""
    job = variant("emv-contact-cda", ("\n[emv.gp]\n", SECOND))
    _, card = tap(good_chip(job))
    assert verify(job.plan(4), card, job.keystore).verdict is Verdict.BAD
    report = verify(job.plan(), card, job.keystore)
    assert report.verdict is Verdict.GOOD
    assert {"ATC F0434B49540101 contact", "ATC F0434B49540103 contact"} <= set(report.facts)
    entries = directory_record(card_record(card))
    assert [(entry.aid.hex().upper(), entry.values[b"\x87"]) for entry in entries] == [
        ("F0434B49540101", b"\x01"),
        ("F0434B49540103", b"\x02"),
    ]


def card_record(card):
    card.reset()
    emv = EmvCard(card.channel)
    return emv.read_record(emv.select(PSE).directory_sfi, 1)

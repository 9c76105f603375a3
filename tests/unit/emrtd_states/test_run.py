"""A blank chip becomes a passport, is proven and locked; what is wrong with one is found by the right rule."""

from __future__ import annotations

import dataclasses

import msgspec
import pytest

from cardkit.apdu import CommandAPDU
from cardkit.apps.emrtd.app import EmrtdBlueprint
from cardkit.apps.emrtd.driver import contents_of
from cardkit.apps.emrtd.groups import build_group
from cardkit.apps.emrtd.states.plan import plan_document
from cardkit.apps.emrtd.states.product import build_product
from cardkit.crypto import Secret
from cardkit.crypto.chipkeys import make_chip_key
from cardkit.desired import Part
from cardkit.errors import TransportError
from cardkit.perso import MarkerState, Verdict, identify, personalize, verify
from cardkit.virtual import make_card
from tests.hostile.tearing import ANSWER_LOST, Cut
from tests.unit.emrtd_states.conftest import IMAGE, PROFILES, Job, Told, document_in, inserted, seeded, with_document

LARGE = 33_500
"""Bytes of a large group: READ and UPDATE BINARY with an offset in the header end at 32,767."""


def make(job, seed):
    """Return a finished document."""
    chip = make_card(job.image, seed=seed)
    outcome = personalize(job.plan(), inserted(chip), job.keystore)
    assert (outcome.verdict, outcome.findings) == (Verdict.GOOD, ())
    return chip


@pytest.fixture(scope="module")
def made(job):
    """A finished passport."""
    return make(job, 1)


@pytest.fixture(scope="module")
def finished(each):
    """A finished document of every product."""
    return make(each, 1)


def rules(report):
    return {(finding.rule, finding.where) for finding in report.findings}


def test_a_finished_document_has_no_findings(each, finished):
    report = verify(each.plan(), inserted(finished), each.keystore)
    assert (report.verdict, report.findings) == (Verdict.GOOD, ())


def test_without_keys_nothing_is_proven(job, made):
    report = verify(job.plan(), inserted(made), job.keystore, without_keys=True)
    assert report.verdict is not Verdict.GOOD


def test_every_command_is_planned_until_the_lock(each):
    todo, chip = each.plan(), Told(make_card(each.image, seed=2))
    personalize(todo, inserted(chip), each.keystore)
    parts = todo.blueprint.parts
    planned = [step for part in (Part.FENCE, Part.WRITE, Part.CHECK, Part.SEAL) for step in parts[part]]
    sent = chip.sent[: len(planned)]
    assert [command[1] for command in sent] == [step.command.ins for step in planned]
    assert [CommandAPDU.parse(command).nc for command in sent] == [step.nc for step in planned]


def test_commands_cost_less_than_110_percent_of_the_fewest_bytes(job):
    todo = job.plan()
    totals = todo.totals()["write"]
    room = todo.blueprint.product.transport.room
    contents = sum(len(body) if isinstance(body, bytes) else sum(map(len, body)) for body in todo.contents.values())
    full, rest = divmod(contents, room.plain_bytes)
    least = full * (5 + room.command(room.plain_bytes)) + 5 + room.command(rest)
    files = [body for body in todo.contents.values() if isinstance(body, bytes)]
    headers = totals["apdus"] * (5 + 8 + 16)
    assert totals["bytes_in"] <= 1.1 * least + headers
    assert totals["apdus"] <= full + 3 * len(files) + 8


def test_a_locked_chip_refuses_the_factory(made):
    card = inserted(made)
    for command in ("8050300008" + "00" * 8, "00E00000026200", "00D69C000131", "00DA800201" + "00", "00E6000000"):
        assert card.channel.send(CommandAPDU.parse(bytes.fromhex(command))).sw in (0x6D00, 0x6E00)


def test_a_locked_chip_is_known_by_nobody_without_its_document(job, made):
    outcome = personalize(job.plan(2), inserted(made), job.keystore)
    assert outcome.bound is False
    assert outcome.reject.code == "CARD_TYPE"


def test_a_blank_chip_is_blank_and_a_begun_one_begun(each):
    chip = make_card(each.image, seed=3)
    assert identify(each.profile, inserted(chip)).state is MarkerState.BLANK
    with pytest.raises(TransportError):
        personalize(each.plan(), inserted(Cut(chip, 13, ANSWER_LOST)), each.keystore)
    assert identify(each.profile, inserted(chip)).state is MarkerState.BEGUN
    outcome = personalize(each.plan(), inserted(chip), each.keystore)
    assert outcome.reject.code == "NOT_BLANK"


def test_an_applet_that_is_locked_keeps_the_number_of_its_chip():
    job = Job(PROFILES / "residence-permit-td1")
    chip = make_card(job.image, seed=7)
    before = identify(job.profile, inserted(chip)).chip_id
    assert personalize(job.plan(), inserted(chip), job.keystore).verdict is Verdict.GOOD
    presented = identify(job.profile, inserted(chip))
    assert (presented.chip_id, presented.state) == (before, MarkerState.FINAL)


def test_keys_go_to_an_applet_only_under_the_dek():
    job = Job(PROFILES / "residence-permit-td1")
    todo = job.plan()
    stored = [step for step in todo.blueprint.parts[Part.WRITE] if step.command.ins == 0xE2]
    secret = [step for step in stored if step.command.p1 & 0x60 == 0x60]
    assert {step.serves for step in secret} == {name for name in todo.contents if not name.startswith("EF.")}
    assert all((step.nc - 8) % 16 == 0 for step in stored)


def test_a_file_beyond_even_offsets_is_written_and_read(job):
    todo = job.plan()
    document = document_in(todo)
    files = {
        **document.files,
        "EF.DG13": build_group(13, bytes(number * 7 & 0xFF for number in range(LARGE))),
    }
    large = with_document(todo, dataclasses.replace(document, files=files))
    chip = make_card(IMAGE, seed=8)
    assert personalize(large, inserted(chip), job.keystore).verdict is Verdict.GOOD
    report = verify(large, inserted(chip), job.keystore)
    assert (report.verdict, report.findings) == (Verdict.GOOD, ())


def test_a_byte_of_a_group_that_differs_is_named(job, made):
    todo = job.plan()
    document = document_in(todo)
    other = document.files["EF.DG2"][:-1] + b"\x00"
    wanted = with_document(todo, dataclasses.replace(document, files={**document.files, "EF.DG2": other}))
    report = verify(wanted, inserted(made), job.keystore)
    assert rules(report) == {("EMRTD-092", "EF.DG2")}
    assert "byte" in report.findings[0].actual


def test_a_clone_has_the_files_and_not_the_keys(job):
    todo, chip = job.plan(), make_card(IMAGE, seed=4)
    document = document_in(todo)
    keys = document.keys
    others = dataclasses.replace(
        keys,
        active=make_chip_key(keys.active.curve, seeded("x")),
        chip=tuple(make_chip_key(key.curve, seeded("y")) for key in keys.chip),
    )
    personalize(with_document(todo, dataclasses.replace(document, keys=others)), inserted(chip), job.keystore)
    found = {rule for rule, _ in rules(verify(todo, inserted(chip), job.keystore))}
    assert {"EMRTD-030"} <= found <= {"EMRTD-030", "EMRTD-032", "EMRTD-090", "EMRTD-092"}


def test_a_wrong_signature_of_active_authentication_is_named_alone(job):
    todo, chip = job.plan(), make_card(IMAGE, seed=5)
    document = document_in(todo)
    other = make_chip_key(document.keys.active.curve, seeded("x"))
    cloned = dataclasses.replace(document, keys=dataclasses.replace(document.keys, active=other))
    personalize(with_document(todo, cloned), inserted(chip), job.keystore)
    assert {rule for rule, _ in rules(verify(todo, inserted(chip), job.keystore))} == {"EMRTD-032"}


def test_a_wrong_can_is_named_alone(job, made):
    todo = job.plan()
    document = dataclasses.replace(document_in(todo), can=Secret(b"209481", "can"))
    assert rules(verify(with_document(todo, document), inserted(made), job.keystore)) == {("EMRTD-018", "CAN")}


@pytest.mark.parametrize(
    ("access", "found"),
    [({"bac": False}, ("EMRTD-013", "BAC")), ({"pace": (), "can": ""}, ("EMRTD-017", "MRZ password"))],
)
def test_a_zone_that_opens_by_one_protocol_only_is_named_alone(job, access, found):
    todo = job.plan()
    product, document = todo.blueprint.product, document_in(todo)
    block = msgspec.structs.replace(product.block, access=msgspec.structs.replace(product.block.access, **access))
    other = plan_document(build_product(block, product.chip, product.attached), document)
    blueprint = EmrtdBlueprint(other.product, todo.blueprint._template, other)
    contents = contents_of(other.product.driver, document)
    changed = dataclasses.replace(todo, blueprint=blueprint, contents=contents, states=other.states)
    chip = make_card(IMAGE, seed=11)
    personalize(changed, inserted(chip), job.keystore)
    assert rules(verify(todo, inserted(chip), job.keystore)) == {found}


def test_a_chip_that_was_never_locked_is_found(job):
    todo, chip = job.plan(), make_card(IMAGE, seed=6)
    parts = todo.blueprint.parts
    last = sum(len(parts[part]) for part in (Part.FENCE, Part.WRITE, Part.CHECK))
    with pytest.raises(TransportError):
        personalize(todo, inserted(Cut(chip, last, ANSWER_LOST)), job.keystore)
    report = verify(todo, inserted(chip), job.keystore)
    assert ("EMRTD-091", "INITIALIZE UPDATE") in rules(report)


def test_nothing_secret_is_in_a_plan(job):
    todo = job.plan()
    text = str(todo.to_json()) + repr(todo)
    document = document_in(todo)
    with document.keys.active.scalar.reveal() as clear:
        assert clear.hex() not in text.lower()
    assert document.mrz.information not in text

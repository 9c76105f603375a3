"""A blank chip becomes a city travel card, is proven and sealed; what is wrong with one is found by the right rule."""

from __future__ import annotations

import copy
import os
import re

import pytest
from click.testing import CliRunner

from cardkit.apdu import CommandAPDU
from cardkit.apps.desfire import commands
from cardkit.apps.desfire.commands import PICC, Op
from cardkit.cli.personalize import personalize as personalize_verb
from cardkit.crypto.desfire import DesfireKey, KeyKind
from cardkit.errors import AuthenticationError, KeyStoreError
from cardkit.perso import MarkerState, Verdict, identify, personalize, read_identity, verify
from cardkit.secure.desfire import Authentication, KeyChange, Mode
from cardkit.virtual import make_card
from tests.unit.desfire.conftest import AID, HOW, client_of, inserted, opened, told, uid_of


@pytest.fixture
def made(job, finished):
    """A finished card of one's own."""
    return copy.deepcopy(finished[job.generation])


def found(job, chip):
    report = verify(job.plan(), inserted(chip), job.keystore)
    return {(finding.rule, finding.where) for finding in told(report.findings)}


def test_a_finished_card_has_no_findings(job, made):
    report = verify(job.plan(), inserted(made), job.keystore)
    assert (report.verdict, told(report.findings)) == (Verdict.GOOD, ())
    assert len(report.checked) == 41


def test_the_commands_are_those_that_were_planned(job):
    todo, chip, sent = job.plan(), make_card(job.image, seed=5), []
    card, original = inserted(chip), chip.transmit
    chip.transmit = lambda command: sent.append(command) or original(command)
    personalize(todo, card, job.keystore)

    twins = {twin: op for op, twin in commands.LONG_FORMS.items()}
    assert [step.command.ins for step in todo.steps] == [twins.get(command[1], command[1]) for command in sent]
    sizes = [(step.command.ins, step.nc) for step in todo.steps if step.command.ins != 0xAF]
    measured = [(twins.get(c[1], c[1]), CommandAPDU.parse(c).nc) for c in sent if c[1] != 0xAF]
    assert sizes == measured


def test_a_finished_card_is_no_blank_and_tells_its_number(job, made):
    assert identify(job.profile, inserted(made)).state is MarkerState.FINAL
    assert personalize(job.plan(), inserted(made), job.keystore).reject.code == "NOT_BLANK"
    assert read_identity(job.profile, inserted(made)) == ("card", "9986000000000001")


def test_a_blank_card_is_blank_and_named_by_its_uid(job):
    chip = make_card(job.image, seed=9)
    presented = identify(job.profile, inserted(chip))
    assert (presented.state, presented.chip_id) == (MarkerState.BLANK, uid_of(chip).hex().upper())


def test_a_sample_bears_what_no_card_that_leaves_should(job, made):
    before = dict(made.memory())
    report = verify(job.plan(), inserted(made), job.keystore, destructive=True)
    assert (report.verdict, told(report.findings)) == (Verdict.GOOD, ())
    counted = {("TRANSIT-029", "F21190/file 6")} if job.generation == "ev2" else set()
    assert found(job, made) == counted
    if job.generation == "ev1":
        assert before == dict(made.memory())


def test_without_keys_nothing_is_proven(job, made):
    assert verify(job.plan(), inserted(made), job.keystore, without_keys=True).verdict is not Verdict.GOOD


def test_another_record_is_found_by_its_contents(job, made):
    report = verify(job.plan(2), inserted(made), job.keystore)
    assert {(finding.rule, finding.where) for finding in told(report.findings)} == {
        ("TRANSIT-021", "F21190/file 1"),
        ("TRANSIT-021", "F21190/file 2"),
        ("TRANSIT-021", "F21190/file 3"),
        ("TRANSIT-023", "F21190/file 4"),
    }


def test_the_keys_of_two_cards_differ(job):
    one, other = (make_card(job.image, seed=seed) for seed in (3, 4))
    assert uid_of(one) != uid_of(other)
    assert job.key("validator", uid_of(one)) != job.key("validator", uid_of(other))


def test_every_key_opens_a_session_and_the_one_delivered_does_not(job, made):
    for number, name in enumerate(("master", "validator", "reload")):
        opened(job, made, name, number)
    client = client_of(made)
    zeros = DesfireKey.zero(KeyKind.TDEA2)
    with pytest.raises(AuthenticationError):
        client.authenticate(Authentication.ISO, 0, zeros, os.urandom)
    client.select(AID)
    with pytest.raises(AuthenticationError):
        client.authenticate(HOW[job.generation], 0, DesfireKey.zero(KeyKind.AES), os.urandom)


# One thing wrong with a card


def test_a_changed_field_is_found_alone_and_named(job, made):
    opened(job, made, "master", 0).write(2, 3, bytes.fromhex("20260302"))
    report = verify(job.plan(), inserted(made), job.keystore)
    assert [(f.rule, f.expected, f.actual) for f in told(report.findings)] == [
        ("TRANSIT-021", "issued 20260201", "issued 20260302")
    ]


def test_unused_bytes_that_are_used_are_found_alone(job, made):
    opened(job, made, "master", 0).write(2, 60, b"\x01")
    assert found(job, made) == {("TRANSIT-022", "F21190/file 2")}


def test_a_value_that_was_changed_is_found_alone(job, made):
    client = opened(job, made, "reload", 2)
    client.change_value(Op.CREDIT, 4, 5)
    client.commit()
    expected = {("TRANSIT-023", "F21190/file 4")}
    counted = {("TRANSIT-029", "F21190/file 6")} if job.generation == "ev2" else set()
    assert found(job, made) == expected | counted


def test_a_record_that_was_written_is_found_alone(job, made):
    client = opened(job, made, "validator", 1)
    client.write_record(5, bytes(16))
    client.commit()
    counted = {("TRANSIT-029", "F21190/file 6")} if job.generation == "ev2" else set()
    assert found(job, made) == {("TRANSIT-028", "F21190/file 5")} | counted


def test_another_key_is_found_alone(job, made):
    client = opened(job, made, "master", 0)
    old = job.key("validator", uid_of(made))
    other = DesfireKey(bytes(range(0x70, 0x80)), "other", KeyKind.AES, 1)
    client.change_key(KeyChange(1, other, old))
    rules = found(job, made)
    assert ("TRANSIT-002", "F21190/key 1") in rules
    # What only this key reads is not there either, and nothing else is.
    assert {rule for rule, _ in rules} <= {"TRANSIT-002", "TRANSIT-021", "TRANSIT-023", "TRANSIT-029"}


def test_a_key_with_another_version_is_never_tried(job, made):
    client = opened(job, made, "master", 0)
    own = job.key("reload", uid_of(made))
    with own.reveal() as clear:
        renamed = DesfireKey(clear, "reload", KeyKind.AES, 2)
    client.change_key(KeyChange(2, renamed, own))
    assert found(job, made) == {("TRANSIT-002", "F21190/key 2"), ("TRANSIT-004", "F21190/key 2")}


def test_weaker_rights_and_a_weaker_mode_are_found(job, made):
    client = opened(job, made, "master", 0)
    settings = client.file_settings(3)
    weaker = type(settings)(settings.type, Mode.PLAIN, settings.rights, settings.body)
    client.change_file_settings(3, weaker)
    assert found(job, made) == {("TRANSIT-017", "F21190/file 3")}


def test_a_further_application_is_found(job, made):
    client = client_of(made)
    client.authenticate(HOW[job.generation], 0, job.key("card master", uid_of(made)), os.urandom)
    client.send(commands.create_application(bytes.fromhex("F21191"), 0x0B, b"\x81"), "CreateApplication")
    assert found(job, made) == {("TRANSIT-018", "applications")}


def test_a_further_file_is_found(job, made):
    client = opened(job, made, "master", 0)
    settings = client.file_settings(1)
    command = commands.create_file(Op.CREATE_STANDARD, 9, settings, iso_fid=9 if job.generation == "ev2" else None)
    client.send(command, "CreateStdDataFile")
    assert {rule for rule, _ in found(job, made)} == {"TRANSIT-019"}


def test_settings_of_the_card_left_open_are_found(job, made):
    client = client_of(made)
    client.authenticate(HOW[job.generation], 0, job.key("card master", uid_of(made)), os.urandom)
    client.send(commands.change_key_settings(0x0F), "ChangeKeySettings")
    rules = {rule for rule, _ in found(job, made)}
    listing = set() if job.generation == "ev1" else {"TRANSIT-010"}
    assert rules == {"TRANSIT-010", "TRANSIT-039"} | listing


def test_a_key_that_is_missing_stops_the_plan(job):
    store = job.profile.test_keystore()
    del store._keys["test:city-reload"]
    record = job.records[0]
    from cardkit.perso import plan, prepare

    prepared = prepare(job.profile, record, job.keystore, os.urandom)
    with pytest.raises(KeyStoreError, match="city-reload"):
        plan(job.profile, record, prepared, store)


def test_the_applications_level_is_left_where_it_began(made):
    client = client_of(made)
    assert client.selected == PICC


def test_a_trace_shows_neither_keys_nor_contents(job, tmp_path):
    """Key commands by their name, everything else of a session by its length."""
    trace, state = tmp_path / "trace.jsonl", tmp_path / "chips"
    state.mkdir()
    order = str(job.profile.path.parent / "order.csv")
    arguments = [
        str(job.profile.path.parent),
        "--order",
        order,
        "--record",
        "3",
        "--yes",
        "--trace",
        str(trace),
        "--work",
        str(tmp_path / "work"),
    ]
    ended = CliRunner().invoke(personalize_verb, [*arguments, "--reader", f"virtual:{job.image}@{state}/one"])
    assert ended.exit_code == 0, ended.output
    told = trace.read_text().upper()
    uid = bytes.fromhex(re.search(r"CHIP_ID\s+([0-9A-F]{14})", ended.output.upper())[1])
    contents = job.plan(3).contents
    for name in ("card master", "master", "validator", "reload"):
        with job.key(name, uid).reveal() as key:
            assert bytes(key[:8]).hex().upper() not in told
    for body in (contents["F21190/file 1"], contents["F21190/file 2"][7:20], contents["F21190/file 3"]):
        assert body[:8].hex().upper() not in told
    assert ":KEY>" in told

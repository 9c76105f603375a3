"""A national identity card on one chip: one row of an order makes the travel document and its holder's keys."""

from __future__ import annotations

from pathlib import Path

import pytest

from cardkit.apps.eid.pkcs15 import commands
from cardkit.apps.eid.pkcs15.client import Pkcs15Client
from cardkit.apps.eid.pkcs15.product import DF_PATH
from cardkit.apps.emrtd.client import DocumentClient
from cardkit.apps.emrtd.details import Details
from cardkit.apps.emrtd.groups import parse_dg1
from cardkit.apps.emrtd.lds import FILES
from cardkit.apps.emrtd.pace import Password, PasswordKind, offers, open_by_pace
from cardkit.apps.emrtd.securityinfos import parse_card_access
from cardkit.apps.pki.certificate import Certificate
from cardkit.apps.pki.names import name_parts
from cardkit.cli.app import run
from cardkit.crypto import Secret
from cardkit.desired import Part
from cardkit.perso import MarkerState, Verdict, identify, personalize, plan, prepare, verify
from cardkit.perso.joined.names import apart
from cardkit.profile import load_profile, read_order
from cardkit.virtual import make_card
from tests.unit.eid.conftest import PROFILE, inserted, seeded

FOLDER = PROFILE.parent / "national-id-td1"
IMAGE = "national-id"
EID, DOCUMENT = bytes.fromhex("F276A288BCFBA69D34F31001"), bytes.fromhex("A0000002471001")
PIN_LEFT, FULL = bytes.fromhex("00200001"), bytes.fromhex("63C3")
READ_COM = bytes.fromhex("00B09E0001")


class Job:
    """The product, its order and a plan of each row."""

    def __init__(self):
        self.profile = load_profile(FOLDER)
        self.keystore = self.profile.test_keystore()
        order = read_order(self.profile, FOLDER / "order.csv", self.keystore)
        assert not order.quarantined
        self.records = order.records

    def plan(self, row=1):
        record = self.records[row - 1]
        prepared = prepare(self.profile, record, self.keystore, seeded(row))
        return plan(self.profile, record, prepared, self.keystore)

    def make(self, row=1):
        todo, chip = self.plan(row), make_card(IMAGE, seed=row)
        outcome = personalize(todo, inserted(chip), self.keystore)
        assert (outcome.verdict, outcome.findings) == (Verdict.GOOD, ()), outcome.reject
        return todo, chip


@pytest.fixture(scope="module")
def job():
    return Job()


@pytest.fixture(scope="module")
def made(job):
    return job.make()


def client_of(chip):
    """Return a client in the eID application, and its card."""
    card = inserted(chip)
    client = Pkcs15Client(card.channel)
    client.enter(EID)
    return client, card


def select(aid):
    return bytes((0x00, 0xA4, 0x04, 0x0C, len(aid))) + aid


@pytest.mark.parametrize("row", [1, 2, 5])
def test_both_applications_are_of_one_person(job, row):
    todo, chip = job.make(row)
    files = todo.blueprint.apps["emrtd"]._made().document.files
    mrz, details = parse_dg1(files["EF.DG1"]), Details.parse(11, files["EF.DG11"]).values()
    client, _ = client_of(chip)
    client.send(commands.verify(Secret(f"24{row}8{row}0".encode(), "PIN")), "VERIFY")
    personal = client.read(client.select(DF_PATH + b"\x35\x01").size)
    assert personal.decode() == details["personal_number"]
    certificate = Certificate.parse(client.read(client.select(DF_PATH + b"\x34\x02").size))
    primary, _, secondary = str(details["name_of_holder"]).partition("<<")
    assert dict(name_parts(certificate.subject))["2.5.4.3"] == f"{secondary} {primary}"
    assert certificate.not_after.date().isoformat()[2:].replace("-", "") == mrz.field("date_of_expiry")


def test_a_finished_card_has_no_findings_and_tells_one_chip_number(job, made):
    todo, chip = made
    report = verify(todo, inserted(chip), job.keystore)
    assert report.verdict is Verdict.GOOD
    assert [finding for finding in report.findings if not finding.not_checked] == []
    assert {"TRANSIT-056", "TRANSIT-059", "TRANSIT-060", "PERSO-005"} <= set(report.checked)
    presented = identify(job.profile, inserted(chip))
    assert (presented.state, presented.chip_id[:8]) == (MarkerState.FINAL, "56453032")


def test_the_document_is_written_first_and_locked_last(made):
    parts = made[0].blueprint.parts
    assert [apart(parts[part][0].serves)[0] for part in (Part.WRITE, Part.SEAL)] == ["emrtd", "pkcs15"]
    assert [apart(parts[part][-1].serves)[0] for part in (Part.WRITE, Part.SEAL)] == ["pkcs15", "emrtd"]


def test_nothing_that_anybody_reads_of_the_keys_opens_the_document(made):
    todo, chip = made
    number = parse_dg1(todo.blueprint.apps["emrtd"]._made().document.files["EF.DG1"]).document_number.encode()
    client, _ = client_of(chip)
    for fid in (b"\x50\x31", b"\x50\x32", b"\x34\x01", b"\x34\x02", b"\x44\x01", b"\x44\x02", b"\x44\x04"):
        content = client.read(client.select(DF_PATH + fid).size)
        assert content
        assert number not in content


def test_a_visit_to_the_document_ends_the_rights_of_the_pin(made):
    client, card = client_of(made[1])
    client.send(commands.verify(Secret(b"241810", "PIN")), "VERIFY")
    assert card.connection.transmit(PIN_LEFT) == b"\x90\x00"
    assert card.connection.transmit(select(DOCUMENT)) == b"\x90\x00"
    client.enter(EID)
    assert card.connection.transmit(PIN_LEFT) == FULL


def test_a_visit_to_the_keys_ends_the_documents_session(made):
    todo, chip = made
    card = inserted(chip)
    client = DocumentClient(card.channel)
    client.select_master_file()
    infos = parse_card_access(todo.blueprint.apps["emrtd"]._made().document.files["EF.CardAccess"])
    can = Password(PasswordKind.CAN, Secret(b"204817", "CAN"))
    open_by_pace(client, offers(infos)[0], can, seeded("visit"))
    client.select_application()
    assert client.answers_protected(FILES["EF.COM"])
    assert card.connection.transmit(select(EID))[-2:] == b"\x90\x00"
    assert card.connection.transmit(select(DOCUMENT)) == b"\x90\x00"
    assert not client.answers_protected(FILES["EF.COM"])
    assert card.connection.transmit(READ_COM) == b"\x69\x82"


def test_an_error_in_one_application_is_named_with_it(job):
    todo, chip = job.make()
    client, _ = client_of(chip)
    wrong = commands.verify(Secret(b"999999", "PIN"))
    assert client._channel.send(wrong).sw == 0x63C2
    report = verify(todo, inserted(chip), job.keystore)
    assert {apart(finding.where)[0] for finding in report.findings if finding.bad} == {"pkcs15"}


def test_a_key_behind_both_applications_is_a_stop(job, made):
    todo, _ = made
    emrtd, keys = (todo.blueprint.apps[name].key_references for name in ("emrtd", "pkcs15"))
    assert emrtd == {"test:gp-default"}
    assert not emrtd & keys


def test_the_command_line_prepares_and_makes_a_batch(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    lines = (FOLDER / "order.csv").read_text(encoding="utf-8").splitlines(keepends=True)
    Path("two.csv").write_text("".join(lines[:3]), encoding="utf-8")
    assert run(["id", "prepare", str(FOLDER), "two.csv", "--name", "two", "--processes", "1"]) == 0
    assert run(["batch", "run", "two", "--reader", f"virtual:{IMAGE}*2", "--report", "out"]) == 0
    assert run(["batch", "check"]) == 0
    results = Path("out/results.jsonl").read_text(encoding="utf-8").splitlines()
    assert len([line for line in results if '"GOOD"' in line]) == 2
    assert "Traceback" not in capsys.readouterr().err

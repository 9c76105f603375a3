"""Documents with fingers, whose terminals are trusted, and with PACE by which the chip proves itself."""

from __future__ import annotations

import dataclasses
import secrets
import shutil
from datetime import date

import msgspec
import pytest

from cardkit.apps.emrtd.app import EmrtdBlueprint
from cardkit.apps.emrtd.biometrics import Biometrics
from cardkit.apps.emrtd.mrz import Format, compose
from cardkit.apps.emrtd.pace import Password, PasswordKind
from cardkit.apps.emrtd.sod import parse_card_security
from cardkit.apps.emrtd.states.plan import plan_document
from cardkit.apps.emrtd.states.product import build_product
from cardkit.apps.emrtd.terminal.probing import probe
from cardkit.apps.emrtd.terminal.reader import inspect
from cardkit.apps.emrtd.terminal.reading import Mark, Request
from cardkit.apps.emrtd.terminal_auth import Terminal
from cardkit.apps.pki import cvc
from cardkit.apps.pki.cvc import CvCertificate, CvRequest, Right
from cardkit.apps.pki.signing import SigningKey
from cardkit.apps.pki.trust import TrustStore
from cardkit.crypto import Secret
from cardkit.crypto.chipkeys import make_chip_key
from cardkit.errors import KeyStoreError, ProfileError
from cardkit.perso import Verdict, personalize, plan, verify
from cardkit.perso.register import RunRegister
from cardkit.virtual import make_card
from tests.unit.emrtd.passport import HOLDER, NOW
from tests.unit.pki import issuers

from .conftest import PROFILES, Job, document_in, inserted, seeded, with_document

FOLDER = PROFILES / "emrtd-td3-eac"
ON_APPLET = ('chip = "virtual-emrtd-native"', 'chip = "virtual-emrtd-applet"')


@pytest.fixture(scope="module")
def job():
    return Job(FOLDER)


def changed(tmp_path, *changes):
    """Return the product with a changed profile."""
    folder = tmp_path / "emrtd-td3-eac"
    shutil.copytree(FOLDER, folder)
    profile = folder / "profile.toml"
    text = profile.read_text(encoding="utf-8")
    for old, new in changes:
        assert old in text
        text = text.replace(old, new)
    profile.write_text(text, encoding="utf-8")
    return Job(folder)


def finished(job, image="emrtd-native", todo=None):
    chip = make_card(image, seed=1)
    assert personalize(todo or job.plan(), inserted(chip), job.keystore).verdict is not None
    return chip


@pytest.fixture(scope="module")
def made(job):
    return finished(job)


def rules(job, chip, todo=None):
    report = verify(todo or job.plan(), inserted(chip), job.keystore)
    return {(finding.rule, finding.where) for finding in report.findings}


def request(job, *, terminal=True):
    own = None
    if terminal:
        names = ("verifier.cvcert", "terminal.cvcert")
        chain = tuple(CvCertificate.parse((FOLDER / name).read_bytes()) for name in names)
        own = Terminal(chain, SigningKey(job.keystore, "test:terminal"))
    zone = Secret(document_in(job.plan()).mrz.information.encode(), "MRZ")
    trust = TrustStore.of([("csca.cer", (FOLDER / "csca.cer").read_bytes())])
    return Request((Password(PasswordKind.MRZ, zone),), trust, NOW, secrets.token_bytes, own)


# A good document


def test_the_applet_takes_it_too(tmp_path):
    job = changed(tmp_path, ON_APPLET)
    assert rules(job, finished(job, "emrtd-applet")) == set()


def test_a_border_reads_fingers_and_no_irises(job, made):
    reading = inspect(inserted(made).channel, request(job))
    assert {step.name for step in reading.steps if step.mark is Mark.DONE} == {
        "PACE",
        "PACE-CAM",
        "chip authentication",
        "terminal authentication",
    }
    assert reading.files["EF.DG3"] == document_in(job.plan()).files["EF.DG3"]
    assert reading.closed == {4}
    assert [template.subtype for template in Biometrics.parse(3, reading.files["EF.DG3"]).templates()] == [0x09, 0x0A]


def test_a_border_without_a_terminal_reads_none(job, made):
    reading = inspect(inserted(made).channel, request(job, terminal=False))
    assert reading.closed == {3, 4}


def test_what_it_must_refuse_it_refuses(job, made):
    channel, asked = inserted(made).channel, request(job)
    reading = inspect(channel, asked)
    probe(channel, asked, reading)
    assert {finding.rule for finding in reading.findings if not finding.not_checked} == set()


def test_card_security_is_signed_by_the_signer_and_holds_the_key(job):
    document = document_in(job.plan())
    signed, infos = parse_card_security(document.files["EF.CardSecurity"])
    assert signed.certificates == ((FOLDER / "signer.cer").read_bytes(),)
    assert document.keys.mapping.public in infos.der
    assert document.files["EF.CVCA"] == b"\x42\x0bUTCVCA00001".ljust(36, b"\0")


def test_without_a_terminal_it_is_proven_that_fingers_are_closed(tmp_path):
    start = "[emrtd.terminal_authentication.terminal]\n"
    rest = 'key = "test:terminal"\ncertificates = ["verifier.cvcert", "terminal.cvcert"]\n'
    job = changed(tmp_path, (start + rest, ""))
    chip = finished(job)
    assert rules(job, chip) == set()
    names = [step.serves for step in job.plan().blueprint.survey]
    assert "EF.DG3 without terminal authentication" in names
    assert "EF.DG3" not in names


# What is wrong with one


def test_another_mapping_key_is_named_alone(job):
    todo = job.plan()
    document = document_in(todo)
    other = make_chip_key(document.keys.mapping.curve, seeded("x"))
    cloned = dataclasses.replace(document, keys=dataclasses.replace(document.keys, mapping=other))
    assert rules(job, finished(job, todo=with_document(todo, cloned))) == {("EMRTD-027", "PACE-CAM key")}


def made_by_chip(todo, **conditions):
    """Return a plan for a chip whose maker calls the conditions of reading otherwise."""
    product, document = todo.blueprint.product, document_in(todo)
    lax = msgspec.structs.replace(product.chip.conditions, **conditions)
    chip = msgspec.structs.replace(product.chip, conditions=lax)
    other = build_product(product.block, chip, product.attached)
    planned = plan_document(other, document)
    blueprint = EmrtdBlueprint(other, todo.blueprint._template, planned)
    return dataclasses.replace(todo, blueprint=blueprint, states=planned.states)


@pytest.mark.parametrize(
    ("conditions", "where"),
    [
        ({"fingers": 0x10}, {"EF.DG3 without terminal authentication"}),
        ({"irises": 0x21}, {"EF.DG4 without the right"}),
        ({"irises": 0x10}, {"EF.DG4 without terminal authentication", "EF.DG4 without the right"}),
    ],
)
def test_groups_that_are_not_closed_are_named_alone(job, conditions, where):
    chip = finished(job, todo=made_by_chip(job.plan(), **conditions))
    assert rules(job, chip) == {("EMRTD-034", name) for name in where}


def test_a_foreign_trust_point_is_named_alone(job):
    todo = job.plan()
    document = document_in(todo)
    days = date(2026, 1, 1), date(2036, 12, 31)
    request = CvRequest("UTCVCA00001", issuers.key("p256-2"), Right.AUTHORITY | Right.FINGER, *days)
    foreign = CvCertificate.parse(cvc.issue(request, "UTCVCA00001", issuers.key("p256-2")))
    trusting = dataclasses.replace(document, trust=dataclasses.replace(document.trust, points=(foreign,)))
    assert rules(job, finished(job, todo=with_document(todo, trusting))) == {("EMRTD-034", "terminal authentication")}


def test_an_access_number_somebody_could_guess_is_named_alone(job):
    todo = job.plan()
    guessed = dataclasses.replace(document_in(todo), can=Secret(b"123456", "can"))
    weak = with_document(todo, guessed)
    outcome = personalize(weak, inserted(make_card("emrtd-native", seed=4)), job.keystore)
    assert [(finding.rule, finding.where) for finding in outcome.findings] == [("EMRTD-096", "CAN")]
    assert outcome.verdict is Verdict.GOOD


@pytest.mark.parametrize(
    ("numbers", "named"),
    [
        (("UT4821907", "UT4821908"), [False, True]),
        (("UT4821908", "UT4821907"), [False, True]),
        (("UT4821907", "UT4821909"), [False, False]),
        (("UT4821907", "XX4821908"), [False, False]),
        (("UT4821907", "UT4821907"), [False, False]),  # the same document again
    ],
)
def test_consecutive_numbers_of_documents_only_their_zone_opens_are_named(numbers, named):
    job = Job(PROFILES / "emrtd-td3-2006")
    todo, register = job.plan(), RunRegister()
    found = []
    for number in numbers:
        document = document_in(todo)
        fields = dataclasses.replace(HOLDER, document_number=number)
        numbered = with_document(todo, dataclasses.replace(document, mrz=compose(Format.TD3, fields)))
        row = dataclasses.replace(numbered, record_no=1 + sorted(set(numbers)).index(number))
        outcome = personalize(row, inserted(make_card("emrtd-2006", seed=9)), job.keystore, register=register)
        found.append("EMRTD-096" in {finding.rule for finding in outcome.findings})
    assert found == named


# What is refused beforehand


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ('    { mapping = "ECDH-GM", cipher = "AES-128", parameters = 12 },\n', "", "another mapping beside it"),
        ('[[emrtd.chip_authentication]]\ncurve = "P-256"\ncipher = "AES-128"\n', "", "ECDH-CAM: expected"),
        ('trust_points = ["cvca.cvcert"]', 'trust_points = ["verifier.cvcert"]', "no trust point"),
        (
            'certificates = ["verifier.cvcert", "terminal.cvcert"]',
            'certificates = ["terminal.cvcert"]',
            "no trust point",
        ),
        ('trust_points = ["cvca.cvcert"]', 'trust_points = ["signer.cer"]', "signer.cer"),
        ('trust_points = ["cvca.cvcert"]', "trust_points = []", "trust_points"),
    ],
)
def test_a_profile_that_asks_for_what_cannot_be_is_refused(tmp_path, old, new, said):
    with pytest.raises(ProfileError, match=said):
        changed(tmp_path, (old, new)).plan()


def test_fingers_without_terminals_are_refused(tmp_path):
    text = (FOLDER / "profile.toml").read_text(encoding="utf-8")
    start = text.index("[emrtd.terminal_authentication]")
    block = text[start : text.index("[emrtd.signer]")]
    with pytest.raises(ProfileError, match="where there are fingers"):
        changed(tmp_path, (block, "")).plan()


def test_a_station_without_the_terminals_key_is_told_before_a_chip_is_touched(job):
    store = type(job.keystore)()
    for reference in ("test:gp-default", "test:signer", "test:csca"):
        store.add(reference, job.keystore._get(reference))
    with pytest.raises(KeyStoreError, match="test:terminal"):
        plan(job.profile, job.records[0], job.prepared(), store)


def test_a_day_that_is_none_is_refused(tmp_path):
    with pytest.raises((ProfileError, ValueError), match="YYYY-MM-DD"):
        changed(tmp_path, ('date = "{issued}"', 'date = "1 May"')).plan()


def test_every_proof_counts(job, made):
    assert verify(job.plan(), inserted(made), job.keystore).verdict is Verdict.GOOD

"""A border reader in front of virtual documents: every way in, every proof, and each lie by exactly its rule."""

import secrets
from dataclasses import replace
from datetime import date

import pytest

from cardkit.apps.emrtd.active_auth import check_signature
from cardkit.apps.emrtd.biometrics import Biometrics
from cardkit.apps.emrtd.client import DocumentClient
from cardkit.apps.emrtd.details import Details
from cardkit.apps.emrtd.groups import build_group, parse_dg15
from cardkit.apps.emrtd.lds import FILES
from cardkit.apps.emrtd.pace import Password, PasswordKind, offers, open_by_pace
from cardkit.apps.emrtd.securityinfos import parse_card_access
from cardkit.apps.emrtd.sod import LdsSecurityObject, build_sod
from cardkit.apps.emrtd.terminal.reader import inspect
from cardkit.apps.emrtd.terminal.reading import Mark, Reading, Request
from cardkit.apps.emrtd.terminal_auth import Terminal, effective_rights
from cardkit.apps.pki import cvc
from cardkit.apps.pki.cvc import CvCertificate, CvRequest, Right
from cardkit.apps.pki.masterlist import issue_master_list
from cardkit.apps.pki.trust import TrustStore
from cardkit.crypto.secret import Secret
from cardkit.encoding import tlv
from cardkit.errors import AuthenticationError, CounterGuardError, EncodingError
from tests.unit.pki import issuers

from .passport import AUTHORITY, CAN, CRL, MRZ, NOW, PIN, SECRET, SIGNER, TRUST, Document, digits, on_chip

BY_MRZ = Password(PasswordKind.MRZ, Secret(MRZ.information.encode(), "MRZ"))
BY_CAN = Password(PasswordKind.CAN, Secret(CAN.encode(), "CAN"))
BY_PIN = Password(PasswordKind.PIN, Secret(PIN.encode(), "PIN"))


def read(document: Document, password: Password = BY_MRZ, trust: TrustStore = TRUST, **more: object) -> Reading:
    return inspect(document.make(), Request((password,), trust, NOW, secrets.token_bytes, **more))


def rules(reading: Reading) -> list[str]:
    return [finding.rule for finding in reading.findings]


def done(reading: Reading) -> dict[str, Mark]:
    return {step.name: step.mark for step in reading.steps}


@pytest.mark.parametrize("image", ["emrtd-native", "emrtd-applet"])
@pytest.mark.parametrize("password", [BY_MRZ, BY_CAN, BY_PIN], ids=lambda one: one.kind.name)
def test_a_good_document_breaks_no_rule(image: str, password: Password) -> None:
    document = Document(image=image)
    reading = read(document, password)
    assert [(finding.rule, finding.where, finding.actual) for finding in reading.findings] == []
    assert set(done(reading).values()) == {Mark.DONE}
    signed = document.files()
    assert {name: reading.files[name] for name in signed if name not in ("EF.CardSecurity", "EF.SOD")} == {
        name: content for name, content in signed.items() if name not in ("EF.CardSecurity", "EF.SOD")
    }


PROTOCOLS = [
    (2, 1, 12), (2, 2, 13), (2, 3, 15), (2, 4, 17), (2, 4, 18), (2, 2, 8), (2, 2, 9), (2, 2, 10), (2, 2, 11),
    (2, 2, 14), (2, 2, 16), (4, 2, 13), (4, 1, 12), (4, 4, 15), (4, 3, 12), (1, 2, 0), (1, 4, 1), (3, 2, 2), (3, 1, 0),
]  # fmt: skip


@pytest.mark.parametrize("protocol", PROTOCOLS, ids=str)
def test_every_protocol_and_group_opens_a_document(protocol: tuple[int, int, int]) -> None:
    reading = read(Document(pace=(protocol,), chip=protocol[1:]), BY_CAN)
    assert done(reading) == {"PACE": Mark.DONE, "chip authentication": Mark.DONE, "active authentication": Mark.DONE}
    assert rules(reading) == []


def test_keys_of_2048_bits_need_no_announcement_of_long_answers() -> None:
    """A chip without EF.ATR/INFO, as vicc's, that takes a long key is asked for one as long: ICAO Doc 9303-11 4.4.4."""
    channel = Document(pace=((1, 2, 2),)).make()
    channel.extended = True  # as the ATR says
    client = DocumentClient(channel)
    client.select_master_file()
    offer = offers(parse_card_access(client.read(FILES["EF.CardAccess"])))[0]
    assert open_by_pace(client, offer, BY_CAN, secrets.token_bytes).group.name == "MODP 2048/256"


def test_chip_authentication_of_version_2_checks_the_chips_token() -> None:
    good = Document(chip_version=2)
    assert done(read(good))["chip authentication"] is Mark.DONE
    clone = Document(chip_version=2, keys={"8110": on_chip(12, SECRET + 1)})
    reading = read(clone)
    assert rules(reading) == ["EMRTD-030"]
    assert "token" in next(step.text for step in reading.steps if step.mark is Mark.FAILED)
    assert done(read(Document(chip_version=3)))["chip authentication"] is Mark.ABSENT


def test_mapping_with_chip_authentication_proves_the_chip() -> None:
    reading = read(Document(pace=((6, 2, 12), (2, 2, 12))))
    assert done(reading)["PACE-CAM"] is Mark.DONE
    assert rules(reading) == []


def test_a_document_without_pace_is_opened_by_bac() -> None:
    reading = read(Document(pace=(), chip=(1, 12), active="rsa"))
    assert [step.name for step in reading.steps if step.mark is Mark.DONE] == [
        "BAC", "chip authentication", "active authentication",
    ]  # fmt: skip
    assert rules(reading) == []
    with pytest.raises(EncodingError, match="expected its MRZ"):
        read(Document(pace=()), BY_CAN)


@pytest.mark.parametrize("pace", [(), ((2, 2, 12),), ((1, 2, 0),)], ids=str)
def test_another_zone_opens_nothing(pace: tuple[tuple[int, int, int], ...]) -> None:
    other = Password(PasswordKind.MRZ, Secret(MRZ.information.replace("L898902C3", "L898902C4").encode(), "MRZ"))
    with pytest.raises(AuthenticationError, match="another"):
        read(Document(pace=pace), other)


def test_a_pin_is_presented_once_and_a_blocked_one_is_said() -> None:
    channel = Document().make()
    wrong = Password(PasswordKind.PIN, Secret(b"000000", "PIN"))
    for _ in range(2):
        with pytest.raises(AuthenticationError, match="PIN is another"):
            inspect(channel, Request((wrong,), TRUST, NOW, secrets.token_bytes))
    with pytest.raises(CounterGuardError, match="expected the CAN before it"):
        inspect(channel, Request((BY_PIN,), TRUST, NOW, secrets.token_bytes))
    assert rules(inspect(channel, Request((BY_CAN,), TRUST, NOW, secrets.token_bytes))) == []


def test_without_trust_nothing_is_called_genuine_in_silence() -> None:
    reading = read(Document(), trust=TrustStore())
    assert "EMRTD-073" in rules(reading)


BAD_DIGIT = (MRZ.text[:53] + str((int(MRZ.text[53]) + 1) % 10) + MRZ.text[54:]).encode()
FORGED_SIGNER = issuers.signer(issuers.root("bp384-2", common="CSCA-UTO"), "p256-3", explicit=True)
FORGED = build_sod(LdsSecurityObject.of("sha256", Document().data_groups()), FORGED_SIGNER, issuers.NOW)
OTHER_DETAILS = Details.of(11, {"name_of_holder": "Eriksson<<Anna Maria", "personal_number": "1"}).build()
WITH_CAM = ((6, 2, 12), (2, 2, 12))
LIES = {
    "a group altered after signing": ("EMRTD-072", Document(changed={"EF.DG11": OTHER_DETAILS})),
    "a foreign signer": ("EMRTD-073", Document(changed={"EF.SOD": FORGED})),
    "a clone without the key of chip authentication": ("EMRTD-030", Document(keys={"8110": on_chip(12, SECRET + 1)})),
    "a clone without the key of active authentication": ("EMRTD-032", Document(keys={"8103": on_chip(12, SECRET + 1)})),
    "a clone without the key of mapping": ("EMRTD-027", Document(pace=WITH_CAM, keys={"8105": on_chip(12, SECRET)})),
    "a zone with a wrong digit": ("EMRTD-043", Document(groups={1: build_group(1, tlv.build(0x5F1F, BAD_DIGIT))})),
}


@pytest.mark.parametrize("name", LIES)
def test_each_lie_is_named_by_its_rule_alone(name: str) -> None:
    expected, document = LIES[name]
    assert set(rules(read(document))) == {expected}


def certificate(name: str, holder: str, rights: Right, issuer: str = "", authority: str = "") -> CvCertificate:
    asked = CvRequest(holder, issuers.key(name), rights, date(2026, 11, 1), date(2027, 11, 1))
    return CvCertificate.parse(cvc.issue(asked, authority or holder, issuers.key(issuer or name)))


EVERYTHING = Right.FINGER | Right.IRIS
ROOT = certificate("p256-1", "UTCVCA00001", Right.AUTHORITY | EVERYTHING)
VERIFIER = certificate("p256-2", "UTDVCA00001", Right.DOMESTIC_VERIFIER | EVERYTHING, "p256-1", "UTCVCA00001")
OWN = certificate("p256-3", "UTTERM00001", Right.FINGER, "p256-2", "UTDVCA00001")
TERMINAL = Terminal((VERIFIER, OWN), issuers.key("p256-3"))
FINGERS = Biometrics.of(3, (), bytes(range(8))).build()
IRISES = Biometrics.of(4, (), bytes(range(8, 16))).build()


def with_fingers(**more: object) -> Document:
    keys = {"8120": ROOT.der, "8130": digits(date(2026, 11, 2))}
    cvca = tlv.build(0x42, b"UTCVCA00001").ljust(36, b"\0")
    return Document(groups={3: FINGERS, 4: IRISES}, keys=keys, cvca=cvca, **more)


@pytest.mark.parametrize("pace", [((2, 2, 12),), ((1, 2, 0),), ()], ids=str)
def test_a_terminal_reads_what_its_chain_allows_and_no_more(pace: tuple[tuple[int, int, int], ...]) -> None:
    reading = read(with_fingers(pace=pace), terminal=TERMINAL)
    assert done(reading)["terminal authentication"] is Mark.DONE
    assert reading.files["EF.DG3"] == FINGERS
    assert "UTTERM00001, may read fingers" in [step.text for step in reading.steps]
    assert reading.closed == {4}
    assert [(one.rule, one.not_checked) for one in reading.findings] == [("EMRTD-072", True)]


def test_another_zone_in_print_is_named() -> None:
    assert rules(read(Document(), printed=Secret(MRZ.text.encode(), "MRZ"))) == []
    other = MRZ.text.replace("ANNA", "ANNE")
    assert rules(read(Document(), printed=Secret(other.encode(), "MRZ"))) == ["EMRTD-044"]


def test_rights_are_what_every_certificate_allows() -> None:
    assert effective_rights((VERIFIER, OWN)) == Right.FINGER
    assert effective_rights((certificate("p256-2", "UTDVCA00002", Right.DOMESTIC_VERIFIER), OWN)) == Right(0)
    with pytest.raises(EncodingError, match="not of an inspection system"):
        effective_rights((replace(OWN, role="0.4.0.127.0.7.3.1.2.2"),))


def test_fingers_stay_closed_without_a_terminal_and_to_a_foreign_one() -> None:
    assert read(with_fingers()).closed == {3, 4}
    stranger = Terminal((VERIFIER, OWN), issuers.key("p256-4"))
    reading = read(with_fingers(), terminal=stranger)
    assert done(reading)["terminal authentication"] is Mark.FAILED
    assert "EMRTD-034" in rules(reading)
    assert reading.closed == {3, 4}
    unknown = Terminal((OWN,), issuers.key("p256-3"))
    assert "EMRTD-034" in rules(read(with_fingers(), terminal=unknown))


@pytest.mark.parametrize("active", ["ec", "rsa"])
def test_evidence_of_active_authentication_is_verified_again_by_others(active: str) -> None:
    document = Document(active=active)
    reading = read(document)
    assert reading.evidence is not None
    key = parse_dg15(reading.files["EF.DG15"])
    again = check_signature(key, document.infos(), reading.evidence.challenge, reading.evidence.signature)
    assert again == reading.evidence
    with pytest.raises(AuthenticationError):
        check_signature(key, document.infos(), bytes(8), reading.evidence.signature)


def test_a_reading_shows_no_file() -> None:
    reading = read(Document())
    assert "ERIKSSON" not in repr(reading).upper()
    assert SIGNER is not None


def test_a_reading_that_takes_longer_than_it_may_is_named_alone() -> None:
    ticks = iter(range(100))
    reading = read(Document(), clock=lambda: next(ticks), window_ms=4_999)
    assert rules(reading) == ["EMRTD-095"]
    assert [(name, cost.ms) for name, cost in reading.costs.items()] == [
        ("access", 1_000),
        ("chip authentication", 1_000),
        ("whole reading", 5_000),
    ]
    assert reading.costs["access"].commands == 6  # MSE:SET, four steps, SELECT
    assert reading.genuine
    assert rules(read(Document(), clock=iter(range(100)).__next__, window_ms=5_000)) == []


def test_a_master_list_nobody_trusts_is_named_alone() -> None:
    foreign = issuers.root("p384-2", common="CSCA-XXX")
    untrusted = issue_master_list([foreign[0]], issuers.list_signer(foreign), foreign[0], issuers.NOW)
    given = [("csca", AUTHORITY[0]), ("crl", CRL), ("list.ml", untrusted)]
    reading = read(Document(), trust=TrustStore.of(given))
    assert [(one.rule, one.where) for one in reading.findings] == [("EMRTD-082", "list.ml")]
    good = issue_master_list([foreign[0]], issuers.list_signer(AUTHORITY), AUTHORITY[0], issuers.NOW)
    assert rules(read(Document(), trust=TrustStore.of([*given[:2], ("list.ml", good)]))) == []


def test_a_terminal_of_version_2_comes_first_and_reads_what_it_may() -> None:
    reading = read(with_fingers(chip_version=2), terminal=TERMINAL)
    names = [step.name for step in reading.steps if step.mark is Mark.DONE]
    assert names.index("terminal authentication") < names.index("chip authentication")
    assert reading.files["EF.DG3"] == FINGERS
    assert reading.closed == {4}
    assert [(one.rule, one.not_checked) for one in reading.findings] == [("EMRTD-072", True)]


def test_a_foreign_terminal_of_version_2_reads_nothing() -> None:
    reading = read(with_fingers(chip_version=2), terminal=Terminal((VERIFIER, OWN), issuers.key("p256-4")))
    assert done(reading)["terminal authentication"] is Mark.FAILED
    assert done(reading)["chip authentication"] is Mark.DONE
    assert reading.closed == {3, 4}

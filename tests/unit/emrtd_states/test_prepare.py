"""What is made of a record: zone, data groups, keys, a security object that an independent reader accepts."""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime

import pytest

from cardkit.apps.emrtd.biometrics import Biometrics
from cardkit.apps.emrtd.com import Com
from cardkit.apps.emrtd.details import Details
from cardkit.apps.emrtd.face import FaceRecord
from cardkit.apps.emrtd.groups import parse_dg1, parse_dg15
from cardkit.apps.emrtd.mrz import Format
from cardkit.apps.emrtd.passive import Document, Terms, authenticate
from cardkit.apps.emrtd.prepare.holder import zone_of
from cardkit.apps.emrtd.securityinfos import parse_card_access, parse_dg14
from cardkit.apps.emrtd.sod import Sod
from cardkit.apps.pki import publickey
from cardkit.apps.pki.trust import TrustStore
from cardkit.errors import EncodingError, ProfileError
from cardkit.perso import plan, printed
from tests.unit.emrtd_states.conftest import PROFILE

HOLDER = {
    "document_code": "P",
    "issuing_state": "UTO",
    "document_number": "L898902C3",
    "nationality": "UTO",
    "birth": "1974-08-12",
    "sex": "F",
    "expiry": "2012-04-15",
    "primary": "Eriksson",
    "secondary": "Anna Maria",
    "optional_data": "ZE184226B",
    "optional_data_2": "",
    "mrz": "",
}
# ICAO Doc 9303-4, figure of the specimen data page.
SPECIMEN = "P<UTOERIKSSON<<ANNA<MARIA<<<<<<<<<<<<<<<<<<<L898902C36UTO7408122F1204159ZE184226B<<<<<10"


def test_the_zone_of_the_specimen_is_composed():
    assert zone_of(Format.TD3, HOLDER).text == SPECIMEN


def test_the_zone_of_the_order_goes_before_ours_where_it_is_the_records():
    own = SPECIMEN.replace("ANNA<MARIA<", "ANNA<M<<<<<")
    assert zone_of(Format.TD3, HOLDER | {"mrz": own}).text == own


@pytest.mark.parametrize(
    ("wrong", "named"),
    [
        (SPECIMEN.replace("UTO7408122", "UTO7408123"), "date_of_birth"),
        (SPECIMEN.replace("2F1204159", "2M1204159"), "sex"),
        (SPECIMEN[:-2], "86 characters"),
    ],
)
def test_a_zone_of_somebody_else_or_with_a_wrong_digit_is_refused(wrong, named):
    with pytest.raises(EncodingError, match=named):
        zone_of(Format.TD3, HOLDER | {"mrz": wrong})


@pytest.mark.parametrize("day", ["12-08-1974", "19740812", ""])
def test_a_day_of_another_form_is_refused(day):
    with pytest.raises(EncodingError, match="birth"):
        zone_of(Format.TD3, HOLDER | {"birth": day})


def test_names_are_transliterated_and_sex_x_is_unspecified(job):
    names = [parse_dg1(job.document(row).files["EF.DG1"]).names for row in range(1, 8)]
    assert names[1:7] == [
        ("SPECIMEN MUELLER", "JOERG"),
        ("OKTAMOV", "SHOHRUH"),
        ("SHCHERBAKOVA", "IULIIA"),
        ("DARC", "JEANNE"),
        ("OESTERGAARD", "AEGIR"),
        ("VAN DER SPECIMEN", "WILLEKE LISELOTTE"),
    ]
    assert job.document(8).mrz.field("sex") == "<"


def test_every_group_says_what_the_record_says(job):
    files = job.document().files
    (template,) = Biometrics.parse(2, files["EF.DG2"]).templates()
    (face,) = FaceRecord.parse(template.data).faces
    assert (face.width, face.height, face.gender) == (240, 320, 2)
    assert face.image == (PROFILE / "face-1.jpg").read_bytes()
    details = Details.parse(11, files["EF.DG11"]).values()
    assert details["full_date_of_birth"] == "19740812"
    assert details["place_of_birth"] == ("ZENITH", "UTOPIA")
    assert Details.parse(12, files["EF.DG12"]).values()["date_of_issue"] == "20260201"
    assert Com.parse(files["EF.COM"]).groups == (1, 2, 11, 12, 14, 15)
    assert not parse_card_access(files["EF.CardAccess"]).missing_from(parse_dg14(files["EF.DG14"]))


def test_public_keys_in_the_groups_are_those_of_the_private_ones(job):
    document = job.document()
    key = publickey.parse(parse_dg15(document.files["EF.DG15"]))
    assert key.curve.name == "P-256"
    assert key.point == document.keys.active.public
    with document.keys.active.scalar.reveal() as clear:
        from cryptography.hazmat.primitives.asymmetric import ec

        numbers = ec.derive_private_key(int.from_bytes(clear), ec.SECP256R1()).public_key().public_numbers()
    assert numbers.x.to_bytes(32) + numbers.y.to_bytes(32) == key.point[1:]


def test_the_security_object_has_the_hash_of_every_file_and_is_trusted(job):
    files = job.document().files
    groups = {int(name[5:]): body for name, body in files.items() if name.startswith("EF.DG")}
    hashes = Sod.parse(files["EF.SOD"]).object.hashes
    assert hashes == {number: hashlib.sha256(body).digest() for number, body in groups.items()}
    trust = TrustStore.of([("csca.cer", (PROFILE / "csca.cer").read_bytes())])
    verdict = authenticate(Document(files["EF.SOD"], groups), trust, Terms(datetime(2026, 6, 1, tzinfo=UTC)))
    assert [trouble.rule for trouble in verdict.troubles] == ["EMRTD-076"]  # nobody gave a CRL


def test_two_documents_have_nothing_random_in_common(job):
    first, second = job.prepared(seed="a").values, job.prepared(seed="b").values
    assert first.keys() == second.keys()
    assert all(first[name] != second[name] for name in first)


def test_values_of_another_record_are_refused(job):
    with pytest.raises(ProfileError, match="not of this record"):
        plan(job.profile, job.records[1], job.prepared(1), job.keystore)


def test_the_printer_gets_the_zone(job):
    lines = printed(job.profile, job.records[0], job.prepared(), job.keystore)
    assert lines[0] == "MRZ1=P<UTOSPECIMEN<<ANNA<MARIA<<<<<<<<<<<<<<<<<<<"
    assert lines[1].startswith("MRZ2=UT48219074UTO7408122F3601316ZE184226B<<<<<")

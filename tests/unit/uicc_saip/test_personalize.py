"""Record data in its places, all else as it was."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cardkit.apps.uicc.saip.authentication import read_authentications
from cardkit.apps.uicc.saip.codes import read_codes
from cardkit.apps.uicc.saip.content import operations, overlay
from cardkit.apps.uicc.saip.filesystem import FileSystem, read_files
from cardkit.apps.uicc.saip.package import Package
from cardkit.apps.uicc.saip.personalize import personalized
from cardkit.apps.uicc.saip.schema import FILE
from cardkit.crypto import Secret
from cardkit.errors import EncodingError, ProfileError

from .building import MF, package, usim
from .conftest import Job


@pytest.fixture(scope="module")
def filled(roomy: Package, job: Job) -> Package:
    return Package.read(personalized(roomy, job.product, job.record).build())


@pytest.fixture(scope="module")
def files(filled: Package) -> FileSystem:
    return read_files(filled)


def first(files: FileSystem, name: str) -> Any:
    found = files.named(name)
    assert found is not None
    assert found.spec is not None
    return found.spec.decode(found.records()[0])


def test_every_file_of_the_record_has_its_value(files: FileSystem) -> None:
    assert first(files, "MF/EF.ICCID") == {"iccid": "8999901000000000013"}
    assert first(files, "ADF.USIM/EF.IMSI") == {"imsi": "001010000000001"}
    assert first(files, "ADF.USIM/EF.ACC") == {"classes": [1]}
    assert first(files, "ADF.USIM/EF.MSISDN")["number"] == "+999010000001"
    assert first(files, "DF.TELECOM/EF.MSISDN")["number"] == "+999010000001"
    assert first(files, "ADF.ISIM/EF.IMPI") == {"impi": "001010000000001@ims.mnc001.mcc001.3gppnetwork.org"}
    assert first(files, "ADF.ISIM/EF.IMPU") == {"impu": "sip:001010000000001@ims.mnc001.mcc001.3gppnetwork.org"}


def test_the_header_has_the_iccid_unswapped(filled: Package) -> None:
    assert filled.header.require("iccid").octets.hex() == "8999901000000000013f"


def test_other_records_of_a_file_stay(roomy: Package, files: FileSystem) -> None:
    before, after = read_files(roomy).named("ADF.ISIM/EF.IMPU"), files.named("ADF.ISIM/EF.IMPU")
    assert before is not None
    assert after is not None
    assert after.records()[1:] == before.records()[1:]


def test_keys_algorithm_and_sequence_number(filled: Package, files: FileSystem, job: Job) -> None:
    for given_ in read_authentications(filled, files.contexts):
        assert given_.name == "milenage"
        assert given_.k == job.record["ki"]
        assert given_.opc == job.record["opc"]
        assert given_.sqn == (1, *[0] * 31)
        assert given_.usual_constants


def test_codes_are_the_records_in_every_directory(filled: Package, files: FileSystem) -> None:
    codes = read_codes(filled, files.contexts)
    assert {code.name: code.value for code in codes if code.name != "ADM2"} == {
        "PIN1": Secret(b"2437\xff\xff\xff\xff", ""),
        "PIN2": Secret(b"5653\xff\xff\xff\xff", ""),
        "ADM1": Secret(bytes.fromhex("6162636465660001"), ""),
    }
    assert [code.puk.value for code in codes if code.puk] == [
        Secret(b"35008919", ""),
        *[Secret(b"71008007", "")] * 4,
    ]
    untouched = next(code for code in codes if code.name == "ADM2")
    assert untouched.value == Secret(b"ADM-TWO2", "")


def test_elements_the_record_has_nothing_for_keep_their_bytes(roomy: Package, filled: Package) -> None:
    changed = [old.name for old, new in zip(roomy.elements, filled.elements, strict=True) if old.build() != new.build()]
    assert sorted(set(changed)) == [
        "akaParameter", "header", "isim", "mf", "opt-usim", "pinCodes", "pukCodes", "usim",
    ]  # fmt: skip


def test_the_same_record_again_changes_nothing(filled: Package, job: Job) -> None:
    assert personalized(filled, job.product, job.record).build() == filled.build()


def test_a_value_that_does_not_fit_the_packages_file_is_refused(sample: Package, job: Job) -> None:
    with pytest.raises(EncodingError, match=r"ADF\.ISIM/EF\.IMPI: got 51 bytes of content, expected 32 or fewer"):
        personalized(sample, job.product, job.record)


def test_a_package_without_a_place_for_a_value_is_refused(job: Job) -> None:
    with pytest.raises(ProfileError, match=r"ADF\.USIM/EF\.MSISDN#1: the profile fills it, the package makes no such"):
        personalized(package(MF, usim()), job.product, job.record)


def test_a_package_without_a_code_of_the_profile_is_refused(roomy: Package, job: Job) -> None:
    without = Package(tuple(element for element in roomy.elements if element.name not in {"pinCodes", "pukCodes"}))
    with pytest.raises(ProfileError, match="PIN1: the profile fills it, the package defines no such code"):
        personalized(without, job.product, job.record)


@given(body=st.binary(max_size=60), step=st.integers(1, 20), over=st.integers(0, 255), whole=st.booleans())
def test_operations_make_the_body_they_were_made_for(body: bytes, step: int, over: int, whole: bool) -> None:
    body = body[: len(body) // step * step]
    blank = bytes((over,)) * len(body)
    made = operations(body, blank, 0 if whole else step, FILE)
    assert overlay(blank, made) == body
    assert not made or body != blank


def test_a_hole_longer_than_one_offset_takes_two() -> None:
    body = bytes(70_000) + b"\x01"
    made = operations(body, bytes(70_001), 1, FILE)
    assert [node.name for node in made] == ["fillFileOffset", "fillFileOffset", "fillFileContent"]
    assert overlay(bytes(70_001), made) == body

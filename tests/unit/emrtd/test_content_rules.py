"""Rules about contents: a good document breaks none, and each fault is named by its own rule alone."""

import json
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cardkit.apps.emrtd import oids
from cardkit.apps.emrtd.biometrics import Biometrics, FormatType, Modality, Template
from cardkit.apps.emrtd.com import Com
from cardkit.apps.emrtd.details import Details
from cardkit.apps.emrtd.face import Face, FaceRecord, build_dg2
from cardkit.apps.emrtd.groups import build_dg1, build_dg15, build_group
from cardkit.apps.emrtd.images import DisplayedImages
from cardkit.apps.emrtd.mrz import Format, compose
from cardkit.apps.emrtd.rules.contents import content_troubles
from cardkit.apps.emrtd.rules.passwords import can_troubles
from cardkit.apps.emrtd.rules.table import CASES, RULES
from cardkit.apps.emrtd.securityinfos import ChipAuthenticationPublicKeyInfo, PACEInfo, SecurityInfos, build_dg14
from cardkit.apps.pki import publickey
from cardkit.cli.app import run
from cardkit.crypto.curves import BY_NAME
from cardkit.crypto.groups import standardized_group
from cardkit.encoding import tlv

from .passport import HOLDER, MRZ, NOW, PICTURE, SECRET, Document

GOOD = Document().files()
TODAY = NOW.date()


def zone(**changes: str) -> bytes:
    return build_dg1(compose(Format.TD3, replace(HOLDER, **changes)))


def face(form: FormatType = FormatType.FACE_19794, **changes: object) -> bytes:
    record = FaceRecord((replace(Face.of(PICTURE), **changes),)).build()
    return Biometrics.of(2, [Template.of(Modality.FACE, form, record)]).build()


def finger(subtype: int | None) -> bytes:
    return Biometrics.of(3, [Template.of(Modality.FINGER, FormatType.FINGER_19794, b"finger", subtype)]).build()


def named(tag: int) -> bytes:
    return tlv.build(0x5C, tag.to_bytes(2))


def called_another_curve(number: int) -> bytes:
    """Return a key of brainpoolP256r1 that says it is NIST's of the same size."""
    point = standardized_group(number).public(SECRET)
    return publickey.build_ec(BY_NAME["P-256"], point, explicit=False)


def with_wrong_label() -> bytes:
    info = ChipAuthenticationPublicKeyInfo(oids.PUBLIC_KEY_ECDH, called_another_curve(13))
    kept = [one for one in Document().infos().infos if not isinstance(one, ChipAuthenticationPublicKeyInfo)]
    return build_dg14(SecurityInfos.of([*kept, info]))


WRONG_OWNER = face().replace(bytes.fromhex("87020101"), bytes.fromhex("87020102"))
WITH_EXIF = PICTURE[:2] + bytes.fromhex("FFE10008457869660000") + PICTURE[2:]
ONLY_CAM = SecurityInfos.of([PACEInfo(oids.pace(oids.Mapping.ECDH_CAM, oids.Cipher.AES_128), parameter_id=12)]).der
UNKNOWN = SecurityInfos.of([PACEInfo(oids.pace(oids.Mapping.ECDH_GM, oids.Cipher.AES_128), parameter_id=30)]).der
FAULTS = [
    ("EMRTD-040", {"EF.COM": Com.of([1, 2]).build()}),
    ("EMRTD-040", {"EF.COM": b"\x60\x00"}),
    ("EMRTD-040", {"EF.COM": Com.of(Document().data_groups(), lds_version="01.7").build()}),
    ("EMRTD-041", {"EF.DG1": build_group(1, tlv.build(0x5F1F, b"P<UTO"))}),
    ("EMRTD-042", {"EF.DG1": zone(document_code="V")}),
    ("EMRTD-042", {"EF.DG1": zone(nationality="QQQ")}),
    ("EMRTD-045", {"EF.DG1": zone(date_of_expiry="251115")}),
    ("EMRTD-046", {"EF.DG11": Details.of(11, {"name_of_holder": "Other<<Name"}).build()}),
    ("EMRTD-050", {"EF.DG2": build_group(2, b"\x02\x01\x01")}),
    ("EMRTD-050", {"EF.DG2": build_dg2([PICTURE]).replace(bytes.fromhex("0201017F60"), bytes.fromhex("0201027F60"))}),
    ("EMRTD-051", {"EF.DG2": WRONG_OWNER}),
    ("EMRTD-052", {"EF.DG2": face().replace(b"FAC\x00010", b"FAC\x00020")}),
    ("EMRTD-054", {"EF.DG2": face(width=1)}),
    ("EMRTD-054", {"EF.DG2": face(image=bytes(100))}),
    ("EMRTD-055", {"EF.DG2": face(image=WITH_EXIF)}),
    ("EMRTD-056", {"EF.DG3": finger(None)}),
    ("EMRTD-056", {"EF.DG4": build_group(4, tlv.build(0x7F61, b"\x02\x01\x00"))}),
    ("EMRTD-057", {"EF.DG7": DisplayedImages.of(7, [PICTURE]).build().replace(b"\x02\x01\x01", b"\x02\x01\x07", 1)}),
    ("EMRTD-057", {"EF.DG5": build_group(5, b"")}),
    ("EMRTD-058", {"EF.DG12": build_group(12, tlv.build(0x5F19, b"UTO"))}),
    ("EMRTD-058", {"EF.DG12": build_group(12, named(0x5F26) + tlv.build(0x5F19, b"UTO"))}),
    ("EMRTD-059", {"EF.DG12": build_group(12, named(0x5F26) + tlv.build(0x5F26, bytes.fromhex("20260102")))}),
    ("EMRTD-060", {"EF.DG16": build_group(16, b"\x02\x01\xff")}),
    ("EMRTD-060", {"EF.DG16": build_group(16, b"\x04\x00")}),
    ("EMRTD-061", {"EF.DG14": build_group(14, b"\x30\x00")}),
    ("EMRTD-062", {"EF.CardAccess": Document(pace=((2, 4, 12),)).access().der}),
    ("EMRTD-063", {"EF.CardAccess": b"\x31\x02\x30\x00"}),
    ("EMRTD-064", {"EF.DG15": build_dg15(called_another_curve(13))}),
    ("EMRTD-064", {"EF.DG14": with_wrong_label()}),
    ("EMRTD-065", {"EF.DG15": build_group(15, b"\x30\x00")}),
    ("EMRTD-065", {"EF.DG15": build_dg15(publickey.build_rsa((1 << 1022) + 1, 65537))}),
]


def rules(files: dict[str, bytes]) -> list[str]:
    return [trouble.rule for trouble in content_troubles(files, TODAY)]


def test_a_good_document_breaks_no_rule() -> None:
    assert content_troubles(GOOD, TODAY) == []


@pytest.mark.parametrize(("rule", "changed"), FAULTS, ids=lambda value: value if isinstance(value, str) else "")
def test_each_fault_is_named_by_its_rule_alone(rule: str, changed: dict[str, bytes]) -> None:
    assert set(rules(GOOD | changed)) == {rule}


@pytest.mark.parametrize("access", [ONLY_CAM, UNKNOWN])
def test_what_a_document_offers_can_be_used(access: bytes) -> None:
    assert set(rules({"EF.CardAccess": access})) == {"EMRTD-063"}


def test_an_ef_cardaccess_that_is_not_free_is_named() -> None:
    files = {name: content for name, content in GOOD.items() if name != "EF.CardAccess"}
    assert rules(files) == ["EMRTD-004"]


def test_nothing_of_the_zone_is_quoted() -> None:
    for rule, changed in FAULTS:
        for trouble in content_troubles(GOOD | changed, TODAY):
            said = f"{trouble.where} {trouble.expected} {trouble.actual}"
            assert not any(word in said for word in ("ERIKSSON", "Eriksson", MRZ.document_number, "740812")), rule


@settings(max_examples=150, deadline=None)
@given(st.sampled_from(sorted(GOOD)), st.data())
def test_any_bytes_are_a_finding_and_never_more(name: str, data: st.DataObject) -> None:
    content = bytearray(GOOD[name])
    for _ in range(data.draw(st.integers(1, 4))):
        content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    assert set(rules(GOOD | {name: bytes(content)})) <= set(RULES)


def test_every_rule_has_a_clause_and_a_text() -> None:
    assert len(RULES) == 79
    assert all(rule.clause and rule.text for rule in RULES.values())
    assert set(CASES) < set(RULES)


def test_cardkit_explain_tells_every_rule(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["explain", "EMRTD-", "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert [(one["rule"], one["text"]) for one in told] == [(rule.id, rule.text) for rule in RULES.values()]


@pytest.mark.parametrize(
    ("can", "said"),
    [
        ("777777", "one digit"),
        ("345678", "follow each other"),
        ("321098", "follow each other"),
        ("898902", "document number"),
        ("740812", "a date"),
        ("301115", "a date"),
    ],
)
def test_an_access_number_somebody_could_guess_is_named(can: str, said: str) -> None:
    found = list(can_troubles(can, MRZ))
    assert [trouble.rule for trouble in found] == ["EMRTD-096"]
    assert said in found[0].actual
    assert can not in found[0].actual


def test_a_drawn_access_number_is_not_named() -> None:
    assert list(can_troubles("204817", MRZ)) == []

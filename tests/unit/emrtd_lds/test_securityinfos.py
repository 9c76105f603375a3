"""SecurityInfos: published sets, infos of every kind, and sets nobody may accept."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cardkit.apps.emrtd import oids
from cardkit.apps.emrtd.oids import Cipher
from cardkit.apps.emrtd.securityinfos import (
    ActiveAuthenticationInfo,
    ChipAuthenticationInfo,
    ChipAuthenticationPublicKeyInfo,
    DomainParameterInfo,
    EFDIRInfo,
    OtherInfo,
    PACEInfo,
    SecurityInfos,
    TerminalAuthenticationInfo,
    build_dg14,
    parse_card_access,
    parse_dg14,
)
from cardkit.encoding import der, tlv
from cardkit.errors import EncodingError

from .vectors import chosen, load

OLD = "EF.CardAccess of a test card (old)"
KEY = der.sequence(der.sequence(der.oid("1.2.840.10045.2.1")), der.bits(b"\x04"))
FIELDS = {"version": "version", "parameter_id": "parameter_id", "key_id": "key_id",
          "signature_algorithm": "signature_algorithm"}  # fmt: skip


@pytest.mark.parametrize(("given", "out"), chosen("emrtd_securityinfos", lambda v: "kind" in str(v["out"])))
def test_infos_of_published_sets(given, out):
    found = SecurityInfos.parse(bytes.fromhex(given["der"])).infos
    for info, expected in zip(found, out["infos"], strict=True):
        kind = expected.pop("kind")
        assert type(info).__name__ == (kind if kind.endswith("Info") else "OtherInfo")
        assert {name: getattr(info, name) for name in expected} == expected


@pytest.mark.parametrize(
    ("given", "out"), chosen("emrtd_securityinfos", lambda v: "oid_hex" in str(v["out"]) and v["name"] != OLD)
)
def test_worked_examples_field_by_field(given, out):
    data = bytes.fromhex(given["der"])
    infos = parse_card_access(data + bytes(4))
    assert infos.der == data
    for info, expected in zip(infos.infos, out["infos"], strict=True):
        items = tlv.parse(der.only(info.build(), 0x30, "info").value)
        assert items[0].value.hex().upper() == expected["oid_hex"]
        shown = [{"tag": f"{item.tag:02X}", "value": item.value.hex().upper()} for item in items.items[1:]]
        assert shown == [{"tag": one["tag"], "value": one["value"]} for one in expected["fields"]]


@pytest.mark.parametrize(("given", "out"), chosen("emrtd_securityinfos", lambda v: v["out"].get("error")))
def test_sets_to_be_refused(given, out):
    assert out == {"error": True}
    with pytest.raises(EncodingError):
        SecurityInfos.parse(bytes.fromhex(given["der"]))


def test_an_old_card_with_version_1_of_pace_is_refused():
    data = next(bytes.fromhex(v["in"]["der"]) for v in load("emrtd_securityinfos") if v["name"] == OLD)
    with pytest.raises(EncodingError, match="PACEInfo: got version 1, expected 2"):
        SecurityInfos.parse(data)


EVERY_KIND = (
    PACEInfo(oids.pace(oids.Mapping.ECDH_CAM, Cipher.AES_256), parameter_id=13),
    DomainParameterInfo(f"{oids.PACE}.2", der.sequence(der.oid(oids.STANDARDIZED_PARAMETERS), der.integer(13)), 13),
    ChipAuthenticationInfo(oids.chip_authentication(oids.CHIP_AUTHENTICATION_ECDH, Cipher.AES_128), 1, 300),
    ChipAuthenticationPublicKeyInfo(oids.PUBLIC_KEY_ECDH, KEY, 300),
    TerminalAuthenticationInfo(fid=bytes.fromhex("011C"), sfi=b"\x1c"),
    ActiveAuthenticationInfo(f"{oids.PLAIN_ECDSA}.3"),
    EFDIRInfo(oids.EF_DIR_INFO[0], bytes.fromhex("61094F07A0000002471001")),
    OtherInfo("0.4.0.127.0.7.2.2.6", der.text(der.Tag.IA5, "https://example")),
)


def test_infos_of_every_kind_are_read_as_they_were_written():
    infos = SecurityInfos.of(EVERY_KIND)
    found = parse_dg14(build_dg14(infos) + bytes(2))
    assert found == infos
    assert set(found.infos) == set(EVERY_KIND)
    assert infos.all(PACEInfo) == EVERY_KIND[:1]
    assert (infos.all(PACEInfo)[0].mapping, infos.all(PACEInfo)[0].cipher) == (oids.Mapping.ECDH_CAM, Cipher.AES_256)
    assert infos.all(DomainParameterInfo)[0].standardized == 13


def test_a_set_is_written_in_the_order_of_der():
    encoded = [item.build() for item in tlv.first(SecurityInfos.of(EVERY_KIND).der)[0].children()]
    assert encoded == sorted(encoded)


def test_what_dg14_does_not_repeat_of_card_access():
    access = SecurityInfos.of(EVERY_KIND[:2])
    assert access.missing_from(SecurityInfos.of(EVERY_KIND[1:])) == EVERY_KIND[:1]
    assert access.missing_from(SecurityInfos.of(EVERY_KIND)) == ()


@given(st.binary(max_size=40))
def test_any_set_is_read_or_refused(content):
    data = tlv.build(0x31, content)
    try:
        assert SecurityInfos.parse(data).der == data
    except EncodingError:
        return

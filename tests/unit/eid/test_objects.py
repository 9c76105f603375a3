"""Data objects of PIV cards against values others published, and against bytes nobody meant."""

from __future__ import annotations

import gzip
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cardkit.apps.eid.algorithms import KEY_ALGORITHMS, public_key_info
from cardkit.apps.eid.client import Metadata, to_sign
from cardkit.apps.eid.fascn import FascN
from cardkit.apps.eid.objects import (
    MOST_CERTIFICATE_BYTES,
    ApplicationTemplate,
    Capabilities,
    CertificateObject,
    Chuid,
    Discovery,
)
from cardkit.encoding import tlv
from cardkit.errors import EncodingError

# The example of PACS 2.3 (TIG SCEPACS), 6; the second is the unassigned number test cards carry.
EXAMPLE = bytes.fromhex("D0439458210C2C19A0846D83685A1082108CE73984108CA3FC")
UNASSIGNED = bytes.fromhex("D4E739DA739CED39CE739D836858210842108421C84210C3EB")
FIELDS = FascN("0032", "0001", "092446", "0", "1", "1112223333", "1", "1223", "2")
KINDS = (ApplicationTemplate, Capabilities, CertificateObject, Chuid, Discovery)


def test_the_published_fascn_is_read_and_built():
    assert FascN.parse(EXAMPLE) == FIELDS
    assert FIELDS.build() == EXAMPLE
    assert FascN.parse(UNASSIGNED) == FascN("9999", "9999", "999999", "0", "1", "0000000000", "3", "0000", "1")


@given(st.integers(0, 199))
def test_a_fascn_with_any_bit_turned_is_refused(bit):
    turned = int.from_bytes(EXAMPLE, "big") ^ (1 << bit)
    with pytest.raises(EncodingError):
        FascN.parse(turned.to_bytes(25, "big"))


def test_a_fascn_field_of_another_length_is_refused():
    with pytest.raises(EncodingError, match="expected 6 digits"):
        FascN("0032", "0001", "92446", "0", "1", "1112223333", "1", "1223", "2").build()


def test_a_chuid_has_its_elements_in_order():
    chuid = Chuid.of(FIELDS, bytes(range(16)), date(2030, 12, 31))
    expected = "3019" + EXAMPLE.hex() + "3410" + bytes(range(16)).hex() + "3508" + b"20301231".hex() + "3e00fe00"
    assert chuid.build().hex() == expected
    assert (chuid.fascn, chuid.guid, chuid.expiry) == (FIELDS, bytes(range(16)), date(2030, 12, 31))


def test_elements_nobody_knows_stay_where_they_are():
    data = bytes.fromhex("EE02BEEF") + Chuid.of(FIELDS, bytes(16), date(2030, 1, 1)).build() + bytes.fromhex("3E0101")
    assert Chuid.parse(data).build() == data


@pytest.mark.parametrize(
    ("data", "what"),
    [
        ("3019" + EXAMPLE.hex() + "350832303330313233313E00FE00", "GUID"),
        ("3410" + "00" * 16 + "350832303330313233313E00FE00", "FASC-N"),
        ("3019" + EXAMPLE.hex() + "3410" + "00" * 16 + "350832303330313333313E00FE00", "expiry"),
    ],
)
def test_a_chuid_without_its_parts_is_refused_by_name(data, what):
    with pytest.raises(EncodingError, match=what):
        Chuid.parse(bytes.fromhex(data))


def test_the_answer_to_select_is_read():
    found = ApplicationTemplate.parse(
        bytes.fromhex("4F0600001000010079074F05A000000308500B5669727475616C20504956AC06800107060100")
    )
    assert (found.aid.hex(), found.authority.hex(), found.label, found.algorithms) == (
        "000010000100",
        "a000000308",
        "Virtual PIV",
        (7,),
    )


def test_discovery_and_capabilities_are_read():
    found = Discovery.parse(bytes.fromhex("4F0BA0000003080000100001005F2F024000"))
    assert (found.aid.hex(), found.policy.hex()) == ("a000000308000010000100", "4000")
    card_id = bytes.fromhex("A000000116FF02") + bytes(range(14))
    assert Capabilities.parse(Capabilities.of(card_id).build()).card_id == card_id


def test_a_packed_certificate_is_unpacked_and_kept_packed():
    packed = gzip.compress(b"certificate" * 40)
    data = tlv.build(0x70, packed) + bytes.fromhex("710101FE00")
    found = CertificateObject.parse(data)
    assert (found.packed, found.certificate, found.build()) == (True, b"certificate" * 40, data)
    assert CertificateObject.of(b"x").build().hex() == "700178710100fe00"


@pytest.mark.parametrize(
    "packed", [b"no gzip", gzip.compress(bytes(MOST_CERTIFICATE_BYTES + 1)), gzip.compress(b"cut" * 99)[:-9]]
)
def test_a_packed_certificate_that_is_none_costs_little(packed):
    with pytest.raises(EncodingError, match="gzip"):
        CertificateObject.parse(tlv.build(0x70, packed) + bytes.fromhex("710101FE00"))


@given(st.sampled_from(KINDS), st.binary(max_size=80))
def test_any_bytes_are_read_whole_or_refused(kind, data):
    try:
        found = kind.parse(data)
    except EncodingError:
        return
    assert found.build() == data


@given(st.binary(max_size=40))
def test_metadata_of_any_bytes_is_read_or_refused(data):
    try:
        found = Metadata.parse(data)
    except EncodingError:
        return
    assert 0 <= found.left <= 255


def test_metadata_of_a_code_tells_its_tries():
    found = Metadata.parse(bytes.fromhex("0101FF05010106020302"))
    assert found == Metadata(0xFF, generated=False, delivered=True, tries=3, left=2)


@pytest.mark.parametrize(
    ("name", "data"),
    [
        ("P-256", "8641" + "04" + "11" * 64),
        ("P-256", "810101820103"),
        ("RSA-2048", "8601FF"),
        ("RSA-2048", "8101FF820103"),
    ],
)
def test_a_public_key_of_another_kind_is_refused(name, data):
    with pytest.raises(EncodingError):
        public_key_info(KEY_ALGORITHMS[name], bytes.fromhex(data))


def test_an_rsa_block_is_that_of_pkcs1():
    block = to_sign(KEY_ALGORITHMS["RSA-2048"], b"abc")
    digest_info = (
        "3031300d060960864801650304020105000420ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
    )
    assert block.hex() == "0001" + "ff" * (256 - 3 - 51) + "00" + digest_info

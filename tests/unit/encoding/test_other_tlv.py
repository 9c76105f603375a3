"""COMPACT-TLV, COMPREHENSION-TLV and DGI."""

from __future__ import annotations

import pytest
from construct import Byte, Prefixed, Struct

from cardkit.encoding import build_exact, compact, comprehension, dgi, parse_exact
from cardkit.encoding.compact import CompactTlv
from cardkit.encoding.comprehension import ComprehensionTlv
from cardkit.encoding.dgi import DGI
from cardkit.errors import EncodingError


def test_compact_objects_share_a_byte_for_tag_and_length() -> None:
    # Historical bytes of a UICC: card service data, capabilities, pre-issuing data.
    data = bytes.fromhex("31A073BE21136743200718000001")
    items = compact.parse(data)
    assert items.items == (
        CompactTlv(3, b"\xa0"),
        CompactTlv(7, bytes.fromhex("BE2113")),
        CompactTlv(6, bytes.fromhex("43200718000001")),
    )
    assert items.build() == data


@pytest.mark.parametrize(
    ("data", "reason"), [("31", "byte 0: tag 3 announces 1 bytes, 0"), ("8073BE", "byte 1: tag 7")]
)
def test_truncated_compact_objects_are_refused(data: str, reason: str) -> None:
    with pytest.raises(EncodingError, match=reason):
        compact.parse(bytes.fromhex(data))


@pytest.mark.parametrize("item", [CompactTlv(16, b""), CompactTlv(-1, b""), CompactTlv(1, bytes(16))])
def test_compact_objects_beyond_a_nibble_are_not_written(item: CompactTlv) -> None:
    with pytest.raises(EncodingError, match="expected 0-F with 0-15"):
        item.build()


def test_proactive_command_keeps_comprehension_bits() -> None:
    # ETSI TS 102 223 8.6, 8.7: command details with the bit, device identities with and without, alpha identifier.
    data = bytes.fromhex("8103012500 82028182 0500 02028281")
    items = comprehension.parse(data)
    assert [(item.tag, item.comprehension) for item in items] == [(1, True), (2, True), (5, False), (2, False)]
    assert items.first(2) == b"\x81\x82"
    assert [item.value.hex() for item in items.find(2)] == ["8182", "8281"]
    assert items.build() == data


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        ("0B00", ComprehensionTlv(0x0B, b"")),
        ("FE01AA", ComprehensionTlv(0x7E, b"\xaa", comprehension=True)),
        ("7F007F00", ComprehensionTlv(0x7F, b"")),
        ("7F80FF01AA", ComprehensionTlv(0xFF, b"\xaa", comprehension=True)),
        ("7FFFFF00", ComprehensionTlv(0x7FFF, b"", comprehension=True)),
        ("7F000100", ComprehensionTlv(0x01, b"", long_tag=True)),
        ("7F000000", ComprehensionTlv(0x00, b"")),
        ("0D8101AA", ComprehensionTlv(0x0D, b"\xaa", length_size=2)),
        ("0D8180" + "AA" * 128, ComprehensionTlv(0x0D, b"\xaa" * 128)),
        ("0D820100" + "AA" * 256, ComprehensionTlv(0x0D, b"\xaa" * 256)),
    ],
)
def test_every_form_of_tag_and_length_is_kept(data: str, expected: ComprehensionTlv) -> None:
    (item,) = comprehension.parse(bytes.fromhex(data))
    assert item == expected
    assert item.build().hex() == data.lower()


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        ("0000", "got 00, which begins no tag"),
        ("8000", "got 80, which begins no tag"),
        ("FFFF", "got FF, which begins no tag"),
        ("01", "byte 0: data ends"),
        ("7F", "byte 0: data ends"),
        ("7F0001", "byte 0: data ends"),
        ("0181", "byte 0: data ends"),
        ("0100 0102AA", "byte 2: tag 01 has 1 of 2 bytes"),
        ("0180", "indefinite"),
    ],
)
def test_broken_comprehension_objects_are_refused(data: str, reason: str) -> None:
    with pytest.raises(EncodingError, match=reason):
        comprehension.parse(bytes.fromhex(data))


def test_comprehension_padding_is_kept_on_request() -> None:
    items = comprehension.parse(bytes.fromhex("0500FFFFFF"), b"\xff")
    assert (len(items), items.tail, items.build().hex()) == (1, b"\xff\xff\xff", "0500ffffff")
    with pytest.raises(EncodingError):
        comprehension.parse(bytes.fromhex("0500FF0500"), b"\xff")


@pytest.mark.parametrize("tag", [-1, 0x8000])
def test_comprehension_tags_out_of_range_are_not_written(tag: int) -> None:
    with pytest.raises(EncodingError, match="expected up to 7FFF"):
        ComprehensionTlv(tag, b"").build()


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        ("910200", DGI(0x9102, b"")),
        ("0101FE" + "AA" * 254, DGI(0x0101, b"\xaa" * 254)),
        ("0101FF00FF" + "AA" * 255, DGI(0x0101, b"\xaa" * 255)),
        ("8000FF0001AA", DGI(0x8000, b"\xaa", long_length=True)),
        ("0070FFFFFE" + "00" * 65534, DGI(0x0070, bytes(65534))),
    ],
    ids=["empty", "254", "255", "long form", "longest"],
)
def test_every_form_of_a_grouping_is_kept(data: str, expected: DGI) -> None:
    (item,) = dgi.parse(bytes.fromhex(data))
    assert item == expected
    assert item.build().hex() == data.lower()


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        ("91", "byte 0: data ends"),
        ("9102", "byte 0: data ends"),
        ("9102FF", "byte 0: data ends"),
        ("9102FF00", "byte 0: data ends"),
        ("910202A5", "byte 0: 9102 announces 2 bytes, 1 are there"),
        ("910200 800001", "byte 3: 8000 announces 1 bytes, 0"),
        ("0070FFFFFF" + "00" * 65535, "0070 announces 65535 bytes"),
    ],
    ids=str,
)
def test_broken_groupings_are_refused(data: str, reason: str) -> None:
    with pytest.raises(EncodingError, match=reason):
        dgi.parse(bytes.fromhex(data))


@pytest.mark.parametrize(
    "item", [DGI(0x10000, b""), DGI(-1, b""), DGI(0x0101, bytes(65535))], ids=["tag", "sign", "size"]
)
def test_groupings_out_of_range_are_not_written(item: DGI) -> None:
    with pytest.raises(EncodingError, match="expected 0-FFFF"):
        item.build()


def test_layouts_compose() -> None:
    layout = "mixed" / Struct(
        "historical" / Prefixed(Byte, compact.layout()),
        "toolkit" / Prefixed(Byte, comprehension.layout(b"\xff")),
        "groupings" / Prefixed(Byte, dgi.layout()),
    )
    data = bytes.fromhex("02 31A0 05 8101AAFFFF 05 910202A500")
    value = parse_exact(layout, data)
    assert (value.historical.first(3), value.toolkit.first(1), value.groupings.first(0x9102)) == (
        b"\xa0",
        b"\xaa",
        b"\xa5\x00",
    )
    assert build_exact(layout, value) == data

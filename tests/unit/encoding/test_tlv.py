"""BER-TLV: real templates come back byte for byte, broken ones are refused."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from construct import Byte, Prefixed, Struct

from cardkit.encoding import build_exact, parse_exact, tlv
from cardkit.encoding.tlv import Tlv, TlvList
from cardkit.errors import EncodingError

VECTORS = Path(__file__).parents[2] / "vectors"
DUMPS = json.loads((VECTORS / "uicc_dumps.json").read_text())
TEMPLATES = [
    (vector["name"], bytes.fromhex(vector["out"]["fcp"]))
    for vector in DUMPS
    if vector["in"]["card"].startswith("usim") and vector["out"].get("fcp")
]
GP_DATA = [vector for vector in json.loads((VECTORS / "gp_data.json").read_text()) if "data" in vector["in"]]


def walk(items: TlvList) -> Iterator[Tlv]:
    for item in items:
        yield item
        if item.constructed:
            children = item.children()
            assert children.build() == item.value
            yield from walk(children)


def test_every_template_of_real_cards_is_rebuilt() -> None:
    assert len(TEMPLATES) > 100
    for name, fcp in TEMPLATES:
        items = tlv.parse(fcp)
        assert items.build() == fcp, name
        # Everything is a file with its descriptor, but the security domain, which answers with FCI.
        assert {item.tag for item in walk(items)} >= ({0x6F, 0x84} if name.endswith("ISD") else {0x62, 0x82}), name


def test_a_template_is_read_object_by_object() -> None:
    # sim.md 2: ADF.USIM of a real card.
    (fcp,) = tlv.parse(
        bytes.fromhex("622D8202782183027F408410A0000000871002FFF359FF89FFFFFFFF8A01058B032F0606C609900140830101830181")
    )
    children = fcp.children()
    assert [f"{item.tag:02X}" for item in children] == ["82", "83", "84", "8A", "8B", "C6"]
    assert children.first(0x83) == bytes.fromhex("7F40")
    assert children.first(0x88) is None
    assert children.first(0x88, b"") == b""
    assert 0x8B in children
    assert 0x88 not in children
    (pin_status,) = children.find(0xC6)
    assert [item.value.hex() for item in pin_status.children().find(0x83)] == ["01", "81"]
    assert len(children) == 6
    assert children[-1] is pin_status
    assert not fcp.children()[0].constructed


@pytest.mark.parametrize("vector", GP_DATA, ids=lambda vector: vector["name"])
def test_globalplatform_data_is_rebuilt_or_refused(vector: dict[str, dict[str, str]]) -> None:
    data = bytes.fromhex(vector["in"]["data"])
    # The short ones end inside an object; other negative vectors are wrong above TLV.
    if vector["name"] in {"card-data-truncated", "key-info-short", "key-info-long", "cplc-short", "cplc-long",
                          "signature-ciphers-3b", "privileges-80c000", "privileges-9efe80-13",
                          "get-status-e3-jcop-6310"}:  # fmt: skip
        with pytest.raises(EncodingError):
            tlv.parse(data)
    else:
        assert tlv.parse(data).build() == data


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        ("0100", Tlv(0x01, b"")),
        ("8000", Tlv(0x80, b"")),
        ("8100", Tlv(0x81, b"")),
        ("80810101", Tlv(0x80, b"\x01", length_size=2)),
        ("8083000001AA", Tlv(0x80, b"\xaa", length_size=4)),
        ("808400000000", Tlv(0x80, b"", length_size=5)),
        ("808180" + "AA" * 128, Tlv(0x80, b"\xaa" * 128)),
        ("80820080" + "AA" * 128, Tlv(0x80, b"\xaa" * 128, length_size=3)),
        ("80820100" + "AA" * 256, Tlv(0x80, b"\xaa" * 256)),
        ("5F2003414243", Tlv(0x5F20, b"ABC")),
        ("9F708101AA", Tlv(0x9F70, b"\xaa", length_size=2)),
        ("DF810100", Tlv(0xDF8101, b"")),
        ("FF208000"[:4] + "00", Tlv(0xFF20, b"")),
        ("1F0100", Tlv(0x1F01, b"")),
    ],
)
def test_every_form_of_tag_and_length_is_kept(data: str, expected: Tlv) -> None:
    (item,) = tlv.parse(bytes.fromhex(data))
    assert item == expected
    assert item.build().hex() == data.lower()


@pytest.mark.parametrize(
    ("tag", "constructed"),
    [(0x62, True), (0x82, False), (0x7F66, True), (0x5F20, False), (0xBF8101, True), (0xDF8101, False)],
)
def test_constructed_is_a_bit_of_the_first_tag_byte(tag: int, constructed: bool) -> None:
    assert Tlv(tag, b"").constructed is constructed


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        ("83", "byte 0: data ends in its tag or length"),
        ("5F", "byte 0: data ends in its tag or length"),
        ("5F20", "byte 0: data ends in its tag or length"),
        ("DF81", "byte 0: data ends in its tag or length"),
        ("8000 83", "byte 2: data ends in its tag or length"),
        ("8382", "byte 0: data ends in its tag or length"),
        ("838201", "byte 0: data ends in its tag or length"),
        ("83023F", "byte 0: tag 83 announces 2 bytes, 1 are there"),
        ("5F20023F", "byte 0: tag 5F20 announces 2 bytes, 1 are there"),
        ("8384FFFFFFFF00", "announces 4294967295 bytes, 1 are there"),
        ("3080 83003F00 0000", "length field at byte 1: indefinite form 80"),
        ("8385 0000000001 AA", "length field at byte 1: got 85"),
        ("83FF AA", "length field at byte 1: got FF"),
        ("0000", "byte 0: got tag 00"),
        ("8000 00", "byte 2: data ends"),
        ("DF8182830000", "byte 0: got tag DF81828300"),
    ],
)
def test_a_broken_object_is_refused_with_its_place(data: str, reason: str) -> None:
    with pytest.raises(EncodingError, match=reason):
        tlv.parse(bytes.fromhex(data))


@pytest.mark.parametrize(
    ("data", "padding", "count", "tail"),
    [
        ("8001AA FFFFFF", "FF", 1, "ffffff"),
        ("8001AA FF", "FF", 1, "ff"),
        ("FFFFFF", "FF", 0, "ffffff"),
        ("8001AA 0000", "00", 1, "0000"),
        ("8001AA 00", "00", 1, "00"),
        ("8001AA 00FF", "00FF", 1, "00ff"),
        ("8001AA FF2000 FFFF", "FF", 2, "ffff"),
        ("8001AA", "FF", 1, ""),
        ("", "FF", 0, ""),
    ],
)
def test_padding_is_kept_where_it_is_allowed(data: str, padding: str, count: int, tail: str) -> None:
    raw = bytes.fromhex(data)
    items = tlv.parse(raw, bytes.fromhex(padding))
    assert (len(items), items.tail.hex()) == (count, tail)
    assert items.build() == raw


@pytest.mark.parametrize("data", ["8001AA FFFFFF", "8001AA 0000", "FF", "00"])
def test_padding_is_refused_where_it_is_not_allowed(data: str) -> None:
    with pytest.raises(EncodingError):
        tlv.parse(bytes.fromhex(data))


@pytest.mark.parametrize("data", ["8001AA FF8F", "8001AA FFFF8001AA", "8001AA 008001AA"])
def test_padding_with_something_behind_it_is_refused(data: str) -> None:
    with pytest.raises(EncodingError):
        tlv.parse(bytes.fromhex(data), b"\xff\x00")


def test_padding_inside_a_template_is_read_on_request() -> None:
    (template,) = tlv.parse(bytes.fromhex("A305 8001AA FFFF"))
    assert template.children(b"\xff").tail == b"\xff\xff"
    with pytest.raises(EncodingError):
        template.children()


@pytest.mark.parametrize("tag", [-1, 0, 0x1F, 0x5F, 0x6220, 0x5FA0, 0x5F2001, 0xDF8181, 0x1000000, 0xDF818101])
def test_a_number_that_is_no_tag_is_not_written(tag: int) -> None:
    with pytest.raises(EncodingError, match="expected 1 to 3 bytes"):
        tlv.build(tag, b"")


def test_a_length_field_too_short_is_not_written() -> None:
    with pytest.raises(EncodingError, match="does not fit a length field of 2 bytes"):
        Tlv(0x80, bytes(256), length_size=2).build()


def test_build_takes_the_shortest_length() -> None:
    assert tlv.build(0x62, tlv.build(0x83, b"\x3f\x00")).hex() == "620483023f00"
    assert tlv.build(0x80, bytes(200))[:3].hex() == "8081c8"


def test_objects_compose_with_other_layouts() -> None:
    layout = "reply" / Struct(
        "count" / Byte, "first" / tlv.BerTlv, "rest" / Prefixed(Byte, tlv.layout(b"\xff")), "end" / Byte
    )
    data = bytes.fromhex("02 83023F00 05 8A0105FFFF 77")
    value = parse_exact(layout, data)
    assert value.first == Tlv(0x83, b"\x3f\x00")
    assert value.rest.first(0x8A) == b"\x05"
    assert value.end == 0x77
    assert build_exact(layout, {"count": 2, "first": value.first, "rest": value.rest, "end": 0x77}) == data


def test_objects_are_values() -> None:
    assert Tlv(0x80, b"a") == Tlv(0x80, b"a")
    assert Tlv(0x80, b"a") != Tlv(0x80, b"a", 2)
    assert len({Tlv(0x80, b"a"), Tlv(0x80, b"a")}) == 1
    with pytest.raises(AttributeError):
        Tlv(0x80, b"a").tag = 1  # type: ignore[misc]
    assert tlv.parse(b"\x80\x00") == TlvList((Tlv(0x80, b""),))

"""Reading and writing packages: nothing lost, nothing misnamed, nothing shown."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cardkit.apps.uicc.saip.asn1 import HIDDEN, UNKNOWN, Kind, Node, Primitive, write_integer
from cardkit.apps.uicc.saip.package import Package
from cardkit.encoding import tlv
from cardkit.encoding.der import read_oid
from cardkit.errors import EncodingError

from .conftest import SAMPLE, VECTORS
from .notation import values

SIZE = len(SAMPLE.read_bytes())


def assert_same(node: Node, printed: Any, where: str) -> int:
    """Compare a value with the one the text says; return how many values were compared."""
    if isinstance(node.type, Primitive):
        assert said(node) == meant(printed), where
        return 1
    compared = 0
    for child, (name, value) in zip(node.children, printed, strict=True):
        assert name in {"", child.name}, where
        compared += assert_same(child, value, f"{where}.{child.name}")
    return compared


def said(node: Node) -> Any:
    assert isinstance(node.type, Primitive)
    match node.type.kind:
        case Kind.INTEGER:
            return node.number
        case Kind.OID:
            return read_oid(node.octets)
        case Kind.NULL:
            return "NULL" if not node.octets else node.octets
        case Kind.TEXT:
            return node.text
        case _:
            return node.octets.hex().upper()


def meant(printed: Any) -> Any:
    if isinstance(printed, list):
        return ".".join(arc for _, (_, arc) in printed)
    kind, text = printed
    return int(text) if kind == "word" and text.isdigit() else text


def test_every_value_is_the_one_another_encoder_was_given(sample: Package) -> None:
    printed = values((VECTORS / "cardkit-test.txt").read_text(encoding="utf-8"))
    assert [name for name, _ in printed] == [element.name for element in sample.elements]
    compared = [
        assert_same(element, value, name) for element, (name, value) in zip(sample.elements, printed, strict=True)
    ]
    assert sum(compared) == 584


def test_a_package_is_written_as_it_was_read(sample: Package) -> None:
    assert sample.build() == SAMPLE.read_bytes()
    assert sample.version == "3.3"
    assert len(sample.elements) == 29


def test_unknown_elements_and_components_are_kept_in_their_places(sample: Package) -> None:
    strange = tlv.build(0xBF7E, bytes.fromhex("8001FF"))
    header = sample.header.build()
    longer = tlv.build(0xA0, tlv.parse(header)[0].value + bytes.fromhex("9F8123020102"))
    data = longer + strange + SAMPLE.read_bytes()[len(header) :]
    package = Package.read(data)
    assert package.build() == data
    assert package.elements[1].name == UNKNOWN
    assert package.header.children[-1].octets == bytes.fromhex("0102")


def test_a_length_field_longer_than_der_wants_it_is_kept(sample: Package) -> None:
    header = sample.header.build()
    content = tlv.parse(header)[0].value
    data = bytes.fromhex("A08200") + bytes((len(content),)) + content + SAMPLE.read_bytes()[len(header) :]
    assert Package.read(data).build() == data


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", "got nothing, expected elements from header to end"),
        (bytes.fromhex("AA00"), "got end to end"),
        (bytes.fromhex("A000B000"), "got header to mf"),
        (bytes.fromhex("A0038001"), "announces 3 bytes"),
        (bytes.fromhex("A0"), "ends in its tag or length"),
        (bytes.fromhex("A080800103 0000"), "indefinite"),
        (bytes.fromhex("A003800203AA00"), "header: "),
    ],
)
def test_what_is_no_package_is_refused(data: bytes, message: str) -> None:
    with pytest.raises(EncodingError, match=message):
        Package.read(data)


@settings(max_examples=40, deadline=None)
@given(cut=st.integers(1, SIZE - 1), place=st.integers(0, SIZE - 1), byte=st.integers(0, 255))
def test_a_damaged_package_is_refused_or_kept(cut: int, place: int, byte: int) -> None:
    data = bytearray(SAMPLE.read_bytes())
    data[place] = byte
    for damaged in (bytes(data), SAMPLE.read_bytes()[:cut]):
        try:
            package = Package.read(damaged)
        except EncodingError:
            continue
        assert package.build() == damaged


def test_no_value_is_seen_in_a_repr(sample: Package) -> None:
    assert "000102030405060708090A0B0C0D0E0F" in (VECTORS / "cardkit-test.txt").read_text(encoding="utf-8")
    assert (
        repr(sample.elements[:3]) == "(<header A0, 6 components>, <mf B0, 8 components>, <pukCodes A3, 2 components>)"
    )
    _, codes = next(iter(sample.all("pinCodes")))
    assert "55555555" not in repr([*codes.children, codes.children[1].children, codes.children[1].children[0].children])


def test_a_component_is_put_where_the_module_has_it(sample: Package) -> None:
    _, element = next(iter(sample.all("akaParameter")))
    given_twice = element.setting("sqnOptions", b"\x02").setting("sqnOptions", b"\x03")
    assert [node.name for node in given_twice.children] == ["aka-header", "algoConfiguration", "sqnOptions"]
    assert given_twice.octets_of("sqnOptions", b"") == b"\x03"
    with pytest.raises(EncodingError, match="'sqnoption'"):
        element.setting("sqnoption", b"")


def test_edits_change_what_they_name_and_nothing_else(sample: Package) -> None:
    way = (0, next(i for i, node in enumerate(sample.header.children) if node.name == "iccid"))
    edited = sample.edited([(way, bytes(10))])
    assert edited.header.require("iccid").octets == bytes(10)
    assert edited.edited([(way, sample.header.require("iccid").octets)]).build() == sample.build()


def test_values_are_read_as_what_they_are() -> None:
    node = Node("key", 0x82, HIDDEN, b"")
    with pytest.raises(EncodingError, match="key: got no byte of a number"):
        _ = node.number
    with pytest.raises(EncodingError, match="key: got a plain value, expected components"):
        _ = node.children
    with pytest.raises(EncodingError, match="no UTF-8"):
        _ = node.holding(b"\xff").text
    with pytest.raises(EncodingError, match="a: got components"):
        _ = Node("a", 0xA0, HIDDEN, (node,)).octets


@pytest.mark.parametrize(("number", "octets"), [(0, "00"), (127, "7F"), (128, "0080"), (256, "0100"), (-128, "80")])
def test_integers_take_the_fewest_bytes(number: int, octets: str) -> None:
    # X.690 8.3.2
    assert write_integer(number).hex().upper() == octets


@pytest.mark.parametrize(
    ("octets", "oid"), [("813403", "2.100.3"), ("2A864886FC6B01", "1.2.840.114283.1"), ("06", "0.6")]
)
def test_object_identifiers_read_as_their_arcs(octets: str, oid: str) -> None:
    # X.690 8.19.5 EXAMPLE; GPCS 2.3.1 H.2
    assert read_oid(bytes.fromhex(octets)) == oid


def test_half_an_object_identifier_is_refused() -> None:
    for octets in ("", "88"):
        with pytest.raises(EncodingError, match="ends inside a number"):
            read_oid(bytes.fromhex(octets))

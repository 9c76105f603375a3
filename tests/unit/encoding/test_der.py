"""DER: what another library writes and reads, and what nobody may accept."""

from datetime import UTC, datetime, timedelta

import pytest
from asn1crypto import core, x509
from hypothesis import given
from hypothesis import strategies as st

from cardkit.encoding import der
from cardkit.encoding.der import Fields, Tag
from cardkit.encoding.tlv import Tlv
from cardkit.errors import EncodingError

oids = st.tuples(st.integers(0, 2), st.integers(0, 39), st.lists(st.integers(0, 1 << 40), max_size=8)).map(
    lambda arcs: ".".join(map(str, (arcs[0], arcs[1], *arcs[2])))
)
moments = st.integers(-20 * 365 * 86_400, 150 * 365 * 86_400).map(
    lambda seconds: datetime(1970, 1, 1, tzinfo=UTC) + timedelta(seconds=seconds)
)


@given(st.integers())
def test_integers_are_those_of_another_library(value):
    data = der.integer(value)
    assert data == core.Integer(value).dump()
    assert Fields(data, "number").integer("value") == value


@given(oids)
def test_object_identifiers_are_those_of_another_library(dotted):
    data = der.oid(dotted)
    assert data == core.ObjectIdentifier(dotted).dump()
    assert Fields(data, "identifier").oid("value") == dotted


@given(moments)
def test_times_are_those_of_another_library(moment):
    data = der.time(moment)
    assert data == x509.Time({"utc_time" if moment.year < 2050 else "general_time": moment}).dump()
    assert der.read_time(Fields(data, "time").any("value")) == moment
    assert der.read_time(Fields(der.generalized_time(moment), "time").any("value")) == moment


@given(st.lists(st.binary(max_size=20), max_size=5))
def test_a_set_is_in_the_order_of_another_library(values):
    parts = [der.octets(value) for value in values]

    class Octets(core.SetOf):
        _child_spec = core.OctetString

    assert der.set_of(parts) == Octets(values).dump()


@given(st.text(st.characters(exclude_categories=["Cs"]), max_size=20))
def test_texts(text):
    item = Fields(der.text(Tag.UTF8, text), "text").any("value")
    assert der.read_text(item) == text
    assert item.build() == core.UTF8String(text).dump()


def test_bits_and_tags():
    assert der.bits(b"\x06", 1) == bytes.fromhex("03020106")
    assert der.explicit(3, der.NULL) == bytes.fromhex("A3020500")
    assert der.read_bits(bytes.fromhex("00AABB")) == bytes.fromhex("AABB")
    assert der.read_text(Tlv(Tag.PRINTABLE, b"\xc4")) == "Ä"


@pytest.mark.parametrize("dotted", ["", "1", "1.a", "3.1", "1.40", "-1.2", "1..2"])
def test_what_is_no_object_identifier(dotted):
    with pytest.raises(EncodingError, match="object identifier"):
        der.oid(dotted)


@pytest.mark.parametrize(
    ("read", "value"),
    [(der.read_oid, b""), (der.read_oid, b"\x2a\x86"), (der.read_integer, b""), (der.read_bits, b""),
     (der.read_bits, b"\x01A")],
)  # fmt: skip
def test_values_that_are_none(read, value):
    with pytest.raises(EncodingError):
        read(value)


@pytest.mark.parametrize(
    "item", [Tlv(0x04, b""), Tlv(0x17, b"261122120000"), Tlv(0x17, b"261322120000Z"), Tlv(0x18, b"20261122Z")]
)
def test_times_that_are_none(item):
    with pytest.raises(EncodingError, match="time"):
        der.read_time(item)


def test_messages_name_the_way_the_place_and_the_tags():
    fields = Fields(der.sequence(der.integer(1)), "outer").sequence("inner")
    with pytest.raises(EncodingError, match="outer: inner: key: got tag 02, expected tag 04"):
        fields.octets("key")
    assert fields.integer("number") == 1
    with pytest.raises(EncodingError, match="outer: inner: key: got the end, expected tag 04"):
        fields.octets("key")
    with pytest.raises(EncodingError, match="outer: got 1 more objects, the first with tag 05"):
        Fields(der.NULL, "outer").end()
    with pytest.raises(EncodingError, match="only: got 1 more objects"):
        der.only(der.NULL + der.NULL, Tag.NULL, "only")
    with pytest.raises(EncodingError, match="outer: version is missing"):
        Fields(b"", "outer").any("version")


def test_a_letter_no_printable_string_has():
    with pytest.raises(EncodingError, match="PRINTABLE string of 1 characters"):
        der.text(Tag.PRINTABLE, "Ü")

"""Whatever the bytes or objects: nothing is lost, and nothing but EncodingError is raised."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cardkit.encoding import compact, comprehension, dgi, parse_exact, tlv
from cardkit.encoding.compact import CompactTlv
from cardkit.encoding.comprehension import ComprehensionTlv
from cardkit.encoding.dgi import DGI
from cardkit.encoding.elements import Elements
from cardkit.encoding.length import read_length, shortest_size, write_length
from cardkit.encoding.tlv import Tlv
from cardkit.errors import EncodingError

FORMATS = {"ber": tlv, "compact": compact, "comprehension": comprehension, "dgi": dgi}

SHORT_TAGS = st.integers(1, 0xFF).filter(lambda tag: tag & 0x1F != 0x1F)
TWO_BYTE_TAGS = st.builds(lambda first, last: (first << 5 | 0x1F) << 8 | last, st.integers(0, 7), st.integers(0, 0x7F))
LONG_TAGS = st.builds(
    lambda first, middle, last: (first << 5 | 0x1F) << 16 | (middle | 0x80) << 8 | last,
    st.integers(0, 7),
    st.integers(0, 0x7F),
    st.integers(0, 0x7F),
)
VALUES = st.binary(max_size=40) | st.binary(min_size=120, max_size=300)


def with_length_size(tag: int, value: bytes, extra: int) -> Tlv:
    size = shortest_size(len(value)) + extra
    return Tlv(tag, value, size if extra and size <= 5 else 0)


BER = st.builds(with_length_size, SHORT_TAGS | TWO_BYTE_TAGS | LONG_TAGS, VALUES, st.integers(0, 4))
COMPACT = st.builds(CompactTlv, st.integers(0, 15), st.binary(max_size=15))
COMPREHENSION = st.builds(
    lambda tag, value, must, wide: ComprehensionTlv(tag, value, must, wide and tag < 0x7F),
    st.integers(1, 0x7FFF) | st.integers(1, 0x7E),
    VALUES,
    st.booleans(),
    st.booleans(),
)
GROUPINGS = st.builds(
    lambda tag, value, long: DGI(tag, value, long and len(value) < 255), st.integers(0, 0xFFFF), VALUES, st.booleans()
)


@pytest.mark.parametrize("name", FORMATS)
@given(data=st.binary(max_size=80))
def test_any_bytes_are_kept_or_refused(name: str, data: bytes) -> None:
    form: Any = FORMATS[name]
    try:
        items = form.parse(data)
    except EncodingError:
        return
    assert items.build() == data
    assert parse_exact(form.layout(), data) == items


@given(st.lists(BER, max_size=6).map(tuple), st.sampled_from([b"", b"\xff", b"\xff" * 7, b"\x00" * 3]))
def test_ber_objects_survive(items: tuple[Tlv, ...], tail: bytes) -> None:
    written = Elements(items, tail)
    assert tlv.parse(written.build(), b"\xff\x00") == written


@given(st.lists(COMPACT, max_size=6).map(tuple))
def test_compact_objects_survive(items: tuple[CompactTlv, ...]) -> None:
    assert compact.parse(Elements(items).build()) == Elements(items)


@given(st.lists(COMPREHENSION, max_size=6).map(tuple), st.sampled_from([b"", b"\xff" * 5]))
def test_comprehension_objects_survive(items: tuple[ComprehensionTlv, ...], tail: bytes) -> None:
    written = Elements(items, tail)
    assert comprehension.parse(written.build(), b"\xff") == written


@given(st.lists(GROUPINGS, max_size=6).map(tuple))
def test_groupings_survive(items: tuple[DGI, ...]) -> None:
    assert dgi.parse(Elements(items).build()) == Elements(items)


@given(st.lists(BER, min_size=1, max_size=4).map(tuple), st.data())
def test_a_cut_sequence_is_never_read_as_whole(items: tuple[Tlv, ...], data: st.DataObject) -> None:
    whole = Elements(items).build()
    cut = data.draw(st.integers(0, len(whole) - 1))
    try:
        read = tlv.parse(whole[:cut])
    except EncodingError:
        return
    # A cut between two objects leaves the objects before it, nothing else.
    assert read.items == items[: len(read)]
    assert len(read) < len(items)


@given(st.integers(0, 0xFFFFFFFF), st.integers(0, 5))
def test_lengths_survive_in_every_size(length: int, size: int) -> None:
    try:
        written = write_length(length, size)
    except EncodingError:
        assert size in {1} or shortest_size(length) > size > 0
        return
    assert read_length(written, 0) == (length, len(written))
    assert len(written) == (size or shortest_size(length))

"""The card's own BER-TLV."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cardkit.virtual import ImageError, tlv

tags = st.sampled_from([0x62, 0x80, 0x8A, 0xC6, 0x7F49, 0x9F70])


@pytest.mark.parametrize(
    ("size", "head"),
    [(0, "8000"), (127, "807F"), (128, "808180"), (255, "8081FF"), (256, "80820100"), (65_535, "8082FFFF")],
)
def test_shortest_length_form(size, head):
    built = tlv.build(0x80, bytes(size))
    assert built[: len(head) // 2].hex().upper() == head
    assert list(tlv.parse(built)) == [(0x80, bytes(size))]


@given(st.lists(st.tuples(tags, st.binary(max_size=300)), max_size=6))
def test_what_was_built_is_parsed(items):
    built = b"".join(tlv.build(tag, value) for tag, value in items)
    assert list(tlv.parse(built)) == items
    assert [(tag, built[start:end]) for tag, start, end in tlv.spans(built)] == items


@given(st.binary(max_size=40))
def test_any_bytes_parse_or_are_refused(data):
    try:
        found = list(tlv.parse(data))
    except ImageError:
        return
    assert sum(len(value) + 2 for _, value in found) <= len(data)


@pytest.mark.parametrize("data", ["80", "8001", "8081", "808201", "8080", "808300000100", "7F49", "9F"])
def test_cut_or_odd_lengths_are_refused(data):
    with pytest.raises(ImageError):
        list(tlv.parse(bytes.fromhex(data)))

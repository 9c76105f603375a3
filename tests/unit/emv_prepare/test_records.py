"""Packing data objects into records, and the AFL over them: against the rules of a terminal."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cardkit.apps.emv.prepare.records import PreparedRecord, RecordFile, build_afl, check_blocks, pack_objects
from cardkit.apps.emv.schema import RecordBlock
from cardkit.apps.emv.template import open_template
from cardkit.errors import EncodingError, ProfileError

TAGS = [bytes((0x9F, number)) for number in range(0x01, 0x1A)]
OBJECTS = st.lists(st.integers(1, 200), min_size=1, max_size=12)


@settings(max_examples=60)
@given(sizes=OBJECTS, room=st.integers(210, 254))
def test_records_hold_every_object_once_in_order_and_no_split_is_shorter(sizes, room):
    objects = dict(zip(TAGS, (bytes((number,)) * size for number, size in enumerate(sizes)), strict=False))
    bodies = pack_objects(list(objects), objects, room)
    assert [(item.tag.to_bytes(2, "big"), item.value) for body in bodies for item in open_template(body, 0x70, "")] == [
        *objects.items()
    ]
    assert all(len(body) <= room for body in bodies)
    for one, two in pairwise(bodies):
        first = open_template(two, 0x70, "")[0]
        content = len(b"".join(item.build() for item in open_template(one, 0x70, ""))) + len(first.build())
        assert content + (2 if content < 128 else 3) > room


def test_one_object_may_take_all_of_255_bytes():
    """9F46 of 248 bytes, the longest certificate there is: 255 bytes of READ RECORD answer (payment sheet 9)."""
    (body,) = pack_objects([b"\x9f\x46"], {b"\x9f\x46": bytes(248)}, 254)
    assert len(body) == 255
    with pytest.raises(EncodingError, match="253 bytes, no record holds them"):
        pack_objects([b"\x9f\x46"], {b"\x9f\x46": bytes(249)}, 254)


def test_an_object_without_value_is_named():
    with pytest.raises(EncodingError, match="data object 9F07: no value in the profile, and nothing derives it"):
        pack_objects([b"\x9f\x07"], {}, 254)


def test_an_empty_object_is_left_out():
    assert pack_objects([b"\x92"], {b"\x92": b""}, 254) == []


def test_two_interfaces_share_equal_groups_and_go_on_counting():
    file = RecordFile(254)
    objects = {b"\x5a": b"\x99", b"\x57": b"\x01"}
    first = file.place(RecordBlock(sfi=1, tags=("5A",)), objects)
    other = file.place(RecordBlock(sfi=1, tags=("57",)), objects)
    again = file.place(RecordBlock(sfi=1, tags=("5A",)), objects)
    assert [record.grouping for record in (*first, *other)] == [0x0101, 0x0102]
    assert again == first
    assert file.records == (*first, *other)


def read_afl(afl):
    """Read an AFL as a terminal does: file, record, whether it is signed (EMV 4.4 Book 3, 10.2, 10.3)."""
    assert len(afl) % 4 == 0
    for start in range(0, len(afl), 4):
        sfi, first, last, signed = afl[start : start + 4]
        assert sfi & 0x07 == 0
        assert 1 <= first <= last
        assert signed <= last - first + 1
        yield from ((sfi >> 3, number, number - first < signed) for number in range(first, last + 1))


PLACES = st.lists(
    st.tuples(st.integers(1, 30), st.integers(1, 6), st.booleans()), max_size=20, unique_by=lambda x: x[:2]
)


@given(places=PLACES)
def test_a_terminal_reads_the_records_in_the_order_they_were_listed(places):
    records = [PreparedRecord(sfi, number, b"", signed) for sfi, number, signed in places]
    assert list(read_afl(build_afl(records))) == places


def test_runs_of_one_file_are_one_entry():
    """The smallest card that passed terminals (payment sheet 5): AFL 08010100 10010501."""
    places = [(1, 1, False), (2, 1, True), (2, 2, False), (2, 3, False), (2, 4, False), (2, 5, False)]
    assert build_afl([PreparedRecord(sfi, n, b"", signed) for sfi, n, signed in places]).hex() == "0801010010010501"


def test_a_list_too_long_for_its_tag_is_refused():
    with pytest.raises(EncodingError, match="AFL: 256 bytes, expected 252 or fewer"):
        build_afl([PreparedRecord(1 + number % 2, number, b"", False) for number in range(1, 65)])


def test_a_tag_in_two_records_is_refused():
    blocks = [RecordBlock(sfi=1, tags=("5A",)), RecordBlock(sfi=2, tags=("57", "5a"))]
    with pytest.raises(ProfileError, match=r"here\[1\].tags: 5A stands in two records"):
        check_blocks(blocks, "here")

"""STORE DATA with values cut at the end of every command: nothing is lost, and no split has fewer commands."""

from __future__ import annotations

from functools import cache

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cardkit.apps.gp.storedata import Encryption, Grouping, Packing, pack

VALUES = st.lists(st.tuples(st.integers(0, 700), st.booleans()), min_size=1, max_size=8)


def groupings(shape):
    return [
        Grouping(0x8000 + number if secret else 0x0100 + number, bytes((number,)) * size, secret, plain=False)
        for number, (size, secret) in enumerate(shape)
    ]


def runs(items):
    """Consecutive groupings of one secrecy: they may share a command."""
    found = []
    for item in items:
        if found and found[-1][-1].secret == item.secret:
            found[-1].append(item)
        else:
            found.append([item])
    return found


def fewest(run, size):
    """The fewest commands for a run in its order: a search over every number of bytes a command may be left short."""
    headers, at = set(), 0
    for item in run:
        head = 3 if len(item.value) < 255 else 5
        headers.update(range(at + 1, at + head))  # a command never ends inside identifier and length
        at += head + len(item.value)

    @cache
    def left(start):
        last = min(start + size, at)
        ends = (end for end in range(max(start + 1, last - 5), last + 1) if end not in headers)
        return 0 if start == at else 1 + min(map(left, ends))

    return left(0)


@settings(max_examples=60, deadline=None)
@given(shape=VALUES, size=st.integers(16, 255))
def test_the_stream_is_whole_and_in_order(shape, size):
    items = groupings(shape)
    blocks = pack(items, size, packing=Packing.FULL)
    assert b"".join(block.data for block in blocks) == b"".join(item.build() for item in items)
    assert all(0 < len(block.data) <= size for block in blocks)


@settings(max_examples=60, deadline=None)
@given(shape=VALUES, size=st.integers(16, 255))
def test_no_split_has_fewer_commands(shape, size):
    items = groupings(shape)
    assert len(pack(items, size, packing=Packing.FULL)) == sum(fewest(run, size) for run in runs(items))


@settings(max_examples=60, deadline=None)
@given(shape=VALUES, size=st.integers(16, 255))
def test_secret_and_clear_never_share_a_command(shape, size):
    """Read back command by command: what is announced is what every byte of it belongs to."""
    items = groupings(shape)
    owners = [item.secret for item in items for _ in item.build()]
    at = 0
    for block in pack(items, size, packing=Packing.FULL):
        part = set(owners[at : at + len(block.data)])
        assert part == {block.encryption is Encryption.ALL}
        at += len(block.data)


@pytest.mark.parametrize(("room", "lengths"), [(10, [9, 9]), (12, [12, 6]), (14, [14, 4])])
def test_identifier_and_length_stay_together(room, lengths):
    """Two values of 6 bytes, each 9 with its head: a rest of 1 byte is no place for a head of 3, a rest of 3 is."""
    items = [Grouping(0x0101, bytes(6)), Grouping(0x0102, bytes(6))]
    assert [len(block.data) for block in pack(items, room, packing=Packing.FULL)] == lengths

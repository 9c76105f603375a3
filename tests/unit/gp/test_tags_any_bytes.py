"""Any bytes a card sends: a value that encodes to the same bytes, or EncodingError."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cardkit.apps.gp.tags import (
    CPLC,
    FCI,
    CardCapabilities,
    CardRecognitionData,
    KeyInformation,
    Memory,
    Privileges,
    StatusKind,
    cplc_date,
    encode_old_status,
    parse_old_status,
    parse_status,
)
from cardkit.encoding import tlv
from cardkit.errors import EncodingError

# Bytes with many of the tags in them, so that nested objects appear.
_TAGS = (0x66, 0x73, 0x06, 0x64, 0x67, 0xA0, 0x80, 0x81, 0xE0, 0xC0, 0x6F, 0x84, 0xA5, 0x4F, 0xC5, 0xFF21, 0x9F70)
_VALUES = st.recursive(
    st.binary(max_size=20),
    lambda inner: st.lists(st.builds(tlv.build, st.sampled_from(_TAGS), inner), max_size=3).map(b"".join),
    max_leaves=6,
)
ANY = st.one_of(st.binary(max_size=60), _VALUES)

READERS: list[Callable[[bytes], Any]] = [
    CardRecognitionData.parse, CardCapabilities.parse, KeyInformation.parse, Memory.parse, FCI.parse, CPLC.parse,
    Privileges.parse,
]  # fmt: skip


@pytest.mark.parametrize("read", READERS, ids=lambda read: read.__self__.__name__)
@settings(max_examples=50)
@given(data=ANY)
def test_any_bytes(read: Callable[[bytes], Any], data: bytes) -> None:
    try:
        value = read(data)
    except EncodingError:
        return
    assert value.encode() == data
    for name in dir(value):
        if not name.startswith("_"):
            try:
                getattr(value, name)
            except EncodingError:
                assert name == "management_data"


@settings(max_examples=50)
@given(data=st.one_of(ANY, ANY.map(lambda inner: tlv.build(0xE3, inner))), listed=st.sampled_from(StatusKind))
def test_any_status(data: bytes, listed: StatusKind) -> None:
    try:
        entries = parse_status(data, listed)
    except EncodingError:
        return
    assert b"".join(entry.encode() for entry in entries) == data
    assert all(entry.state for entry in entries)


_AIDS = st.binary(min_size=5, max_size=16)


@settings(max_examples=50)
@given(
    entries=st.lists(
        st.tuples(_AIDS, st.binary(min_size=2, max_size=2), st.lists(_AIDS, max_size=3)), min_size=1, max_size=3
    ),
    listed=st.sampled_from(StatusKind),
)
def test_old_status_is_lossless(entries: list[tuple[bytes, bytes, list[bytes]]], listed: StatusKind) -> None:
    data = b""
    for aid, fields, modules in entries:
        data += bytes((len(aid),)) + aid + fields
        if listed is StatusKind.MODULES:
            data += bytes((len(modules),)) + b"".join(bytes((len(module),)) + module for module in modules)
    read = parse_old_status(data, listed)
    assert [entry.aid for entry in read] == [aid for aid, _, _ in entries]
    assert b"".join(map(encode_old_status, read)) == data


@settings(max_examples=50)
@given(data=st.binary(max_size=40), listed=st.sampled_from(StatusKind))
def test_any_old_status(data: bytes, listed: StatusKind) -> None:
    try:
        entries = parse_old_status(data, listed)
    except EncodingError:
        return
    assert b"".join(map(encode_old_status, entries)) == data


@settings(max_examples=50)
@given(value=st.binary(max_size=3), today=st.dates(min_value=date(1990, 1, 1), max_value=date(2100, 12, 31)))
def test_any_date(value: bytes, today: date) -> None:
    try:
        day = cplc_date(value, today)
    except EncodingError:
        return
    assert day is None or (day <= today and f"{day.year % 10}{day.timetuple().tm_yday:03}" == value.hex())

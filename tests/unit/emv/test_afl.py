"""Application file locators (EMV 4.4 Book 3 10.2)."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cardkit.apps.emv.afl import AflEntry, parse_afl
from cardkit.errors import EncodingError


def test_entries_and_their_records() -> None:
    entries = parse_afl(bytes.fromhex("08010100 10010501"))
    assert entries == (AflEntry(1, 1, 1, 0), AflEntry(2, 1, 5, 1))
    assert list(entries[1].records()) == [(1, True), (2, False), (3, False), (4, False), (5, False)]
    assert entries[1].describe() == "SFI 2: records 1 to 5, the first 1 signed"


@pytest.mark.parametrize(
    ("data", "said"),
    [
        ("0801010010", "multiple of 4"),
        ("00010100", "SFI 0"),
        ("F8010100", "SFI 31"),
        ("09010100", "low three bits"),
        ("08000100", "records 0 to 1"),
        ("08020100", "records 2 to 1"),
        ("08010203", "3 signed records"),
    ],
)
def test_broken_rules_are_named(data: str, said: str) -> None:
    with pytest.raises(EncodingError, match=said):
        parse_afl(bytes.fromhex(data))


@given(st.binary(max_size=24))
@settings(max_examples=200)
def test_any_bytes_are_entries_or_an_error(data: bytes) -> None:
    try:
        entries = parse_afl(data)
    except EncodingError:
        return
    assert b"".join(entry.build() for entry in entries) == data

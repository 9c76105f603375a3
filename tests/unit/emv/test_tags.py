"""The tag dictionary: sources are the tables of the sheet, checked for contradictions and by known meanings."""

from __future__ import annotations

from collections import Counter

import pytest

from cardkit.apps.emv.tags import DICTIONARY, Source, TagInfo, lookup, meanings, name_of, tag_bytes
from cardkit.apps.emv.tags.model import Lengths
from cardkit.errors import EncodingError

KINDS = {"n", "cn", "a", "an", "ans", "b"}


def test_there_are_240_tags_or_more() -> None:
    assert len({info.tag for info in DICTIONARY}) >= 240


def test_no_tag_has_two_meanings_in_one_context() -> None:
    twice = [key for key, count in Counter((info.tag, info.context) for info in DICTIONARY).items() if count > 1]
    assert twice == []


def is_well_formed(info: TagInfo) -> bool:
    continued = info.tag[0] & 0x1F == 0x1F
    templates = all(lookup(bytes.fromhex(template), info.context) for template in info.templates)
    return continued == (len(info.tag) > 1) and info.kind in KINDS and bool(info.name and info.clause) and templates


def test_every_entry_is_well_formed() -> None:
    assert [info for info in DICTIONARY if not is_well_formed(info)] == []


@pytest.mark.parametrize(
    ("tag", "context", "name"),
    [
        ("9F6E", "C-2", "Third Party Data"),
        ("9F6E", "C-3", "Form Factor Indicator"),
        ("9F6E", "C-4", "Enhanced Contactless Reader Capabilities"),
        ("9F7F", "GP", "CPLC Data"),
        ("9F7F", "C-2", "DS Unpredictable Number"),
        ("81", "", "Amount, Authorised (Binary)"),
        ("81", "A1", "Biometric Type"),
        ("DF50", "BF4D", "Preferred Facial Attempts"),
        ("9F38", "C-3", "Processing Options Data Object List (PDOL)"),
    ],
)
def test_context_decides_the_meaning(tag: str, context: str, name: str) -> None:
    info = lookup(bytes.fromhex(tag), context)
    assert info is not None
    assert info.name == name


def test_ambiguous_tag_without_context_is_not_guessed() -> None:
    tag = bytes.fromhex("9F6E")
    assert lookup(tag) is None
    assert len(meanings(tag)) == 3
    assert name_of(tag) == (
        "Third Party Data (C-2) or Form Factor Indicator (C-3) or Enhanced Contactless Reader Capabilities (C-4)"
    )


def test_unknown_tag_has_no_meaning() -> None:
    assert lookup(bytes.fromhex("DF7F")) is None
    assert name_of(bytes.fromhex("DF7F")) == "unknown tag"


@pytest.mark.parametrize(
    ("tag", "fits", "fails"), [("94", (4, 252), (0, 5, 256)), ("9F32", (1, 3), (2,)), ("90", (128, 248), ())]
)
def test_lengths(tag: str, fits: tuple[int, ...], fails: tuple[int, ...]) -> None:
    info = lookup(bytes.fromhex(tag))
    assert info is not None
    assert [size in info.lengths for size in fits] == [True] * len(fits)
    assert [size in info.lengths for size in fails] == [False] * len(fails)


def test_lengths_keep_their_text() -> None:
    assert Lengths.parse("NI-NCA+36").text == "NI-NCA+36"


def test_who_has_a_value() -> None:
    sources = {tag: lookup(bytes.fromhex(tag)) for tag in ("9F02", "5A", "8A")}
    assert [info.source for info in sources.values() if info] == [Source.TERMINAL, Source.CARD, Source.ISSUER]


def test_tag_number_becomes_bytes() -> None:
    assert tag_bytes(0x57) == b"\x57"
    assert tag_bytes(0xDF8129) == bytes.fromhex("DF8129")
    with pytest.raises(EncodingError, match="expected 1 to 3 bytes"):
        tag_bytes(0)

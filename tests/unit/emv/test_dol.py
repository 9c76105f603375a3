"""Data object lists, against openemv/emv-utils (vectors/emv_dol.json) and by property."""

from __future__ import annotations

import json
from collections import ChainMap
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cardkit.apps.emv.dol import DolEntry, TruncatedDolError, build_dol, dol_size, parse_dol, parse_tag_list, split_dol
from cardkit.errors import EncodingError

VECTORS = json.loads((Path(__file__).parents[2] / "vectors" / "emv_dol.json").read_text())
PARSE = [case for case in VECTORS if case["name"].startswith("dol parse")]
BUILD = [case for case in VECTORS if case["name"].startswith("dol build")]


@pytest.mark.parametrize("case", PARSE, ids=lambda case: case["name"])
def test_parse(case) -> None:
    wanted = tuple(DolEntry(bytes.fromhex(tag), size) for tag, size in case["out"]["entries"])
    if case["out"]["error"] is None:
        assert parse_dol(bytes.fromhex(case["in"]["dol"])) == wanted
        assert dol_size(wanted) == case["out"]["data_length"]
        return
    with pytest.raises(TruncatedDolError, match="expected tag and length") as caught:
        parse_dol(bytes.fromhex(case["in"]["dol"]))
    assert caught.value.entries == wanted


@pytest.mark.parametrize("case", BUILD, ids=lambda case: case["name"])
def test_build_takes_the_first_source(case) -> None:
    sources = [
        {bytes.fromhex(tag): bytes.fromhex(value) for tag, value in source} for source in case["in"]["sources_in_order"]
    ]
    assert build_dol(bytes.fromhex(case["in"]["dol"]), ChainMap(*sources)).hex().upper() == case["out"]["data"]


@pytest.mark.parametrize(
    ("entry", "value", "wanted"),
    [
        ("9F0206", "1234", "000000001234"),  # n: zeros on the left
        ("9F0202", "000000001234", "1234"),  # n: cut on the left
        ("9F0200", "000000001234", ""),
        ("5A0A", "5413330089020011", "5413330089020011FFFF"),  # cn: F on the right
        ("5A04", "5413330089020011", "54133300"),
        ("5F2004", "4142", "41420000"),  # ans: zeros on the right
        ("9F1E03", "4142434445464748", "414243"),
        ("DF7F02", "", "0000"),  # unknown tag
        ("A502", "8702", "0000"),  # constructed
    ],
)
def test_padding_follows_the_format(entry: str, value: str, wanted: str) -> None:
    tag = bytes.fromhex(entry[:-2])
    assert build_dol(bytes.fromhex(entry), {tag: bytes.fromhex(value)}).hex().upper() == wanted


def test_absent_value_is_zeros() -> None:
    assert build_dol(bytes.fromhex("9F3704"), {}) == bytes(4)


def test_context_decides_the_format() -> None:
    tag = bytes.fromhex("9F63")
    # An offline counter of Visa is binary: filled on the right.
    assert build_dol(tag + b"\x03", {tag: b"\x12"}, "C-3") == bytes.fromhex("120000")
    tag = bytes.fromhex("9F6D")
    # A reset threshold of UnionPay is n12: filled on the left.
    assert build_dol(tag + b"\x03", {tag: b"\x12"}, "C-7") == bytes.fromhex("000012")


@pytest.mark.parametrize("text", ["9FFFFFFF0102", "000102"])
def test_no_tag_is_refused(text: str) -> None:
    with pytest.raises(EncodingError, match="expected 1 to 3 bytes"):
        parse_dol(bytes.fromhex(text))


@given(st.binary(max_size=40))
@settings(max_examples=200)
def test_any_bytes_are_a_list_or_an_error(data: bytes) -> None:
    try:
        entries = parse_dol(data)
    except EncodingError:
        return
    assert b"".join(entry.tag + bytes((entry.size,)) for entry in entries) == data
    built = build_dol(entries, {})
    assert built == bytes(dol_size(data))
    assert [(entry, len(piece)) for entry, piece in split_dol(data, built)] == [
        (entry, entry.size) for entry in entries
    ]


def test_data_of_another_length_does_not_answer_a_list() -> None:
    with pytest.raises(EncodingError, match="got 5 bytes, the list asks for 4"):
        list(split_dol(bytes.fromhex("9F3704"), bytes(5)))


def test_tag_list() -> None:
    assert parse_tag_list(bytes.fromhex("829F36DF8129")) == (b"\x82", b"\x9f\x36", bytes.fromhex("DF8129"))
    with pytest.raises(EncodingError, match="ends with 9F"):
        parse_tag_list(bytes.fromhex("829F"))

"""The strict door: everything construct lets pass is refused here."""

from __future__ import annotations

import traceback
from collections.abc import Callable
from typing import Any

import pytest
from construct import (
    Array,
    BitsInteger,
    BitStruct,
    Byte,
    Bytes,
    Computed,
    Const,
    Construct,
    Enum,
    ExprAdapter,
    FlagsEnum,
    GreedyBytes,
    Int16ub,
    Nibble,
    PaddedString,
    Padding,
    Prefixed,
    PrefixedArray,
    Struct,
    Switch,
    this,
)

from cardkit.encoding import build_exact, parse_exact, tlv
from cardkit.errors import EncodingError

FCP_DESCRIPTOR = "descriptor" / Struct("byte" / Byte, "coding" / Const(b"\x21"), "length" / Int16ub, "count" / Byte)


def test_a_layout_explains_all_its_bytes() -> None:
    value = parse_exact(FCP_DESCRIPTOR, bytes.fromhex("4221006E05"))
    assert (value.byte, value.length, value.count) == (0x42, 110, 5)
    assert build_exact(FCP_DESCRIPTOR, {"byte": 0x42, "length": 110, "count": 5}).hex() == "4221006e05"


@pytest.mark.parametrize(
    ("layout", "data", "message"),
    [
        (FCP_DESCRIPTOR, "4221006E0500FF", "descriptor: 2 surplus bytes after byte 5"),
        (FCP_DESCRIPTOR, "4221006E", "descriptor cannot be read at count: stream read less"),
        (FCP_DESCRIPTOR, "4222006E05", "descriptor cannot be read at coding: ConstError"),
        ("padded" / Struct("a" / Byte, Padding(2)), "010001", "padded: byte 2 of 3 is not what the layout writes"),
        ("bits" / BitStruct("a" / Nibble, Padding(4)), "1F", "bits: byte 0 of 1 is not"),
        ("list" / PrefixedArray(Byte, Byte), "0301", "list cannot be read"),
        (Byte, "", "FormatField cannot be read"),
    ],
)
def test_bytes_outside_the_layout_are_refused(layout: Construct, data: str, message: str) -> None:
    with pytest.raises(EncodingError) as caught:
        parse_exact(layout, bytes.fromhex(data))
    assert str(caught.value).startswith(message)


@pytest.mark.parametrize(
    "layout",
    [
        Computed(lambda context: context["nothing"]),
        Computed(lambda context: context.nothing),
        Computed(lambda _: b""[0]),
        Computed(lambda _: 1 // 0),
        Computed(lambda _: 1 + "x"),  # type: ignore[operator]
        Computed(lambda _: int("x")),
        Struct("a" / Byte, "b" / Array(this.b, Byte)),
        Switch(this.kind, {}),
    ],
)
def test_errors_of_callables_do_not_leak(layout: Construct) -> None:
    with pytest.raises(EncodingError, match="broken cannot be read"):
        parse_exact("broken" / layout, b"\x01")


def test_errors_of_a_nested_grammar_keep_their_words() -> None:
    with pytest.raises(EncodingError, match="TLV object at byte 0: tag 83 announces 2 bytes, 1 are there"):
        parse_exact("fcp" / Struct("items" / Prefixed(Byte, tlv.layout())), bytes.fromhex("03830200"))


def test_a_refusal_shows_no_content() -> None:
    key = bytes.fromhex("404142434445464748494A4B4C4D4E4F")
    layouts: list[Construct] = [
        "key" / Const(bytes(16)),
        "key" / Struct("key" / Bytes(15)),
        "key" / Struct("key" / Enum(Bytes(16), other=b"")),
        "key" / ExprAdapter(Bytes(16), lambda value, _: int(value.decode("utf-16")), lambda _, __: b""),
        "key" / PaddedString(16, "ascii"),
    ]
    for layout in layouts:
        with pytest.raises(EncodingError) as caught:
            parse_exact(layout, key if layout is not layouts[-1] else bytes((0xC0, *key[1:])))
        shown = "".join(traceback.format_exception(caught.value)).lower()
        assert "404142" not in shown
        assert "@abc" not in shown
        assert "abcdef" not in shown


@pytest.mark.parametrize(
    ("layout", "value", "message"),
    [
        (Struct("a" / Byte), {"a": 1, "typo": 2}, "it.typo: the layout does not carry this value"),
        (Struct("a" / Struct("b" / Byte)), {"a": {"b": 1, "c": 2}}, "it.a.c: "),
        (Struct("a" / Byte), {"a": 256}, "it cannot be built at a"),
        (Struct("a" / Byte), {}, "it cannot be built: KeyError"),
        (Struct("a" / Byte), None, "it cannot be built"),
        (FlagsEnum(Byte, x=1), {"x": True, "y": True}, "it"),
        (Array(2, Byte), [1, 2, 3], "it cannot be built"),
        (Struct("l" / Array(2, Struct("a" / Byte))), {"l": [{"a": 1}, {"a": 2, "b": 3}]}, "it.l[1].b: "),
        (Struct("a" / Byte), {"a": 1, 2: 3}, "it.2: the layout"),
        (Computed(7), 8, "it: the layout"),
        (Computed(7), {"a": 1}, "it: the layout"),
        (Computed(7), [1], "it: the layout"),
        (Computed(lambda _: [1]), [1, 2], "it: the layout"),
    ],
)
def test_values_the_layout_drops_are_refused(layout: Construct, value: Any, message: str) -> None:
    with pytest.raises(EncodingError) as caught:
        build_exact("it" / layout, value)
    assert str(caught.value).startswith(message)


@pytest.mark.parametrize("value", ["active", 5])
def test_an_enum_is_built_by_name_or_number(value: str | int) -> None:
    assert build_exact("state" / Enum(Byte, active=5), value) == b"\x05"


def test_a_sequence_may_be_a_tuple() -> None:
    assert build_exact("list" / Array(2, Byte), (1, 2)) == b"\x01\x02"


def test_programming_errors_beyond_the_layout_are_not_hidden() -> None:
    def explode(_: Any) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        parse_exact(Computed(explode), b"")


@pytest.mark.parametrize("run", [parse_exact, build_exact])
def test_an_unnamed_layout_is_named_by_its_class(run: Callable[[Construct, Any], Any]) -> None:
    with pytest.raises(EncodingError, match="Struct"):
        run(Struct("a" / Byte, "b" / Bytes(4)), b"\x00")


def test_a_field_is_named_in_an_unnamed_layout() -> None:
    with pytest.raises(EncodingError, match="Struct cannot be read at b"):
        parse_exact(Struct("a" / Byte, "b" / Bytes(4)), b"\x00")


def test_greedy_bytes_are_allowed_at_the_end() -> None:
    value = parse_exact("tail" / Struct("a" / BitStruct("x" / BitsInteger(8)), "rest" / GreedyBytes), b"\x01\x02\x03")
    assert value.rest == b"\x02\x03"

"""Layouts and fields that contradict themselves are refused; those with header, trailer and places are read."""

import pytest

from cardkit.crypto import MemoryKeyStore
from cardkit.errors import ProfileError, RecordError
from cardkit.profile.document import convert
from cardkit.profile.field import Field
from cardkit.profile.layout import Layout
from cardkit.profile.order import parse_order
from cardkit.profile.schema import schema_of

DELIMITED = {"kind": "delimited", "encoding": "utf-8", "header": "names"}
FIXED = {
    "kind": "fixed",
    "encoding": "utf-8",
    "record_bytes": 6,
    "fields": [
        {"name": "a", "bytes": [1, 2], "type": "text", "pad": "left", "fill": "*"},
        {"name": "b", "bytes": [3, 4], "type": "digits"},
    ],
}


def fields(*columns):
    return {"fields": list(columns)}


@pytest.mark.parametrize(
    ("table", "message"),
    [
        (DELIMITED | fields({"name": "a"}, {"name": "a"}), '"fields" names one field twice'),
        (DELIMITED | fields({"name": "a", "fill": "xx"}), '"fill" must be one character, got 2'),
        (DELIMITED | fields({"name": "a", "at": 0}), '"at" is 0, columns count from 1'),
        (
            DELIMITED | fields({"name": "a", "bytes": [0, 1]}),
            '"bytes" must be [first byte from 1, length of 1 or more]',
        ),
        (DELIMITED | fields({"name": "a", "bytes": [1, 2]}), '"bytes = [first, length]" is for kind "fixed"'),
        (DELIMITED | {"record_bytes": 4}, '"record_bytes" is for kind "fixed"'),
        (DELIMITED | {"quote": ","}, '"quote" must differ from "sep" and the line end'),
        (DELIMITED | {"header": {"fields": ["a", "a"]}}, '"fields" names one value twice'),
        (DELIMITED | {"header": {"fields": ["a"], "lines": 0}}, '"lines" is 0, expected 1 to 100'),
        (DELIMITED | {"header": {"fields": ["a", "b"], "optional": ["a"]}}, '"optional" must be the last names of'),
        (DELIMITED | {"trailer": {"prefix": "", "fields": []}}, '"sep" and "prefix" must not be empty'),
        (DELIMITED | {"header": "none"} | fields({"name": "a", "at": 2, "type": "digits"}), '"fields" must say "at"'),
        (FIXED | {"record_bytes": 7}, '"fields" cover 6 bytes, "record_bytes" is 7'),
        (FIXED | {"encoding": "utf-16"}, 'kind "fixed" needs "fields" and has no UTF-16'),
        (
            FIXED | fields({"name": "a", "bytes": [1, 2]}, {"name": "b", "bytes": [2, 5]}),
            "byte 3 of the record belongs to no",
        ),
        (FIXED | fields({"name": "a", "bytes": [2, 5], "type": "digits"}), "byte 1 of the record belongs to no field"),
    ],
)
def test_layout_that_contradicts_itself_is_refused(table, message):
    with pytest.raises(ProfileError) as caught:
        convert(table, Layout, "layout")

    assert message in str(caught.value)


@pytest.mark.parametrize(
    ("rule", "message"),
    [
        ({"type": "digits", "min": -1}, '"min" is -1, expected 0 to 65536'),
        ({"type": "number"}, 'type "number" needs "max" of 18 digits or fewer'),
        ({"type": "number", "max": 19}, 'type "number" needs "max" of 18 digits or fewer'),
        ({"type": "date", "format": "%H%M"}, 'date format "%H%M": only %Y, %y, %m and %d are known'),
        ({"type": "hex", "wrap": "aes-kw"}, '"wrap" needs "transport"'),
        ({"type": "hex", "key": "adm"}, '"key" is for values that stand in text and are not secret'),
        ({"type": "digits", "key": "pin", "class": "secret"}, '"key" is for values that stand in text'),
        ({"type": "const", "value": "1234", "class": "secret"}, "a secret never stands in a profile"),
    ],
)
def test_field_that_contradicts_itself_is_refused(rule, message):
    with pytest.raises(ProfileError) as caught:
        convert(rule, Field, "record.x")

    assert str(caught.value).startswith("record.x: ")
    assert message in str(caught.value)


def read(table, data, tmp_path):
    layout = convert(table, Layout, "layout")
    return parse_order(layout, schema_of({}, layout, tmp_path), data, MemoryKeyStore())


def test_fixed_file_with_header_and_trailer(tmp_path):
    table = FIXED | {
        "header": {"fields": ["batch", "quantity"]},
        "sep": ";",
        "trailer": {"prefix": "T", "fields": ["hash"]},
        "totals": {"count": "header.quantity", "hash": {"field": "b", "of": "trailer.hash"}},
    }
    order = read(table, b"B7;2\r\n*x0010\r\nyz0002\r\nT;12\r\n", tmp_path)

    assert [(record["a"], record["b"]) for record in order.records] == [("x", "0010"), ("yz", "0002")]
    assert (order.header, order.totals.hash) == ({"batch": "B7", "quantity": 2}, 12)


def test_fixed_row_that_is_not_in_its_encoding_is_quarantined(tmp_path):
    (bad,) = read(FIXED, b"\xff\xff0010\n\xc3\xa90010\n", tmp_path).quarantined

    assert (bad.row_no, bad.code, bad.message) == (1, "CHARSET", '"a", bytes 1 to 2, is not utf-8')


def test_declared_mark_is_removed_and_an_undeclared_one_refused(tmp_path):
    assert read(FIXED | {"encoding": "utf-8-sig"}, b"\xef\xbb\xbf*x0010\n", tmp_path).rows == 1
    with pytest.raises(RecordError, match="a byte-order mark, but the layout declares utf-8"):
        read(FIXED, b"\xef\xbb\xbf*x0010\n", tmp_path)


def test_line_end_is_the_declared_one(tmp_path):
    data = b"1,2\r\n3,4\r\n"
    table = DELIMITED | {"header": "none"} | fields({"name": "a", "at": 1, "type": "digits"},
                                                    {"name": "b", "at": 2, "type": "digits"})  # fmt: skip
    assert len(read(table | {"newline": "crlf"}, data, tmp_path).records) == 2
    assert len(read(table | {"newline": "any"}, data, tmp_path).records) == 2
    assert [bad.code for bad in read(table | {"newline": "lf"}, data, tmp_path).quarantined] == ["CHARSET"] * 2


@pytest.mark.parametrize("separator", ["\u2028", "\x85", "\x0b", "\x1c"])
def test_only_line_ends_end_lines(tmp_path, separator):
    table = DELIMITED | {"header": "none"} | fields({"name": "a", "at": 1, "type": "text"})
    order = read(table, f"x{separator}y\n".encode(), tmp_path)

    assert (order.rows, order.quarantined[0].code) == (1, "CHARSET")


def test_names_in_another_order_than_declared_places_refuse_the_file(tmp_path):
    columns = fields(
        {"name": "a", "at": 1, "type": "digits"}, {"name": "b", "at": 2, "column": "BEE", "type": "digits"}
    )

    assert [record["a"] for record in read(DELIMITED | columns, b"a,BEE\n1,2\n", tmp_path).records] == ["1"]
    with pytest.raises(RecordError, match='column "BEE" is number 1, expected 2'):
        read(DELIMITED | columns, b"BEE,a\n2,1\n", tmp_path)
    with pytest.raises(RecordError, match='column "BEE" is missing'):
        read(DELIMITED | columns, b"a\n1\n", tmp_path)


@pytest.mark.parametrize("row", ['"1', '"1"2', '"1\n2'])
def test_quotes_that_do_not_close_refuse_the_file(tmp_path, row):
    table = DELIMITED | {"quote": '"'} | fields({"name": "a", "type": "digits"})
    with pytest.raises(RecordError, match="line 3: quotes do not close, or stand inside a value") as caught:
        read(table, f"a\n1\n{row}\n2\n".encode(), tmp_path)

    assert caught.value.code == "QUOTE"

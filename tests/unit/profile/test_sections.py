"""The operators' sections of variables: header, first values and a quantity, or rows under their names (sim.md 19)."""

import io
import itertools
from pathlib import Path

import pytest

from cardkit.crypto import Key, MemoryKeyStore, Secret, Usage
from cardkit.errors import RecordError
from cardkit.profile.document import convert
from cardkit.profile.field import Field
from cardkit.profile.layout import Layout
from cardkit.profile.making import maker
from cardkit.profile.order import OrderRows, parse_order
from cardkit.profile.schema import schema_of

HEADER = {"fields": ["customer", "quantity", "batch", "transport_key"], "optional": ["transport_key"]}
ROWS = {
    "kind": "sections", "encoding": "ascii", "sep": " ", "rows": "Var_Out", "names": "any-case", "header": HEADER,
    "totals": {"count": "header.quantity"},
    "fields": [
        {"name": "iccid", "type": "digits", "min": 19, "max": 20, "check": "luhn", "key": "iccid"},
        {"name": "imsi", "type": "digits", "min": 15, "max": 15, "key": "imsi"},
    ],
}  # fmt: skip
STARTS = {
    "kind": "sections", "encoding": "ascii", "starts": "Var_In List", "header": HEADER,
    "totals": {"count": "header.quantity"},
    "fields": [
        {"name": "iccid", "column": "Ser_nb", "start": "luhn", "type": "digits", "min": 19, "max": 19, "check": "luhn"},
        {"name": "imsi", "column": "IMSI", "start": "count", "type": "digits", "min": 15, "max": 15},
    ],
}  # fmt: skip
HEAD = """***********************
*HEADER DESCRIPTION
Customer: Test Operator
Quantity:      3
Batch: 00233

"""
ROW_LINES = """*OUTPUT VARIABLES
Var_Out:ICCID/imsi
8999901000000000013 001010000000001
8999901000000000021 001010000000002
8999901000000000039 001010000000003
"""
START_LINES = """*INPUT VARIABLES
Var_In List:
Ser_nb: 899990100000000001
IMSI: 001010000000001
"""
CARDS = [
    ("8999901000000000013", "001010000000001"),
    ("8999901000000000021", "001010000000002"),
    ("8999901000000000039", "001010000000003"),
]


def read(table, text, *, rng=None):
    layout = convert(table, Layout, "layout")
    return parse_order(layout, schema_of({}, layout, Path("profile.toml")), text.encode(), MemoryKeyStore(), rng=rng)


@pytest.mark.parametrize(("table", "text"), [(ROWS, HEAD + ROW_LINES), (STARTS, HEAD + START_LINES)])
def test_rows_and_first_values_give_the_same_cards(table, text):
    order = read(table, text)

    assert [(record["iccid"], record["imsi"]) for record in order.records] == CARDS
    assert order.header == {"customer": "Test Operator", "quantity": 3, "batch": "00233", "transport_key": None}
    assert order.rows == 3


@pytest.mark.parametrize(
    ("table", "text", "code", "message"),
    [
        (ROWS, HEAD.replace("3", "4") + ROW_LINES, "COUNT", "header.quantity declares 4, the rows give 3"),
        (ROWS, HEAD, "HEADER", 'no line "Var_Out: names of the columns"'),
        (ROWS, HEAD.replace("Batch: 00233\n", "") + ROW_LINES, "HEADER", 'no line "batch: ..."'),
        (ROWS, HEAD + "Colour: red\n" + ROW_LINES, "HEADER", "line 7: a name that is not in the layout's header"),
        (ROWS, HEAD + "Batch: 00234\n" + ROW_LINES, "HEADER", "line 7: a value for the second time"),
        (ROWS, HEAD + "nothing\n" + ROW_LINES, "HEADER", 'line 7: expected "Name: value" or a heading'),
        (ROWS, HEAD + ROW_LINES.replace("/imsi", ""), "COLUMN_MISSING", 'line 8: column "imsi" is missing'),
        (ROWS, HEAD + ROW_LINES.replace("/imsi", "/imsi/pin"), "COLUMN_UNKNOWN", 'line 8: column "pin"'),
        (ROWS, HEAD.replace(" 3", "many") + ROW_LINES, "HEADER", "header.quantity: expected a number"),
        (STARTS, HEAD + START_LINES.replace("IMSI: 001010000000001\n", ""), "HEADER", 'no first value "IMSI: digits"'),
        (STARTS, HEAD + START_LINES.replace("0001\n", "000x\n"), "HEADER", "no first value"),
        (STARTS, HEAD.replace("3", "999999999999") + START_LINES, "COUNT", "expected a number of 100000000 or fewer"),
        (STARTS, HEAD.replace("3", "0") + START_LINES, "EMPTY", "no data row"),
    ],
)  # fmt: skip
def test_wrong_sections_refuse_the_file(table, text, code, message):
    with pytest.raises(RecordError) as caught:
        read(table, text)

    assert (caught.value.code, message in str(caught.value)) == (code, True), str(caught.value)


def test_a_thousand_lines_without_rows_are_not_read_on():
    endless = "*\n" * 1001 + HEAD + ROW_LINES
    with pytest.raises(RecordError, match="1000 lines and no rows"):
        read(ROWS, endless)


def test_first_values_that_outgrow_their_width_are_bad_rows():
    order = read(STARTS, HEAD + START_LINES.replace("IMSI: 001010000000001", "IMSI: 999999999999998"))

    assert [record["imsi"] for record in order.records] == ["999999999999998", "999999999999999"]
    assert [(bad.row_no, bad.field, bad.code) for bad in order.quarantined] == [(3, "imsi", "LENGTH")]


SECRETS = {
    "ki": {"type": "key", "algorithm": "AES-128", "make": "random"},
    "pin1": {"type": "digits", "min": 4, "max": 4, "class": "secret", "make": "random"},
    "adm1": {"type": "hex", "bytes": 8, "class": "secret", "make": "random"},
}


def counting_rng():
    values = itertools.cycle(range(256))
    return lambda size: bytes(itertools.islice(values, size))


def test_the_plant_makes_what_the_order_leaves_to_it():
    layout = convert(STARTS, Layout, "layout")
    schema = schema_of(SECRETS, layout, Path("profile.toml"))
    records = parse_order(layout, schema, (HEAD + START_LINES).encode(), MemoryKeyStore(), rng=counting_rng()).records

    assert Key(bytes(range(16)), "ki", "AES-128", Usage.CARD_KEY) == records[0]["ki"]
    assert Secret(b"6789", "pin1") == records[0]["pin1"]
    assert Secret(bytes(range(20, 28)), "adm1") == records[0]["adm1"]
    assert Key(bytes(range(28, 44)), "ki", "AES-128", Usage.CARD_KEY) == records[1]["ki"]


def test_made_values_are_refused_where_nobody_keeps_them():
    layout = convert(STARTS, Layout, "layout")
    schema = schema_of(SECRETS, layout, Path("profile.toml"))
    with pytest.raises(RecordError, match="leaves ki to the plant: a batch import makes it, and keeps it"):
        parse_order(layout, schema, (HEAD + START_LINES).encode(), MemoryKeyStore())


def test_made_digits_are_not_biased():
    rule = Field(type="digits", min=2, max=2, class_="secret", make="random")
    drawn = iter([b"\xff\xfe", b"\xfa\x63", b"\x05\x07"])

    assert Secret(b"95", "pin") == maker("pin", rule, lambda _size: next(drawn))()


def test_sections_are_read_row_by_row():
    """A hundred million cards are ordered with 200 bytes: rows come as they are asked for."""
    layout = convert(STARTS, Layout, "layout")
    text = HEAD.replace("3", "100000000") + START_LINES
    rows = OrderRows(layout, schema_of({}, layout, Path("p")), io.BytesIO(text.encode()), MemoryKeyStore())
    assert [row["imsi"] for row in itertools.islice(rows, 2)] == ["001010000000001", "001010000000002"]

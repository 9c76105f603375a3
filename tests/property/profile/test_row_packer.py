"""A row that is packed at once is packed as its record would be; every other row is refused for the same reason."""

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cardkit.crypto import MemoryKeyStore
from cardkit.encoding.digits import luhn_digit
from cardkit.profile.field import Field
from cardkit.profile.layout import Column, Layout
from cardkit.profile.reading import FieldError
from cardkit.profile.record import RecordSchema
from cardkit.profile.rowpacker import PackedRow
from cardkit.profile.rowreader import BadRow, RowReader
from cardkit.profile.rows import Rows

HEX = st.text("0123456789abcdefABCDEF", max_size=36)
DIGITS = st.text("0123456789", max_size=9)
ROW_NO = 7

# A rule, and texts that are often good for it.
RULES = [
    (Field(type="digits", min=5, max=6, check="luhn", key="doc"), DIGITS.map(lambda text: text + luhn_digit(text))),
    (Field(type="digits", min=0, max=4, class_="secret"), DIGITS),
    (Field(type="digits", key="free"), DIGITS),
    (Field(type="number", max=6, key="count"), DIGITS),
    (Field(type="ascii", min=0, max=5, class_="personal", key="doc"), st.text("aZ ~|,", max_size=6)),
    (Field(type="ascii", class_="secret"), st.text("ab", max_size=3)),
    (Field(type="text", max=6), st.text("a\u00a0\u0434\u02bb\u200b\ufeff\x85", max_size=7)),
    (Field(type="text", normalize="uz-apostrophe", class_="personal"), st.text("O'g\u02bb", max_size=5)),
    (Field(type="hex"), HEX),
    (Field(type="hex", bytes=4, class_="secret"), st.binary(min_size=4, max_size=4).map(bytes.hex)),
    (Field(type="key", algorithm="AES-128"), st.binary(min_size=16, max_size=16).map(bytes.hex)),
    (Field(type="key", algorithm="3DES-128"), st.sampled_from(["00" * 16, bytes(range(16)).hex(), "00"])),
    (Field(type="enum", values=("M", "F", "M.", "")), st.sampled_from(["M", "F", "M.", "", "Mx", "f"])),
    (Field(type="enum", values=("a\0b", "c")), st.sampled_from(["a\0b", "c", "a"])),
    (Field(type="enum", values=()), st.just("")),
    (Field(type="const", value="x+"), st.sampled_from(["x+", "xx"])),
    (Field(type="date", format="%Y%m%d", key="born"), st.dates().map(lambda day: day.strftime("%Y%m%d"))),
    (Field(type="base64"), st.sampled_from(["", "AA==", "AB==", "QUJD"])),
]  # fmt: skip
HARD = st.one_of(st.text(max_size=12), st.text("01\0\n \u0660\uff11\ud800", max_size=8))
SUPPLIED = {
    "supplied_const": Field(type="const", value="TEST"),
    "supplied_text": Field(type="ascii", default="UTO", key="state"),
    "made": Field(type="key", algorithm="AES-128", make="random"),
}


def counting():
    """Bytes that are other ones each time, and the same for every reader."""
    drawn = iter(range(256))
    return lambda size: bytes([next(drawn)]) * size


def reader_of(rules, dropped):
    """A reader of columns with these rules; of those dropped, the layout has the rule and the record no field."""
    named = {f"f{place}": rule for place, rule in enumerate(rules)}
    consts = tuple(Column(name=f"k{n}", type="const", value="K") for n in range(dropped))
    layout = Layout(kind="delimited", encoding="utf-8", header="names", fields=consts)
    columns = (*named, *(const.name for const in consts))
    rows = Rows({}, columns, iter(()), {})
    return RowReader(layout, RecordSchema(named | SUPPLIED), rows, MemoryKeyStore(), counting())


@st.composite
def tables(draw):
    """Rules of a row, how many constants follow them, and some rows of cells."""
    chosen = draw(st.lists(st.sampled_from(RULES), min_size=1, max_size=6))
    dropped = draw(st.integers(0, 2))
    good = st.tuples(*(texts for _, texts in chosen), *[st.just("K")] * dropped).map(list)
    spoilt = st.tuples(good, st.integers(0, len(chosen) + dropped - 1), HARD).map(replaced)
    cut = st.lists(HARD, max_size=8)
    return [rule for rule, _ in chosen], dropped, draw(st.lists(st.one_of(good, good, spoilt, cut), max_size=6))


def replaced(row):
    cells, place, text = row
    return [*cells[:place], text, *cells[place + 1 :]]


@given(tables())
def test_a_row_is_packed_as_its_record_would_be(table):
    rules, dropped, rows = table
    at_once, one_by_one = reader_of(rules, dropped), reader_of(rules, dropped)
    for cells in rows:
        found = one_by_one.read(ROW_NO, 9, cells)
        expected = found if isinstance(found, BadRow) else (found.to_canonical(), found.business_keys())
        assert at_once.packed(ROW_NO, 9, cells) == expected
        assert at_once.normalized == one_by_one.normalized


@given(tables())
def test_every_good_row_is_packed_at_once(table):
    """What the pattern takes and what it leaves to the reader are exactly good and bad rows."""
    rules, dropped, rows = table
    reader, packer = reader_of(rules, dropped), reader_of(rules, dropped)._packer
    for cells in rows:
        bad = isinstance(reader.read(ROW_NO, 9, cells), BadRow)
        assert (packer.packed(ROW_NO, cells) is None) == bad


def test_a_good_row_is_packed():
    rules = [Field(type="digits", max=20, key="iccid"), Field(type="date", format="%d.%m.%y", key="doc")]
    found = reader_of(rules, 0).packed(1, 2, ["8999", "04.05.31"])
    assert isinstance(found, PackedRow)
    assert found.keys == {"iccid": "8999", "doc": str(date(2031, 5, 4)), "state": "UTO"}


@pytest.mark.parametrize("cells", [FieldError("CHARSET", "why"), ["1"], ["1", "2", "3"], ["1\x002"]])
def test_a_row_without_its_cells_is_a_bad_row(cells):
    rules = [Field(type="digits", max=9), Field(type="digits", max=9)]
    found, expected = (reader_of(rules, 0).packed(1, 2, cells), reader_of(rules, 0).read(1, 2, cells))
    assert isinstance(found, BadRow)
    assert found == expected

"""What holds for every record, template and order file."""

import csv
import io
from datetime import date

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from cardkit.crypto import Key, MemoryKeyStore, Secret, Usage
from cardkit.crypto.pack import pack, unpack
from cardkit.encoding.digits import luhn_digit
from cardkit.errors import CardkitError, EncodingError, RecordError
from cardkit.profile import Record, RecordSchema, compile_values
from cardkit.profile.field import Field
from cardkit.profile.layout import Column, HashTotal, Layout, Totals, Trailer
from cardkit.profile.order import parse_order
from cardkit.profile.reading import FieldError, reader

SECRETS = st.builds(Secret, st.binary(max_size=40), st.text(max_size=8))
KEYS = st.builds(lambda value: Key(value, "ki", "AES-128", Usage.CARD_KEY, kvn=1), st.binary(min_size=16, max_size=16))
TEXTS = st.text(st.characters(codec="utf-8"), max_size=30)
VALUES = st.one_of(TEXTS, st.integers(-(2**63), 2**64 - 1), st.binary(max_size=40), st.dates(), SECRETS, KEYS)


def outcome(action, refusal):
    """Return what an action gives, or the declared error it raises."""
    try:
        return action()
    except refusal as error:
        return error


@given(st.dictionaries(TEXTS, VALUES, max_size=8))
def test_packed_values_come_back_and_are_canonical(values):
    packed = pack(values)

    assert values == unpack(packed)
    assert packed == pack(dict(reversed(values.items())))


@given(st.binary(max_size=60))
@example(b"\x81\xa1a\xc7\x04\x01zzzz")
def test_any_bytes_are_packed_values_or_an_encoding_error(data):
    values = outcome(lambda: unpack(data), EncodingError)
    if not isinstance(values, EncodingError):
        assert values == unpack(pack(values))


FIELDS = st.sampled_from(
    [
        Field(type="digits", min=0, max=20, check="luhn"),
        Field(type="hex"),
        Field(type="hex", bytes=4, class_="secret"),
        Field(type="ascii", max=10),
        Field(type="text", normalize="uz-apostrophe"),
        Field(type="enum", values=("M", "F")),
        Field(type="date", format="%Y%m%d"),
        Field(type="date", format="%d.%m.%y"),
        Field(type="const", value="x"),
        Field(type="base64"),
        Field(type="number", max=6),
        Field(type="key", algorithm="3DES-128"),
    ]
)
HARD_TEXTS = st.one_of(
    st.text(max_size=24),
    st.text("0123456789abcdefABCDEF", max_size=36),
    st.text("0123456789.- \u0660\uff11\x00\ufeff", max_size=20),
    st.dates().map(lambda day: day.strftime("%Y%m%d")),
)


@given(FIELDS, HARD_TEXTS)
@example(Field(type="date", format="%Y%m%d"), "00010101")
@example(Field(type="text"), "\ud800")
def test_any_text_is_a_value_or_a_field_error(field, text):
    value = outcome(lambda: reader("field", field, None)(text), FieldError)
    if isinstance(value, FieldError):
        assert value.code.isupper()
        assert text not in value.reason or len(text) < 6
        return
    assert field.is_secret == isinstance(value, Secret)
    if isinstance(value, str) and field.normalize is None:
        assert text == value


SCHEMA = RecordSchema({"iccid": Field(type="digits", key="iccid"), "name": Field(type="text", min=0)})
NAMES = st.text(
    st.characters(codec="utf-8", exclude_categories=("Cc", "Zl", "Zp"), exclude_characters="\ufeff"), max_size=12
)
RECORDS = st.lists(st.tuples(st.from_regex(r"[0-9]{9,12}", fullmatch=True), NAMES), min_size=1, max_size=12)


@given(RECORDS, st.sampled_from(",;|\t"), st.sampled_from(["\n", "\r\n"]), st.booleans())
def test_what_the_csv_module_writes_is_read_back(records, separator, newline, last):
    out = io.StringIO()
    csv.writer(out, delimiter=separator, lineterminator=newline, quoting=csv.QUOTE_ALL).writerows(
        [("iccid", "name"), *records]
    )
    text = out.getvalue() if last else out.getvalue().removesuffix(newline)
    layout = Layout(kind="delimited", encoding="utf-8", sep=separator, quote='"', header="names")

    order = parse_order(layout, SCHEMA, text.encode(), MemoryKeyStore())

    assert len(records) == order.rows == len(order.records) + len(order.quarantined)
    first = {iccid: row for row, (iccid, _) in reversed(list(enumerate(records, 1)))}
    expected = [(records[row - 1], row) for row in sorted(first.values())]
    assert expected == [((record["iccid"], record["name"]), record.row_no) for record in order.records]
    assert {"DUPLICATE"} >= {bad.code for bad in order.quarantined}
    assert [first[records[bad.row_no - 1][0]] for bad in order.quarantined] == [
        bad.first_row for bad in order.quarantined
    ]


TOTALLED = Layout(
    kind="delimited",
    encoding="ascii",
    header="none",
    fields=(Column(name="iccid", at=1, type="digits"),),
    trailer=Trailer("T", ("count", "hash")),
    totals=Totals("trailer.count", HashTotal("iccid", "trailer.hash")),
)


@given(st.lists(st.integers(0, 10**12), min_size=1, max_size=20), st.integers(-1, 1), st.integers(-1, 1))
def test_totals_hold_exactly(numbers, more_rows, more_hash):
    total = sum(number % 10**9 for number in numbers)
    count, declared = len(numbers) + more_rows, abs(total + more_hash)
    text = "".join(f"{number}\n" for number in numbers) + f"T;{count};{declared}\n"
    schema = RecordSchema({"iccid": Field(type="digits")})

    order = outcome(lambda: parse_order(TOTALLED, schema, text.encode(), MemoryKeyStore()), RecordError)

    if more_rows:
        assert order.code == "COUNT"
    elif declared != total:
        assert order.code == "HASH_TOTAL"
    else:
        assert (len(numbers), total) == (order.totals.count, order.totals.hash)


@given(st.from_regex(r"[0-9]{18,19}", fullmatch=True), st.integers(0, 18), st.integers(1, 9))
def test_luhn_catches_every_single_wrong_digit(number, place, step):
    read = reader("iccid", Field(type="digits", check="luhn"), None)
    good = number + luhn_digit(number)
    place %= len(good)
    wrong = good[:place] + str((int(good[place]) + step) % 10) + good[place + 1 :]

    assert good == read(good)
    with pytest.raises(FieldError, match="the Luhn check digit is wrong"):
        read(wrong)


TEMPLATE_SCHEMA = RecordSchema(
    {"imsi": Field(type="digits"), "name": Field(type="text"), "pin1": Field(type="digits", class_="secret")}
)
TEMPLATE_RECORD = Record(
    TEMPLATE_SCHEMA, {"imsi": "001010000000009", "name": "{x}", "pin1": Secret(b"91827364", "p")}, 1
)
PIECES = st.sampled_from(
    ["{imsi}", "{name}", "{pin1}", "{imsi|acc}", "{{", "}}", "{", "}", "|", "a", "{imsi|", "{x}", "{}"]
)


@given(st.recursive(st.lists(PIECES, max_size=5).map("".join), lambda tree: st.lists(tree, max_size=3) |
                    st.dictionaries(st.text(max_size=3), tree, max_size=3), max_leaves=8))  # fmt: skip
def test_any_tree_compiles_and_resolves_or_is_refused_without_showing_a_secret(tree):
    compiled = outcome(lambda: compile_values(tree, TEMPLATE_SCHEMA, "here"), CardkitError)
    if isinstance(compiled, CardkitError):
        assert "91827364" not in str(compiled)
        return
    result = outcome(lambda: compiled.resolve(TEMPLATE_RECORD), CardkitError)
    assert "91827364" not in str(result)
    assert compiled.variable == bool(compiled.fields)


@given(TEXTS)
def test_escaped_text_is_itself(text):
    template = text.replace("{", "{{").replace("}", "}}")

    assert text == compile_values(template, TEMPLATE_SCHEMA, "here").resolve(TEMPLATE_RECORD)


def test_dates_before_the_year_1000_are_written_with_four_digits():
    field = Field(type="date", format="%Y%m%d")

    assert date(2004, 2, 29) == reader("birth", field, None)("20040229")
    with pytest.raises(FieldError):
        reader("birth", field, None)("9990101")

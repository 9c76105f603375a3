"""Machine readable zones: the published specimens, and zones composed here read by the same rules."""

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cardkit.apps.emrtd.mrz import Format, Holder, Mrz, check_digit, compose, mrz_information
from cardkit.apps.emrtd.mrzname import name_field, split_name
from cardkit.errors import EncodingError

from .vectors import chosen, load

TODAY = date(2026, 11, 22)
SPECIMENS = {v["name"]: v["in"]["mrz"] for v in load("emrtd_mrz") if "mrz" in v["in"]}
LONG_TD1 = SPECIMENS["TD1 long document number"]


@pytest.mark.parametrize(("given", "out"), chosen("emrtd_mrz", lambda v: "data" in v["in"]))
def test_check_digits(given, out):
    assert check_digit(given["data"]) == str(out["digit"])


@pytest.mark.parametrize(("given", "out"), chosen("emrtd_mrz", lambda v: "mrz" in v["in"]))
def test_every_field_of_the_specimens(given, out):
    mrz = Mrz.parse(given["mrz"])
    named = {"full_document_number": mrz.document_number, "mrz_information": mrz.information}
    assert mrz.format == given["format"]
    assert {**mrz.fields(), **named} == out
    assert mrz.wrong_digits() == ()


def holder_of(mrz):
    """Return the holder's data a zone shows."""
    optional = [*mrz.optional_data, ""]
    names = ("document_code", "issuing_state", "nationality", "date_of_birth", "sex", "date_of_expiry")
    return Holder(**{name: mrz.field(name) for name in names}, document_number=mrz.document_number,
                  primary=mrz.names[0], secondary=mrz.names[1], optional_data=optional[0],
                  optional_data_2=optional[1])  # fmt: skip


@pytest.mark.parametrize("name", [name for name in SPECIMENS if not name.startswith("happy")])
def test_composing_what_a_specimen_shows_gives_the_specimen(name):
    mrz = Mrz.parse(SPECIMENS[name])
    assert compose(mrz.format, holder_of(mrz)) == mrz


def test_an_empty_optional_field_of_a_passport_may_have_the_digit_0_and_is_written_with_a_filler():
    mrz = Mrz.parse(SPECIMENS["happy traveler 2line id3 (specimen)"])
    assert mrz.field("optional_data_digit") == "0"
    assert compose(mrz.format, holder_of(mrz)).text == mrz.text[:86] + "<8"


@pytest.mark.parametrize(
    ("place", "names"),
    [(45, ["document_number", "composite"]), (57, ["date_of_birth", "composite"]),
     (65, ["date_of_expiry", "composite"]),
     (72, ["optional_data", "composite"]), (87, ["composite"]), (10, [])],
)  # fmt: skip
def test_one_wrong_character_is_named_by_its_field(place, names):
    text = SPECIMENS["TD3 specimen"]
    changed = text[:place] + ("1" if text[place] != "1" else "2") + text[place + 1 :]
    assert [wrong.name for wrong in Mrz.parse(changed).wrong_digits()] == names


def test_a_wrong_digit_is_refused_without_quoting_the_number():
    text = LONG_TD1[:19] + "8" + LONG_TD1[20:]
    with pytest.raises(EncodingError, match="check digit of document_number") as caught:
        Mrz.parse(text).checked()
    assert "D23145890" not in str(caught.value)


def test_a_long_number_leaves_its_rest_out_of_the_optional_data():
    mrz = Mrz.parse(LONG_TD1)
    assert (mrz.number_is_long, mrz.document_number, mrz.document_number_digit) == (True, "D23145890734", "9")
    assert mrz.optional_data == ("", "")


def test_optional_data_behind_a_long_number():
    holder = Holder("I", "UTO", "D23145890734", "UTO", "340712", "M", "950712", "STEVENSON", "PETER", "AB1")
    mrz = compose(Format.TD1, holder)
    assert mrz.field("optional_data_1") == "7349<AB1<<<<<<<"
    assert (mrz.document_number, mrz.optional_data) == ("D23145890734", ("AB1", ""))


def test_mrz_information_pads_the_number():
    assert mrz_information("L898902C", "690806", "940623") == "L898902C<369080619406236"


def test_lines_are_as_printed():
    assert [len(line) for line in Mrz.parse(LONG_TD1).lines] == [30, 30, 30]
    joined = Mrz.parse("\n".join(Mrz.parse(LONG_TD1).lines) + "\n")
    assert joined.text == LONG_TD1


@pytest.mark.parametrize(
    ("field", "value"),
    [("document_number", ""), ("document_number", "L898902C36"), ("sex", "X"), ("date_of_birth", "74081"),
     ("date_of_expiry", "74O812"), ("nationality", "UTOPIA"), ("issuing_state", "ut"), ("optional_data_2", "A"),
     ("primary", " "), ("optional_data", "A" * 15)],
)  # fmt: skip
def test_what_does_not_fit_a_passport_is_refused(field, value):
    fields = {"document_code": "P", "issuing_state": "UTO", "document_number": "L898902C3", "nationality": "UTO",
              "date_of_birth": "740812", "sex": "F", "date_of_expiry": "120415", "primary": "ERIKSSON"}  # fmt: skip
    with pytest.raises(EncodingError):
        compose(Format.TD3, Holder(**fields | {field: value}))


@pytest.mark.parametrize("text", ["", "P<UTO", "A" * 89, "a" * 88, "P" * 87 + "Ä"])
def test_no_zone(text):
    with pytest.raises(EncodingError):
        Mrz.parse(text)


def dated(birth, expiry):
    return compose(Format.TD3, Holder("P", "UTO", "L898902C3", "UTO", birth, "F", expiry, "ERIKSSON"))


@pytest.mark.parametrize(
    ("birth", "expiry", "born", "until"),
    [("740812", "300415", date(1974, 8, 12), date(2030, 4, 15)),
     ("261122", "761121", date(2026, 11, 22), date(2076, 11, 21)),
     ("261123", "770101", date(1926, 11, 23), date(1977, 1, 1)), ("7408<<", "991231", None, date(1999, 12, 31)),
     ("000229", "010229", date(2000, 2, 29), None)],
)  # fmt: skip
def test_centuries(birth, expiry, born, until):
    mrz = dated(birth, expiry)
    assert (mrz.date_of_birth(TODAY), mrz.date_of_expiry(TODAY)) == (born, until)


@pytest.mark.parametrize(
    ("primary", "secondary", "size", "expected"),
    [
        ("ERIKSSON", "ANNA MARIA", 31, "ERIKSSON<<ANNA<MARIA<<<<<<<<<<<"),
        ("ARKFREITHAMBERGER", "", 20, "ARKFREITHAMBERGER<<<"),
        ("SMITH", "JOHN PAUL", 12, "SMITH<<JOH<P"),
        ("SMITH", "JOHN PAUL", 11, "SMITH<<JOHN"),
        ("SMITH JONES", "J", 8, "SMITH<<J"),
        ("A B C D E F", "G", 8, "A<B<C<<G"),
        ("STEVENSON", "PETER", 10, "STEVENS<<P"),
    ],
)
def test_name_fields_and_their_truncation(primary, secondary, size, expected):
    assert name_field(primary, secondary, size) == expected


letters = st.text("ABCDEFGHIJKLMNOPQRSTUVWXYZ", min_size=1, max_size=14)
words = st.lists(letters, min_size=1, max_size=5).map(" ".join)


@given(words, words, st.sampled_from([30, 31, 39]))
def test_a_name_fills_its_field_exactly_and_both_parts_stay(primary, secondary, size):
    field = name_field(primary, secondary, size)
    first, second = split_name(field)
    assert len(field) == size
    assert first[:1] == primary[:1]
    assert second[:1] == secondary[:1]
    assert primary.startswith(first[: len(first) - 2].rstrip()) or " " in first


@given(st.text("ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789<", min_size=88, max_size=88))
def test_any_zone_keeps_every_character(text):
    mrz = Mrz.parse(text)
    joined = dict(sorted(mrz.fields().items(), key=lambda item: mrz.layout.fields[item[0]].start))
    assert "".join(joined.values()) == text
    assert len(mrz.information) >= 24

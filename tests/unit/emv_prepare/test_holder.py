"""Columns of an order: what a card takes of them, and what is refused before a card is touched."""

from __future__ import annotations

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cardkit.apps.emv.prepare.holder import card_name, holder_of
from cardkit.crypto import Secret
from cardkit.encoding.digits import luhn_digit
from cardkit.errors import EncodingError

GOOD = {
    "pan": "9999990000000014",
    "psn": "01",
    "expiry": "2029-12-01",
    "effective": "2024-01-01",
    "name": "TEST/CARD ONE",
    "service_code": "201",
    "pin": Secret(b"1234", "pin"),
}
IINS = ("999999",)


def test_objects_are_coded_as_the_dictionary_says():
    """Sheet 18: the neutral card. 5F24 is the last day of the month, 5F30 has a zero in front (EMV Book 3 Annex A)."""
    objects = {tag.hex().upper(): value.hex().upper() for tag, value in holder_of(GOOD, IINS).objects().items()}
    assert objects == {
        "5A": "9999990000000014",
        "5F20": b"TEST/CARD ONE".hex().upper(),
        "5F24": "291231",
        "5F25": "240101",
        "5F30": "0201",
        "5F34": "01",
    }


@pytest.mark.parametrize(
    ("month", "last"), [("2028-02-01", "280229"), ("2027-02-11", "270228"), ("2030-04-30", "300430")]
)
def test_a_card_expires_with_the_last_day_of_a_month(month, last):
    assert holder_of({**GOOD, "expiry": month}, IINS).objects()[b"\x5f\x24"].hex() == last


def test_a_number_of_19_digits_is_filled_up_with_one_f():
    holder = holder_of({**GOOD, "pan": "9999990000000000006"}, IINS)
    assert holder.objects()[b"\x5a"].hex() == "9999990000000000006f"
    assert holder.diversification == b"999999000000000000601"


@pytest.mark.parametrize(
    ("column", "value", "text"),
    [
        ("pan", "9999990000000015", "Luhn"),
        ("pan", "4111111111111111", "not of this issuer, expected one that begins with 999999"),
        ("pan", "99999900000", "got 11 characters, expected 12 to 19 digits"),
        ("pan", "999999000000001x", "expected 12 to 19 digits"),
        ("psn", "1", "got 1 characters, expected 2 digits"),
        ("expiry", "2912", "expected a day as YYYY-MM-DD"),
        ("effective", "2030-01-01", "after the card's expiry"),
        ("service_code", "20", "expected 3 digits"),
        ("name", "A", "got 1 characters, expected 2 to 26"),
        ("name", "X" * 27, "got 27 characters"),
        ("name", "\u041a\u0430\u0440\u0438\u043c", "expected Latin letters"),
        ("pin", "1234", "expected one secret field"),
    ],
)
def test_a_wrong_column_is_named_and_not_quoted(column, value, text):
    with pytest.raises(EncodingError, match=text) as caught:
        holder_of({**GOOD, column: value}, IINS)
    assert column in str(caught.value)
    assert len(value) < 3 or value not in str(caught.value)


def test_what_is_not_there_is_left_out():
    holder = holder_of({**GOOD, "effective": "", "pin": ""}, IINS)
    assert b"\x5f\x25" not in holder.objects()
    assert (holder.effective, holder.pin) == (None, None)


@given(digits=st.text("0123456789", min_size=5, max_size=12), day=st.dates(date(2024, 1, 1), date(2049, 12, 31)))
def test_every_number_with_a_check_digit_is_taken(digits, day):
    pan = "999999" + digits
    pan += luhn_digit(pan)
    holder = holder_of({**GOOD, "pan": pan, "expiry": day.isoformat(), "effective": ""}, IINS)
    assert holder.objects()[b"\x5a"].hex().upper().rstrip("F") == pan
    assert (holder.expiry.year, holder.expiry.month) == (day.year, day.month)


@pytest.mark.parametrize(
    ("given_name", "card"),
    [
        ("O\u02bbrolova/Nilufar", "O'ROLOVA/NILUFAR"),
        ("Jo\u00e3o/Ara\u00fajo", "JOAO/ARAUJO"),
        ("Smith-Jones/A.", "SMITH-JONES/A."),
    ],
)
def test_names_lose_what_a_terminal_cannot_show(given_name, card):
    assert card_name(given_name) == card

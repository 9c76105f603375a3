"""Digits in nibbles, check digits."""

from __future__ import annotations

import pytest

from cardkit.encoding.digits import (
    decode_bcd,
    decode_dialling,
    decode_swapped,
    encode_bcd,
    encode_dialling,
    encode_swapped,
    luhn_digit,
    luhn_valid,
)
from cardkit.errors import EncodingError


@pytest.mark.parametrize(
    ("text", "data"),
    [
        # uicc_files.json: MSISDN #1 to #4, ADN #1, SMSP #1 (dialling numbers of real cards).
        ("12345FFFFFFFFFFFFFFF", "2143F5FFFFFFFFFFFFFF"),
        ("4917279119183FFFFFFF", "947172199181F3FFFFFF"),
        ("6082658001FFFFFFFFFF", "0628560810FFFFFFFFFF"),
        ("4915790109999FFFFFFF", "945197109099F9FFFFFF"),
        # uicc_dumps.json: ICCID of sim-C.
        ("2222334455667788990F", "222233445566778899F0"),
    ],
)
def test_swapped_digits_of_real_files(text: str, data: str) -> None:
    raw = bytes.fromhex(data)
    assert decode_swapped(raw) == text
    assert encode_swapped(text, len(raw)) == raw
    assert encode_swapped(text.rstrip("F"), len(raw)) == raw


@pytest.mark.parametrize(
    ("text", "size", "fill", "data"),
    [
        ("", None, "F", ""),
        ("1", None, "F", "1f"),
        ("12", None, "F", "12"),
        ("123", 3, "F", "123fff"),
        ("123", 3, "0", "123000"),
        ("1A", 1, "F", "1a"),
        ("", 2, "F", "ffff"),
    ],
)
def test_bcd_fills_behind_the_digits(text: str, size: int | None, fill: str, data: str) -> None:
    assert encode_bcd(text, size, fill).hex() == data
    assert decode_bcd(bytes.fromhex(data)).startswith(text)


@pytest.mark.parametrize(
    ("text", "size", "reason"),
    [
        ("12x", None, "character 3 of 3"),
        ("1 2", 4, "character 2 of 3"),
        ("12a", None, "character 3 of 3"),
        ("٣", None, "character 1 of 1"),
        ("12345", 2, "5 do not fit in 2 bytes"),
    ],
)
def test_digits_that_do_not_fit_are_refused(text: str, size: int | None, reason: str) -> None:
    for encode in (encode_bcd, encode_swapped):
        with pytest.raises(EncodingError, match=reason):
            encode(text, size)


def test_dialling_characters_stand_for_nibbles_above_nine() -> None:
    assert encode_dialling("*#p?e1", 4).hex() == "badc1eff"
    assert decode_dialling(bytes.fromhex("BADC1EFF")) == "*#p?e1FF"
    assert encode_dialling("*#p?e1FF", 4).hex() == "badc1eff"
    with pytest.raises(EncodingError, match="got another character"):
        encode_dialling("12A")


@pytest.mark.parametrize(
    "number",
    [
        "79927398713",  # ISO/IEC 7812-1 annex B example in common use
        "4111111111111111",  # published test card
        "8949440000001155314",  # ICCID, ITU-T E.118
        "18",
        "0",
    ],
)
def test_luhn_digit_makes_the_number_valid(number: str) -> None:
    assert luhn_valid(number)
    assert luhn_digit(number[:-1]) == number[-1]
    assert not luhn_valid(number[:-1] + str((int(number[-1]) + 1) % 10))


@pytest.mark.parametrize("text", ["", "12F", "٣", "1 2"])
def test_luhn_takes_digits_only(text: str) -> None:
    with pytest.raises(EncodingError, match="expected digits only"):
        luhn_valid(text)

"""A secret is found in whatever form it stands, and nothing else is taken for one."""

from __future__ import annotations

import base64

import pytest

from cardkit.crypto import Secret
from cardkit.crypto.publishedcodes import is_published_code
from cardkit.crypto.spilled import spilled

KEY = bytes.fromhex("404142434445464748494A4B4C4D4E4F")
FORMS = {
    "as it is": KEY,
    "swapped": bytes.fromhex("041424344454647484 94A4B4C4D4E4F4".replace(" ", "")),
    "lower digits": KEY.hex().encode(),
    "upper digits": KEY.hex().upper().encode(),
    "base64": base64.b64encode(KEY).rstrip(b"="),
}


@pytest.mark.parametrize("form", FORMS)
def test_a_secret_is_found_in_every_form(form):
    places = {"one": b"\xff" * 40, "two": b"..." + FORMS[form] + b"..."}
    assert list(spilled(places, [Secret(KEY, "ki")])) == [("two", "ki")]


@pytest.mark.parametrize("data", [KEY[:-1], KEY[1:], bytes(16), b""])
def test_what_is_no_secret_is_not_found(data):
    assert list(spilled({"one": data}, [Secret(KEY, "ki")])) == []


def test_what_spans_two_files_is_in_neither():
    assert list(spilled({"one": KEY[:8], "two": KEY[8:]}, [Secret(KEY, "ki")])) == []


@pytest.mark.parametrize("value", [b"2437", bytes(16), b"\xff" * 8])
def test_short_secrets_and_fill_say_nothing(value):
    assert list(spilled({"one": value * 4}, [Secret(value, "pin1")])) == []


@pytest.mark.parametrize("code", ["0000", "1234", "12345678", "98765432", "7777777", "90"])
def test_codes_that_everybody_tries(code):
    assert is_published_code(Secret(code.encode(), "pin1"))
    assert is_published_code(Secret(code.encode().ljust(8, b"\xff"), "pin1"))


@pytest.mark.parametrize("code", ["2437", "1235", "35008919", "1357", "1233"])
def test_codes_that_are_as_good_as_any(code):
    assert not is_published_code(Secret(code.encode(), "pin1"))


def test_eight_bytes_are_long_enough_to_be_looked_for():
    places = {"report": b"PUK 12345678", "log": b"nothing"}

    assert list(spilled(places, [Secret(b"12345678", "puk1"), Secret(b"1234567", "pin1")])) == [("report", "puk1")]

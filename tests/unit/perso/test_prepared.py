"""Prepared values: what is made once for a card, as it is sealed and opened again."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cardkit.crypto import Secret
from cardkit.errors import EncodingError
from cardkit.perso import Prepared

NAMES = st.text("abcdef 0123456789", min_size=1, max_size=12)
BYTES = st.dictionaries(NAMES, st.binary(max_size=40), max_size=4)


@settings(max_examples=40)
@given(tag=st.binary(min_size=16, max_size=16), rands=BYTES, values=BYTES)
def test_what_was_sealed_is_opened_again(tag, rands, values):
    profile = bytes(32) if values else b""
    made = Prepared(tag, rands, {name: Secret(value, name) for name, value in values.items()}, profile)
    assert Prepared.from_bytes(made.to_bytes()) == made


def test_values_of_one_card_are_the_same_bytes_in_any_order():
    one, two = Secret(b"\x01", "one"), Secret(b"\x02", "two")
    tag = bytes(16)
    assert Prepared(tag, {}, {"a": one, "b": two}).to_bytes() == Prepared(tag, {}, {"b": two, "a": one}).to_bytes()


def test_a_card_without_values_is_sealed_as_it_always_was():
    assert Prepared(bytes(16), {"r": b"\x0a"}).to_bytes() == b'{"rands":{"r":"0a"},"tag":"' + b"0" * 32 + b'"}'


def test_values_are_not_shown():
    assert "C0FFEE" not in repr(Prepared(bytes(16), {}, {"key": Secret(bytes.fromhex("C0FFEE"), "key")})).upper()


@pytest.mark.parametrize("values", ['{"a": "zz"}', '{"a": 1}', "[]"])
def test_values_of_another_form_are_refused(values):
    with pytest.raises(EncodingError, match="prepared values"):
        Prepared.from_bytes(b'{"rands":{},"tag":"' + b"0" * 32 + b'","values":' + values.encode() + b"}")

"""Digits and text: bytes survive reading, text survives writing."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

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
from cardkit.encoding.text import (
    AlphaForm,
    decode_alpha,
    decode_gsm7,
    decode_network_name,
    encode_alpha,
    encode_gsm7,
    encode_network_name,
    pack,
    unpack,
)
from cardkit.errors import EncodingError

GSM = st.text(
    st.sampled_from(decode_gsm7(bytes(code for code in range(128) if code != 0x1B)) + "^{}\\[~]|€"), max_size=20
)
UCS2 = st.text(st.characters(max_codepoint=0xFFFE, exclude_categories=["Cs"]), max_size=20)


@given(st.binary(max_size=20))
def test_every_nibble_survives(data: bytes) -> None:
    assert encode_bcd(decode_bcd(data), len(data)) == data
    assert encode_swapped(decode_swapped(data), len(data)) == data
    assert encode_dialling(decode_dialling(data), len(data)) == data


@given(st.text("0123456789", max_size=30))
def test_luhn_finds_one_wrong_digit(number: str) -> None:
    valid = number + luhn_digit(number)
    assert luhn_valid(valid)
    wrong = [valid[:i] + str((int(valid[i]) + 1) % 10) + valid[i + 1 :] for i in range(len(valid))]
    assert not any(map(luhn_valid, wrong))


@given(st.text("0123456789*#p?e", max_size=30))
def test_a_dialled_number_survives(number: str) -> None:
    assert decode_dialling(encode_dialling(number, 15)).rstrip("F") == number


@given(GSM)
def test_gsm_text_survives_packed_and_unpacked(text: str) -> None:
    septets = encode_gsm7(text)
    assert decode_gsm7(septets) == text
    assert unpack(pack(septets), len(septets)) == septets


@given(st.binary(max_size=24))
def test_any_alpha_field_is_kept(field: bytes) -> None:
    alpha = decode_alpha(field)
    assert alpha.build() == field
    if alpha.exact:
        assert encode_alpha(alpha.text, len(field), alpha.form) == field
    if alpha.shortest:
        assert encode_alpha(alpha.text, len(field)) == field


@given(GSM | UCS2, st.none() | st.sampled_from(AlphaForm))
def test_alpha_text_survives_in_every_form_that_takes_it(text: str, form: AlphaForm | None) -> None:
    try:
        field = encode_alpha(text, 50, form)
    except EncodingError:
        assert form is not None
        return
    alpha = decode_alpha(field)
    assert (alpha.text, alpha.exact, len(field)) == (text, True, 50)
    assert form is None or alpha.form == form


@given(UCS2)
def test_the_default_form_is_never_longer_than_another(text: str) -> None:
    needed = {}
    for form in (None, *AlphaForm):
        try:
            needed[form] = len(encode_alpha(text, 300, form).rstrip(b"\xff"))
        except EncodingError:
            continue
    # A trailing character may end in FF bytes of its own; that is at most two.
    assert needed[None] <= min(needed.values()) + 2


@given(st.binary(min_size=1, max_size=24))
def test_any_network_name_is_kept_or_refused(value: bytes) -> None:
    try:
        name = decode_network_name(value)
    except EncodingError:
        return
    assert name.build() == value
    if name.exact:
        assert encode_network_name(name.text, ucs2=name.ucs2, country_initials=name.country_initials) == value


@given(GSM | UCS2, st.booleans())
def test_network_names_survive(text: str, initials: bool) -> None:
    name = decode_network_name(encode_network_name(text, country_initials=initials))
    assert (name.text, name.country_initials, name.exact) == (text, initials, True)

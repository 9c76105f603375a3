"""Text on cards: the alphabet, alpha fields, network names."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

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

FILES = json.loads((Path(__file__).parents[2] / "vectors" / "uicc_files.json").read_text())


def test_every_septet_has_one_character() -> None:
    text = decode_gsm7(bytes(code for code in range(0x80) if code != 0x1B))
    assert len(set(text)) == 127
    assert "\ufffd" not in text
    assert encode_gsm7(text) == bytes(code for code in range(0x80) if code != 0x1B)


@pytest.mark.parametrize(
    ("code", "character"),
    # 3GPP TS 23.038 6.2.1: places where the alphabet is not ASCII.
    [
        (0x00, "@"), (0x02, "$"), (0x07, "ì"), (0x09, "Ç"), (0x0A, "\n"), (0x0D, "\r"), (0x0F, "å"), (0x10, "Δ"),
        (0x11, "_"), (0x1A, "Ξ"), (0x1C, "Æ"), (0x24, "¤"), (0x40, "¡"), (0x5B, "Ä"), (0x5F, "§"), (0x60, "¿"),
        (0x7B, "ä"), (0x7F, "à"),
    ],
)  # fmt: skip
def test_places_where_the_alphabet_is_not_ascii(code: int, character: str) -> None:
    assert decode_gsm7(bytes((code,))) == character


@pytest.mark.parametrize(
    ("code", "character"),
    # 3GPP TS 23.038 6.2.1.1.
    [(0x0A, "\f"), (0x14, "^"), (0x28, "{"), (0x29, "}"), (0x2F, "\\"), (0x3C, "["), (0x3D, "~"), (0x3E, "]"),
     (0x40, "|"), (0x65, "€")],
)  # fmt: skip
def test_extension_table(code: int, character: str) -> None:
    assert decode_gsm7(bytes((0x1B, code))) == character
    assert encode_gsm7(character) == bytes((0x1B, code))


@pytest.mark.parametrize("data", ["80", "FF", "1B", "1B00", "1B1B"])
def test_bytes_that_say_nothing_show_as_replacement(data: str) -> None:
    assert decode_gsm7(bytes.fromhex(data)) == "\ufffd"


def test_characters_outside_the_alphabet_are_refused() -> None:
    with pytest.raises(EncodingError, match=r"U\+0411 is not in the GSM"):
        encode_gsm7("AБ")


@pytest.mark.parametrize(
    ("text", "packed"),
    [
        ("hellohello", "E8329BFD4697D9EC37"),  # the customary example of 23.038 packing
        ("*100#", "AA180C3602"),  # the customary USSD balance request
        ("", ""),
        ("1", "31"),
        ("12345678", "31D98C56B3DD70"),
    ],
)
def test_packing(text: str, packed: str) -> None:
    raw = bytes.fromhex(packed)
    assert pack(encode_gsm7(text)) == raw
    assert decode_gsm7(unpack(raw, len(text))) == text


def test_unpacking_without_a_count_takes_all_that_fits() -> None:
    assert unpack(bytes.fromhex("31D98C56B3DD70")) == b"12345678"
    with pytest.raises(EncodingError, match="hold 8 septets, expected 9"):
        unpack(bytes(7), 9)
    with pytest.raises(EncodingError, match="above 7F"):
        pack(b"\x80")


@pytest.mark.parametrize(
    ("field", "text", "form"),
    [
        # Data of oFono's unit test of SIM strings (facts only), and ETSI TS 102 221 annex A.
        ("6F466F6E6FFFFF", "oFono", AlphaForm.GSM7),
        ("80006F006E006F", "ono", AlphaForm.UCS2),
        ("80006F006E006FFFFFFF", "ono", AlphaForm.UCS2),
        ("80006F006E006FFFFF", "ono", AlphaForm.UCS2),
        ("8103006F6E6FFF", "ono", AlphaForm.PAGE),
        ("8105135395A6A6FFFF", "S\u0995\u09a6\u09a6\u09ff", AlphaForm.PAGE),
        ("820505302D82D32D31", "-\u0532\u0583-1", AlphaForm.BASE),
        ("82050400 2DB3B42D31", "-\u0433\u0434-1", AlphaForm.BASE),
        ("FFFFFFFFFF", "", AlphaForm.GSM7),
        ("", "", AlphaForm.GSM7),
        # sim.md 8: a Russian and an Uzbek name.
        ("81060891B8BBB0B9BD", "Билайн", AlphaForm.PAGE),
    ],
)
def test_alpha_fields_of_others(field: str, text: str, form: AlphaForm) -> None:
    raw = bytes.fromhex(field)
    alpha = decode_alpha(raw)
    assert (alpha.text, alpha.form, alpha.build()) == (text, form, raw)
    assert alpha.exact or raw[:3].hex() in {"810300", "820504", "820505"}


@pytest.mark.parametrize(
    "vector", [vector for vector in FILES if vector["name"].startswith(("EF.ADN", "EF.MSISDN #1", "EF.MSISDN #2"))],
    ids=lambda vector: vector["name"],
)  # fmt: skip
def test_alpha_fields_of_real_records(vector: dict[str, dict[str, dict[str, str]]]) -> None:
    raw = bytes.fromhex(str(vector["in"]["hex"]))
    alpha = decode_alpha(raw[:-14])
    assert alpha.text == vector["out"]["decoded"]["alpha_id"]
    assert alpha.shortest


@pytest.mark.parametrize(
    ("text", "field"),
    [
        ("", "FFFFFFFFFFFFFFFFFFFF"),
        ("A@", "4100FFFFFFFFFFFFFFFF"),
        ("€", "1B65FFFFFFFFFFFFFFFF"),
        ("Ж", "800416FFFFFFFFFFFFFF"),  # 80: 3 bytes; 81: 4
        ("Жд", "8004160434FFFFFFFFFF"),  # 80 and 81 are equal: the plain form
        ("ЖдS", "81030896B453FFFFFFFF"),
        ("ЖдSя", "81040896B453CFFFFFFF"),
    ],
)
def test_the_shortest_form_is_written(text: str, field: str) -> None:
    raw = encode_alpha(text, 10)
    assert raw.hex() == field.lower()
    assert decode_alpha(raw).text == text
    assert decode_alpha(raw).shortest


def test_letters_of_two_pages_within_128_take_a_base() -> None:
    # U+0431 and U+049B lie on different half pages, 106 characters apart.
    raw = encode_alpha("бқбқбқ", 12)
    assert raw.hex() == "82060431" + "80ea" * 3 + "ffff"
    assert decode_alpha(raw).text == "бқбқбқ"


def test_letters_further_apart_take_plain_ucs2() -> None:
    text = "жӮжӮ"
    assert encode_alpha(text, 10).hex() == "80043604ee043604eeff"
    with pytest.raises(EncodingError, match="not within 128 characters"):
        encode_alpha(text, 10, AlphaForm.BASE)


@pytest.mark.parametrize("form", list(AlphaForm))
def test_each_form_can_be_asked_for(form: AlphaForm) -> None:
    raw = encode_alpha("ono", 12, form)
    alpha = decode_alpha(raw)
    assert (alpha.text, alpha.form, len(raw), alpha.exact) == ("ono", form, 12, True)
    assert alpha.shortest is (form is AlphaForm.GSM7)


@pytest.mark.parametrize(
    ("text", "size", "form", "reason"),
    [
        ("abcdef", 5, None, "takes 6 bytes, the field has 5"),
        ("Билайн", 8, None, "takes 9 bytes, the field has 8"),
        ("Ж", 10, AlphaForm.GSM7, "not in the GSM"),
        ("\U0001f600", 20, None, r"beyond U\+FFFF"),
        ("\ud800", 20, AlphaForm.UCS2, r"U\+D800 is not in UCS2"),
        ("\uffff", 20, AlphaForm.UCS2, r"U\+FFFF is not in UCS2"),
        ("\u9999", 20, AlphaForm.PAGE, r"up to U\+7FFF"),
        ("a" * 256, 300, AlphaForm.PAGE, "256 characters"),
        ("a" * 256, 300, AlphaForm.BASE, "256 characters"),
    ],
)
def test_text_that_cannot_be_written_is_refused(text: str, size: int, form: AlphaForm | None, reason: str) -> None:
    with pytest.raises(EncodingError, match=reason):
        encode_alpha(text, size, form)


@pytest.mark.parametrize(
    "field",
    [
        "80",
        "81",
        "8105",
        "82",
        "820504",
        "80D800FFFF",
        "81021E80",
        "8201FFFFFF",
        "41FF42",
        "80FFFF0041",
        "41C1",
        "8101FFFF41",
    ],
)
def test_odd_fields_survive_by_their_bytes(field: str) -> None:
    raw = bytes.fromhex(field)
    alpha = decode_alpha(raw)
    assert alpha.build() == raw
    assert not alpha.shortest


@pytest.mark.parametrize(
    ("value", "text", "ucs2", "initials"),
    [
        ("82F7B0BDDC7E8BD3EC32", "wavemobile", False, False),  # sim.md 8
        ("8A F7B0BDDC7E8BD3EC32", "wavemobile", False, True),
        ("90 04110438043B", "Бил", True, False),
        ("98 0041", "A", True, True),
        ("80", "", False, False),
    ],
)
def test_network_names(value: str, text: str, ucs2: bool, initials: bool) -> None:
    raw = bytes.fromhex(value)
    name = decode_network_name(raw)
    assert (name.text, name.ucs2, name.country_initials, name.build()) == (text, ucs2, initials, raw)
    assert name.exact
    assert encode_network_name(text, ucs2=ucs2, country_initials=initials) == raw


def test_network_name_takes_ucs2_only_where_it_must() -> None:
    assert encode_network_name("A").hex() == "8141"
    assert encode_network_name("Ж").hex() == "900416"


@pytest.mark.parametrize("value", ["02F7B0BDDC7E8BD3EC32", "821B00", "87F7B0BDDC7E8BD3EC32", "9004", "90D800", "8741"])
def test_odd_network_names_survive_by_their_bytes(value: str) -> None:
    raw = bytes.fromhex(value)
    name = decode_network_name(raw)
    assert name.build() == raw
    assert not name.exact


@pytest.mark.parametrize("value", ["", "A041", "F0"])
def test_network_names_of_no_scheme_are_refused(value: str) -> None:
    with pytest.raises(EncodingError, match="network name"):
        decode_network_name(bytes.fromhex(value))


def test_network_name_refuses_a_lone_surrogate() -> None:
    with pytest.raises(EncodingError, match="lone surrogate"):
        encode_network_name("\ud800")

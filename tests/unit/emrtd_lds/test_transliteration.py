"""Names in the letters of a zone: the tables of Doc 9303-3 6, Uzbek Latin, and what has no rule."""

# ruff: noqa: RUF001 - letters of other alphabets are what this is about

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cardkit.apps.emrtd.mrz import ALPHABET
from cardkit.apps.emrtd.transliteration import CYRILLIC, LATIN, NATIONAL, transliterate
from cardkit.errors import EncodingError


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Müller", "MUELLER"), ("Åse Bjørk", "AASE<BJOERK"), ("Straße", "STRASSE"), ("Þór", "THOR"), ("Łódź", "LODZ"),
        ("D'Artagnan", "DARTAGNAN"), ("Smith-Jones", "SMITH<JONES"), ("J. R. Ewing", "J<R<EWING"), ("Nuñez", "NUNEZ"),
        ("İnci Işık", "INCI<ISIK"), ("Ĳssel", "IJSSEL"), ("Đorđe", "DORDE"), ("Œuvre", "OEUVRE"), ("Žižek", "ZIZEK"),
        ("Смирнов Юрий", "SMIRNOV<IURII"), ("Щербаков", "SHCHERBAKOV"), ("Подъячев", "PODIEIACHEV"),
        ("Ёлкина", "ELKINA"),
        ("Gʻafur Gʼulom", "GAFUR<GULOM"), ("O‘ktam", "OKTAM"), ("Oʻrinboyev", "ORINBOYEV"), ("Toʼlqin", "TOLQIN"),
        ("Sharof Choʻlpon", "SHAROF<CHOLPON"), ("A,  B--C", "A<B<C"), ("Ñ" "a", "NA"), ("e\u0301te", "ETE"),
    ],
)  # fmt: skip
def test_names(text, expected):
    assert transliterate(text) == expected


@pytest.mark.parametrize(
    ("text", "state", "expected"),
    [("Ғафур", "KAZ", "GAFUR"), ("Ғафур", "TJK", "GHAFUR"), ("Қодир", "TJK", "QODIR"), ("Өмүр", "KGZ", "OMUR")],
)
def test_national_rules(text, state, expected):
    assert transliterate(text, state) == expected


def test_a_letter_of_another_states_rules_is_an_error_that_names_it():
    with pytest.raises(EncodingError, match=r"no rule for U\+0492 \(CYRILLIC CAPITAL LETTER GHE WITH STROKE\)"):
        transliterate("Ғафур")


def test_a_profiles_rule_comes_first():
    assert transliterate("Müller Ñ", overrides={"Ü": "UXX", "Ñ": "NXX"}) == "MUXXLLER<NXX"


@pytest.mark.parametrize("text", ["王", "علي", "@", "a\tb"])
def test_no_rule_is_never_a_silent_filler(text):
    with pytest.raises(EncodingError, match="no rule for"):
        transliterate(text)


@given(st.text("".join((*LATIN, *CYRILLIC, *(sign for table in NATIONAL.values() for sign in table)))))
def test_every_rule_gives_characters_of_a_zone(text):
    everywhere = {sign: rule for table in NATIONAL.values() for sign, rule in table.items()}
    assert ALPHABET.issuperset(transliterate(text, overrides=everywhere))


@given(st.text(max_size=20))
def test_any_text_is_transliterated_or_refused(text):
    try:
        found = transliterate(text)
    except EncodingError:
        return
    assert ALPHABET.issuperset(found)
    assert "<<" not in found

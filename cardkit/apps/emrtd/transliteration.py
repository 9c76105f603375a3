"""Names as a machine readable zone can hold them (ICAO Doc 9303-3 6, tables A and B; national rules unverified).

A character without a rule is an error that names it, never a filler in silence.
"""

# ruff: noqa: RUF001 - letters of other alphabets that look like ours are what this is about

from __future__ import annotations

import unicodedata
from collections.abc import Mapping

from cardkit.errors import EncodingError

# 9303-3 6 A: letters whose rule is not "the letter without its mark".
LATIN: Mapping[str, str] = {
    "Ä": "AE", "Å": "AA", "Æ": "AE", "Ð": "D", "Đ": "D", "Ə": "E", "Ħ": "H", "İ": "I", "Ĳ": "IJ", "Ł": "L", "Ŋ": "N",
    "Ö": "OE", "Ø": "OE", "Œ": "OE", "ĸ": "Q", "ẞ": "SS", "Ŧ": "T", "Þ": "TH",
    "Ü": "UE",  # codespell:ignore
}  # fmt: skip
# 9303-3 6 B, the column of Russian.
CYRILLIC: Mapping[str, str] = {
    "А": "A", "Б": "B", "В": "V", "Г": "G", "Д": "D", "Е": "E", "Ё": "E", "Ж": "ZH", "З": "Z", "И": "I", "Й": "I",
    "К": "K", "Л": "L", "М": "M", "Н": "N", "О": "O", "П": "P", "Р": "R", "С": "S", "Т": "T", "У": "U", "Ф": "F",
    "Х": "KH", "Ц": "TS", "Ч": "CH", "Ш": "SH", "Щ": "SHCH", "Ъ": "IE", "Ы": "Y", "Ь": "", "Э": "E", "Ю": "IU",
    "Я": "IA", "І": "I", "Ї": "I", "Є": "IE", "Ґ": "G", "Ў": "U", "Ј": "J", "Љ": "LJ", "Њ": "NJ",
}  # fmt: skip
# National rules by issuing state; unverified.
NATIONAL: Mapping[str, Mapping[str, str]] = {
    "KAZ": {"Ә": "A", "Ғ": "G", "Қ": "K", "Ң": "N", "Ө": "O", "Ұ": "U", "Ү": "U", "Һ": "H"},
    "KGZ": {"Ң": "N", "Ө": "O", "Ү": "U"},
    "TJK": {"Ғ": "GH", "Ӣ": "I", "Қ": "Q", "Ӯ": "U", "Ҳ": "H", "Ҷ": "J"},
}
# An apostrophe goes, and so does the turned comma of Uzbek Latin, in any of the ways it arrives. 9303-3 4.6
_DROPPED = frozenset("'`.\u02bb\u02bc\u2018\u2019")
_FILLERS = frozenset(" ,-\u2010\u2011<")
_KEPT = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789")


def transliterate(text: str, state: str = "", overrides: Mapping[str, str] | None = None) -> str:
    """Return a text in the characters of a zone: ``A-Z 0-9 <``, one filler at most between components.

    :param text: in Latin or Cyrillic letters, upper or lower case.
    :param state: issuing state, whose national rules come before the common ones.
    :param overrides: rules of a profile, upper case letter to zone characters; they come first.
    :raises EncodingError: on a character without a rule, which is named.

    >>> transliterate("O\u02bbktam Müller-D'Arc"), transliterate("Щербаков")
    ('OKTAM<MUELLER<DARC', 'SHCHERBAKOV')
    """
    rules = {**LATIN, **CYRILLIC, **NATIONAL.get(state, {}), **(overrides or {})}
    composed = unicodedata.normalize("NFC", text)
    raw = "".join(_one(sign, rules) for letter in composed for sign in (letter.upper() if letter != "ĸ" else letter))
    return "<".join(raw.replace("<", " ").split())


def _one(sign: str, rules: Mapping[str, str]) -> str:
    if sign in rules:
        return rules[sign]
    if sign in _KEPT:
        return sign
    if sign in _DROPPED:
        return ""
    if sign in _FILLERS:
        return "<"
    base = unicodedata.normalize("NFD", sign)[0]
    if base == sign and not unicodedata.combining(sign):
        name = unicodedata.name(sign, "unnamed")
        raise EncodingError(f"transliteration: no rule for U+{ord(sign):04X} ({name})")
    return "" if unicodedata.combining(base) else _one(base, rules)

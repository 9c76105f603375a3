"""Text from cards and files made safe to look at, and two values laid side by side.

A card chooses its own bytes: names may hold terminal codes, direction marks that reverse a line, or markup. Markup is
the renderers' duty (they escape); characters that no renderer can show are spelled out here.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass

MAX_SHOWN = 2048
"""Longest value shown in a page, in characters; the JSON Lines result has it whole."""

_PLAIN = re.compile(r"[ -~]*")
_HEX = re.compile(r"(?:[0-9A-Fa-f]{2})+")
_HIDDEN_CATEGORIES = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})


def visible(text: str) -> str:
    r"""Spell out every character that does not show: controls, direction marks, lone surrogates, non-characters.

    >>> visible("A\x1b[2J\u202eB")
    'A\\x1b[2J\\u202eB'
    """
    if _PLAIN.fullmatch(text):
        return text
    return "".join(_spelled(character) for character in text)


def _spelled(character: str) -> str:
    if unicodedata.category(character) not in _HIDDEN_CATEGORIES:
        return character
    code = ord(character)
    if code <= 0xFF:
        return f"\\x{code:02x}"
    return f"\\u{code:04x}" if code <= 0xFFFF else f"\\U{code:08x}"


@dataclass(frozen=True, slots=True)
class Run:
    """A stretch of a value: equal to the other value there, or not."""

    text: str
    differs: bool


def compare(expected: str, actual: str) -> tuple[list[Run], list[Run]]:
    """Cut both values into runs that are equal or differ, byte by byte for hex, else character by character.

    Values of one length are compared place by place; of different lengths, what remains between the common beginning
    and the common end differs. Both are cut at :data:`MAX_SHOWN`; a last run then says how much is missing.

    >>> compare("A0B1C2", "A0FFC2")[1]
    [Run(text='A0', differs=False), Run(text='FF', differs=True), Run(text='C2', differs=False)]
    """
    if _HEX.fullmatch(expected) and _HEX.fullmatch(actual):
        expected, actual, width = expected.upper(), actual.upper(), 2
    else:
        width = 1
    left, right = _units(expected, width), _units(actual, width)
    expected_marks, actual_marks = _places_that_differ(left, right)
    tails_differ = expected[MAX_SHOWN:] != actual[MAX_SHOWN:]
    return list(_runs(expected, left, expected_marks, tails_differ)), list(
        _runs(actual, right, actual_marks, tails_differ)
    )


def _units(text: str, width: int) -> list[str]:
    shown = text[:MAX_SHOWN]
    return [shown[start : start + width] for start in range(0, len(shown), width)]


def _places_that_differ(left: list[str], right: list[str]) -> tuple[list[bool], list[bool]]:
    differs = [a != b for a, b in zip(left, right, strict=False)]
    if len(left) == len(right):
        return differs, differs
    head = differs.index(True) if True in differs else len(differs)
    tail = 0
    while tail < len(differs) - head and left[-1 - tail] == right[-1 - tail]:
        tail += 1
    return _middle(len(left), head, tail), _middle(len(right), head, tail)


def _middle(length: int, head: int, tail: int) -> list[bool]:
    return [False] * head + [True] * (length - head - tail) + [False] * tail


def _runs(text: str, units: list[str], differs: list[bool], tails_differ: bool) -> Iterator[Run]:
    start = 0
    for end in range(1, len(units) + 1):
        if end == len(units) or differs[end] != differs[start]:
            yield Run(visible("".join(units[start:end])), differs[start])
            start = end
    if len(text) > MAX_SHOWN:
        yield Run(f" (+{len(text) - MAX_SHOWN} characters)", tails_differ)

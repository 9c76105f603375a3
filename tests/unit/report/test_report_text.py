"""Text from a card is shown, never obeyed; two values are compared place by place."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cardkit.production.report.text import MAX_SHOWN, Run, compare, visible

HEX = st.binary(max_size=40).map(lambda body: body.hex().upper())


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("EF.SPN Tést 移动", "EF.SPN Tést 移动"),
        ("a\x00b\n", "a\\x00b\\x0a"),
        ("\x1b]0;title\x07", "\\x1b]0;title\\x07"),
        ("12\u202e34", "12\\u202e34"),
        ("\ud800", "\\ud800"),
        ("\U000e0001", "\\U000e0001"),
        ("\x85\u2028", "\\x85\\u2028"),
    ],
)
def test_characters_that_do_not_show_are_spelled_out(text, shown):
    assert visible(text) == shown


@given(st.text())
def test_shown_text_has_no_hidden_character(text):
    assert {unicodedata.category(c) for c in visible(text)} & {"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"} == set()


@pytest.mark.parametrize(
    ("expected", "actual", "left", "right"),
    [
        ("A0B1C2", "A0FFC2", [("A0", 0), ("B1", 1), ("C2", 0)], [("A0", 0), ("FF", 1), ("C2", 0)]),
        ("a0b1", "A0B1", [("A0B1", 0)], [("A0B1", 0)]),
        ("A0B1C2D3", "A0D3", [("A0", 0), ("B1C2", 1), ("D3", 0)], [("A0D3", 0)]),
        ("Mobile", "mobile", [("M", 1), ("obile", 0)], [("m", 1), ("obile", 0)]),
        ("1C1C", "1C", [("1C", 0), ("1C", 1)], [("1C", 0)]),
        ("3", "", [("3", 1)], []),
        ("", "", [], []),
    ],
)
def test_runs_name_exactly_what_differs(expected, actual, left, right):
    assert compare(expected, actual) == (
        [Run(text, bool(differs)) for text, differs in left],
        [Run(text, bool(differs)) for text, differs in right],
    )


@given(HEX, HEX)
def test_runs_together_are_the_values_and_equal_runs_are_equal(expected, actual):
    left, right = compare(expected, actual)
    assert "".join(run.text for run in left) == expected
    assert "".join(run.text for run in right) == actual
    assert "".join(run.text for run in left if not run.differs) == "".join(run.text for run in right if not run.differs)
    assert any(run.differs for run in left + right) == (expected != actual)


def test_a_difference_beyond_the_shown_part_is_not_hidden():
    common = "00" * MAX_SHOWN
    left, right = compare(common + "01", common + "02")
    assert [run.differs for run in left] == [False, True]
    assert left[-1].text == right[-1].text == f" (+{MAX_SHOWN + 2} characters)"

"""The report to print: its figures are there, no text of a card breaks it, and it does not grow into a book."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pypdf import PdfReader

from cardkit.production.report import Kind, Verdict, print_report
from cardkit.production.report.pdf import MOST_CARDS


def pages(path: Path) -> list[str]:
    return [page.extract_text() for page in PdfReader(path).pages]


def words(path: Path) -> str:
    return " ".join(" ".join(pages(path)).split())


def test_what_is_in_it(a_report, a_card, rejected, tmp_path: Path) -> None:
    cards = [a_card(1), rejected(2), a_card(3, sample="GOOD"), a_card(4, verdict=Verdict.LOST, code="MUTE")]
    equation = "cards: 4 issued = 2 good + 1 rejected personalized + 1 lost, difference 0"
    says = "ACCEPTED: 2 of 2 looked at, 0 bad, Ac 0"
    lay = "The keys lay in a key file."
    report = a_report(cards, equations=(equation,), samples=(says,), keys=(lay,), totals={"imported": 4})
    made = print_report(report, tmp_path)
    assert made == tmp_path / "report.pdf"
    text = words(made)
    for said in (
        "2 of 4 cards are good; 2 others", equation, says, "usim-test version 1", "Imported 4", "DATA_READBACK data 1",
        "50 %", "Row 2 8999901000000000002 chip 0000000002 Rejected DATA_READBACK (data) virtual-1",
        "error: UICC-030 ADF.USIM/EF.UST TS 31.102 4.2.8", "service 10 is off", "expected 9EEBA0",
        "on the card 9EE9A0", "Yield, good / (good + rejected) 66.7 %", "Good cards per hour 120 in 1 min 00 s",
        "0.90 s, 0.90 s, 0.90 s", "virtual-1 4 2 1 33.3 %", f"Keys {lay}",
    ):  # fmt: skip
        assert said in text, said
    assert "Row 1 " not in text


def test_test_batches_are_marked_on_every_page(a_report, rejected, tmp_path: Path) -> None:
    cards = [rejected(row) for row in range(1, 40)]
    marked = pages(print_report(a_report(cards), tmp_path))
    assert len(marked) > 2
    assert all("TEST batch: test keys and test data, not for delivery" in page for page in marked)
    live = pages(print_report(a_report(cards, kind=Kind.LIVE), tmp_path))
    assert not any("TEST" in page for page in live)


def test_a_batch_that_fails_as_a_whole_is_no_book(a_report, rejected, tmp_path: Path) -> None:
    cards = [rejected(row) for row in range(1, MOST_CARDS + 8)]
    text = words(print_report(a_report(cards), tmp_path))
    assert f"Row {MOST_CARDS} " in text
    assert f"Row {MOST_CARDS + 1} " not in text
    assert "7 more are in report.html and results.jsonl." in text


def test_the_same_report_is_the_same_bytes(a_report, rejected, tmp_path: Path) -> None:
    made = [print_report(a_report([rejected(1)]), tmp_path / name).read_bytes() for name in "ab"]
    assert made[0] == made[1]


@settings(max_examples=15, deadline=None)
@given(
    text=st.one_of(st.text(max_size=60), st.sampled_from(['<font color="[1]*9">', "<para>", "&amp", "</b>", "\x1b[2J"]))
)
def test_no_text_of_a_card_is_markup(a_report, rejected, a_finding, tmp_path_factory, text: str) -> None:
    folder = tmp_path_factory.getbasetemp() / "pdf"
    found = a_finding(where=text, decoded=text, expected=text, actual=text)
    card = rejected(1, identity=text, coupler=text, code=text, findings=(found,))
    shown = words(print_report(a_report([card], batch=text or "B"), folder))
    assert "Cards that need attention" in shown


def test_long_values_are_cut_and_characters_without_a_glyph_spelled(
    a_report, rejected, a_finding, tmp_path: Path
) -> None:
    found = a_finding(expected="AB" * 3000, actual="қ\u202e<b>")
    text = words(print_report(a_report([rejected(1, findings=(found,))]), tmp_path))
    assert "(+3961characters)" in text.replace(" ", "")
    assert "\\u049b\\u202e<b>" in text


def test_without_the_library_there_is_no_pdf(a_report, a_card, tmp_path: Path, monkeypatch) -> None:
    seen = "cardkit.production.report.write.find_spec"
    monkeypatch.setattr(seen, lambda name: None if name == "reportlab" else find_spec(name))
    assert print_report(a_report([a_card(1)]), tmp_path) is None
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("word", ["Reconciliation", "Why cards were not good", "Couplers", "Card time"])
def test_the_page_puts_figures_before_cards(a_report, rejected, tmp_path: Path, word: str) -> None:
    text = words(print_report(a_report([rejected(1)], equations=("records: 1",)), tmp_path))
    assert 0 < text.index(word) < text.index("Cards that need attention")

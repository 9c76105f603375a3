"""The page is one inert file: it shows what it was given, runs nothing and fetches nothing."""

from __future__ import annotations

from html.parser import HTMLParser

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cardkit.desired import Severity
from cardkit.production.report import Kind, Verdict, write_report

VOID = {"meta", "br", "hr", "img", "link", "input"}


class Page(HTMLParser):
    """Elements, attributes and text of a page; refuses wrong nesting."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.attributes: list[tuple[str, str | None]] = []
        self.text: list[str] = []
        self._open: list[str] = []
        self.feed(text)
        self.close()
        assert self._open == []

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        self.attributes += attrs
        if tag not in VOID:
            self._open.append(tag)

    def handle_endtag(self, tag):
        assert self._open.pop() == tag

    def handle_data(self, data):
        self.text.append(data)

    @property
    def words(self) -> str:
        return " ".join(" ".join(self.text).split())


@pytest.fixture(scope="session")
def page_of(a_report, tmp_path_factory):
    def render(cards, **changes) -> Page:
        files = write_report(a_report(cards, **changes), tmp_path_factory.mktemp("page"))
        return Page(files.html.read_text("utf-8"))

    return render


def test_page_has_no_script_and_no_outside_link(page_of, a_card, rejected):
    page = page_of([a_card(1), rejected(2)])
    assert {"script", "link", "img", "iframe", "form"} & set(page.tags) == set()
    assert [name for name, _ in page.attributes if name.startswith("on")] == []
    assert [value for name, value in page.attributes if name in {"href", "src"} and not value.startswith("#")] == []
    assert "url(" not in "".join(page.text)
    assert "@import" not in "".join(page.text)


def test_page_forbids_everything_but_its_own_style(page_of, a_card):
    assert ("content", "default-src 'none'; style-src 'unsafe-inline'") in page_of([a_card()]).attributes


def test_headline_counts_good_cards_and_those_that_need_attention(page_of, a_card, rejected):
    page = page_of([a_card(1), rejected(2), a_card(3, verdict=Verdict.IN_DOUBT, code="LINK_TIMEOUT")])
    assert "1 of 3 cards are good; 2 need attention." in page.words


def test_one_bad_card_in_many_does_not_round_to_a_full_yield(page_of, a_card, rejected):
    page = page_of([*(a_card(row) for row in range(1, 2100)), rejected(2100)])
    assert "99.9 % good / (good + rejected)" in page.words
    assert "100 % good / (good + rejected)" not in page.words


def test_a_batch_that_fails_as_a_whole_shows_all_findings_of_its_first_cards(page_of, rejected, monkeypatch):
    monkeypatch.setattr("cardkit.production.report.html.DETAILED_CARDS", 2)
    page = page_of(rejected(row) for row in range(1, 6))
    assert page.tags.count("details") == 2
    assert page.attributes.count(("class", "why")) == 5
    assert "The first 2 cards show all their findings" in page.words
    whole = page_of([rejected(1), rejected(2)])
    assert whole.tags.count("details") == 2
    assert "show all their findings" not in whole.words


def test_empty_batch_says_so(page_of):
    assert "No card was made." in page_of([]).words


@pytest.mark.requirement("K3")
@pytest.mark.requirement("P12")
def test_only_test_batches_are_watermarked(page_of, a_card):
    watermark = ("class", "test")
    assert watermark in page_of([a_card()]).attributes
    assert "not for delivery" in page_of([a_card()]).words
    assert watermark not in page_of([a_card()], kind=Kind.LIVE).attributes
    assert "not for delivery" not in page_of([a_card()], kind=Kind.LIVE).words


def test_cards_that_are_not_good_come_first(page_of, a_card, rejected):
    words = page_of([a_card(1), a_card(2), rejected(3)]).words
    places = [words.index(f"8999901{row:012}") for row in (3, 1, 2)]
    assert words.index("Needs attention") < places[0] < words.index("Good 2 Row") < places[1] < places[2]


def test_every_link_of_a_table_leads_to_a_card(page_of, a_card, rejected, a_finding):
    noted = a_card(30, findings=(a_finding(rule="UICC-120", severity=Severity.INFO),))
    page = page_of([*(rejected(row, code=f"CODE_{row % 7}") for row in range(1, 30)), noted])
    ids = {value for name, value in page.attributes if name == "id"}
    links = {value.removeprefix("#") for name, value in page.attributes if name == "href"}
    assert "card-30" in links
    assert links <= ids


def test_bytes_that_differ_are_marked_on_both_sides(a_report, rejected, tmp_path):
    text = write_report(a_report([rejected(1)]), tmp_path).html.read_text("utf-8")
    assert "9E<ins>EB</ins>A0" in text
    assert "9E<del>E9</del>A0" in text


def test_worst_finding_heads_a_card(page_of, a_card, a_finding):
    findings = (a_finding(rule="W-1", severity=Severity.WARNING), a_finding(rule="S-1", severity=Severity.STOP))
    words = page_of([a_card(findings=findings)]).words
    assert "S-1 ADF.USIM/EF.UST and 1 more" in words


def test_what_was_not_checked_is_not_called_an_error(page_of, a_card, a_finding):
    unproven = a_finding(rule="UICC-090", actual="not checked: no key")
    words = page_of([a_card(verdict=Verdict.NOT_PROVEN, findings=(unproven,))]).words
    assert "UICC-090 not checked 1" in words
    assert "error" not in words


def test_what_nobody_measured_is_a_dash(page_of, a_card):
    words = page_of([a_card(apdus=None, apply_ms=None, verify_ms=None)]).words
    assert "virtual-1 \N{EN DASH} \N{EN DASH} \N{EN DASH}" in words
    assert words.count("\N{EN DASH}") == 7  # three cells, median, p95, p99, the coupler's mean


def test_blocks_hold_a_hundred_cards(page_of, a_card):
    page = page_of(a_card(row) for row in range(1, 252))
    assert page.attributes.count(("class", "block")) == 3


HOSTILE = st.text(max_size=40) | st.sampled_from(
    [
        "<script>alert(1)</script>",
        '"><img src=x onerror=x>',
        "</table></div>",
        "{{ 7*7 }}",
        "{% raw %}",
        "\x1b[2J",
        "\u202e",
        "\ud800",
    ]
)


@settings(max_examples=60, deadline=None)
@given(texts=st.lists(HOSTILE, min_size=8, max_size=8))
def test_no_text_from_a_card_or_file_becomes_markup(page_of, a_card, a_finding, texts):
    fields = dict(zip(("rule", "clause", "where", "expected", "actual", "decoded"), texts, strict=False))
    plain = page_of([a_card(findings=(a_finding(decoded="x"),))])
    hostile = page_of(
        [a_card(identity=texts[6], coupler=texts[7], findings=(a_finding(**fields | {"actual": texts[4] + "!"}),))],
        batch=texts[6],
        operator=texts[7],
    )
    marks = {"ins", "del", "p", "span", "small"}  # depend on which values are empty or differ
    assert set(hostile.tags) - marks <= set(plain.tags)
    assert {name for name, _ in hostile.attributes} == {name for name, _ in plain.attributes}
    assert not any(character in "".join(hostile.text) for character in "\x1b\u202e\ud800\x00")


def test_where_the_keys_were_is_said(page_of, a_card):
    assert "Keys On a <token>." in page_of([a_card(1)], keys=("On a <token>.",)).words
    assert "Keys" not in page_of([a_card(1)]).words

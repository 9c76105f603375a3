"""JUnit XML and JSON Lines; all files whole or not at all, in bounded memory."""

from __future__ import annotations

import json
import tracemalloc
from xml.etree import ElementTree

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cardkit.errors import StoreError
from cardkit.production.report import Verdict, write_report

# The JUnit schema that Ant's task, Jenkins and their readers share: children in order, attributes that must be there.
CHILDREN = {
    "testsuites": ("testsuite",),
    "testsuite": ("properties", "testcase", "system-out", "system-err"),
    "properties": ("property",),
    "testcase": ("skipped", "error", "failure"),
}
REQUIRED = {
    "testsuite": {"name", "tests", "failures", "errors", "skipped", "time", "timestamp", "hostname", "id", "package"},
    "property": {"name", "value"},
    "testcase": {"name", "classname", "time"},
    "failure": {"message", "type"},
    "error": {"message", "type"},
    "skipped": {"message"},
}


def assert_follows_schema(element):
    order = CHILDREN.get(element.tag, ())
    places = [order.index(child.tag) for child in element]
    assert places == sorted(places)
    assert set(element.keys()) == REQUIRED.get(element.tag, set())
    assert element.tag != "testcase" or len(element) <= 1
    for child in element:
        assert_follows_schema(child)


@pytest.fixture
def cards(a_card, rejected):
    doubt = a_card(3, verdict=Verdict.IN_DOUBT, code="LINK_TIMEOUT", reject_class="contact")
    return [a_card(1), rejected(2), doubt, a_card(4, verdict=Verdict.NOT_PROVEN)]


def test_junit_follows_the_common_schema(a_report, cards, tmp_path):
    root = ElementTree.parse(write_report(a_report(cards), tmp_path).junit).getroot()
    assert root.tag == "testsuites"
    assert_follows_schema(root)


def test_junit_counts_what_it_lists(a_report, cards, tmp_path):
    suite = ElementTree.parse(write_report(a_report(cards), tmp_path).junit).getroot()[0]
    outcomes = [[child.tag for child in case] for case in suite.iter("testcase")]
    assert outcomes == [[], ["failure"], ["error"], ["skipped"]]
    assert [suite.get(name) for name in ("tests", "failures", "errors", "skipped")] == ["4", "1", "1", "1"]
    assert suite.get("timestamp") == "2026-07-14T09:12:03"


def test_junit_failure_names_rule_and_values(a_report, cards, tmp_path):
    failure = ElementTree.parse(write_report(a_report(cards), tmp_path).junit).getroot().find(".//failure")
    assert failure.get("type") == "DATA_READBACK"
    assert failure.text == (
        "UICC-030 error ADF.USIM/EF.UST (TS 31.102 4.2.8): service 10 is off\n  expected 9EEBA0\n  actual   9EE9A0\n"
        "Next: Put the card into the reject bin, and have profile and data looked at before more cards are made."
    )


@pytest.mark.parametrize("verdict", list(Verdict))
def test_only_good_is_a_passed_case(a_report, a_card, tmp_path, verdict):
    root = ElementTree.parse(write_report(a_report([a_card(verdict=verdict)]), tmp_path).junit).getroot()
    assert (len(root.find(".//testcase")) == 0) == (verdict is Verdict.GOOD)


@settings(max_examples=40, deadline=None)
@given(texts=st.lists(st.text(max_size=30), min_size=6, max_size=6))
def test_any_text_is_valid_xml_and_json(a_report, a_card, a_finding, tmp_path_factory, texts):
    finding = a_finding(rule=texts[0], where=texts[1], expected=texts[2], actual=texts[3])
    card = a_card(verdict=Verdict.REJECTED, identity=texts[4], code=texts[5], findings=(finding,))
    files = write_report(a_report([card]), tmp_path_factory.mktemp("any"))
    assert_follows_schema(ElementTree.parse(files.junit).getroot())
    line = json.loads(files.jsonl.read_text("ascii"))
    assert [line["identity"], line["code"], line["findings"][0]["expected"]] == [texts[4], texts[5], texts[2]]


def test_json_lines_keep_one_set_of_keys(a_report, cards, tmp_path):
    text = write_report(a_report(cards), tmp_path).jsonl.read_text("ascii")
    lines = [json.loads(line) for line in text.splitlines()]
    keys = [
        "batch",
        "kind",
        "row",
        "chip",
        "identity",
        "verdict",
        "code",
        "class",
        "coupler",
        "sample",
        "apdus",
        "apply_ms",
        "verify_ms",
        "action",
        "findings",
    ]
    assert [list(line) for line in lines] == [keys] * 4
    assert [line["verdict"] for line in lines] == ["GOOD", "REJECTED", "IN_DOUBT", "NOT_PROVEN"]
    assert lines[1]["findings"] == [
        {
            "rule": "UICC-030",
            "severity": "E",
            "clause": "TS 31.102 4.2.8",
            "where": "ADF.USIM/EF.UST",
            "expected": "9EEBA0",
            "actual": "9EE9A0",
            "decoded": "service 10 is off",
        }
    ]


def test_a_broken_cursor_leaves_the_old_report_whole(a_report, a_card, tmp_path):
    before = {path: path.read_bytes() for path in write_report(a_report([a_card()]), tmp_path)}

    def cursor():
        yield a_card(2)
        raise RuntimeError("store gone")

    with pytest.raises(RuntimeError, match="store gone"):
        write_report(a_report(cursor()), tmp_path)
    assert {path: path.read_bytes() for path in tmp_path.iterdir()} == before


def test_a_directory_that_cannot_be_made_is_named(a_report, a_card, tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(StoreError, match="file/report: cannot be made"):
        write_report(a_report([a_card()]), tmp_path / "file" / "report")


def test_a_file_that_cannot_be_replaced_is_named(a_report, a_card, tmp_path):
    (tmp_path / "report.html" / "x").mkdir(parents=True)
    with pytest.raises(StoreError, match=r"report\.html: cannot be written"):
        write_report(a_report([a_card()]), tmp_path)
    assert sorted(path.name for path in tmp_path.iterdir() if path.name.startswith(".")) == []


def test_memory_does_not_grow_with_the_cards(a_report, a_card, rejected, tmp_path):
    def peak(count: int) -> int:
        tracemalloc.start()
        write_report(a_report(rejected(n) if n % 10 == 0 else a_card(n) for n in range(1, count + 1)), tmp_path)
        _, highest = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        return highest

    peak(50)
    # 1,500 more cards may cost their four bytes each and noise; their rows alone are over 600 kB.
    assert peak(2000) - peak(500) < 200_000

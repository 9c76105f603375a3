"""What the operator does next: one sentence for every end of a card, the same in every file."""

from __future__ import annotations

import csv
import json

import pytest

from cardkit.desired import Severity
from cardkit.production.action import next_action
from cardkit.production.books import Verdict as Leaving
from cardkit.production.report import Verdict, write_report
from cardkit.production.report.table import COLUMNS

CLASSES = ("", "contact", "card type", "card dead", "key", "data", "security", "software", "handler")


@pytest.mark.parametrize("verdict", sorted({str(v) for v in Verdict} | {str(v) for v in Leaving}))
@pytest.mark.parametrize("reject_class", CLASSES)
def test_every_end_has_one_sentence(verdict, reject_class):
    sentence = next_action(verdict, "X", reject_class)
    assert (sentence[0].isupper(), sentence[-1], sentence.count(". ")) == (True, ".", 0)


def test_a_card_in_doubt_is_never_thrown_away_and_a_key_never_tried_again():
    for reject_class in CLASSES:
        assert next_action("IN_DOUBT", "LINK_TIMEOUT", reject_class).startswith("Keep the card apart")
    assert "do not try it again" in next_action("REJECTED", "RETRY_LEFT", "key")
    assert "its station is at work" in next_action("IN_DOUBT", "UNFINISHED")
    assert "reject bin" in next_action("REJECTED", "NVM_6581", "card dead")
    assert next_action("BLANK_REJECT", "NO_CARD", "contact").startswith("Look into the reader")


def test_every_file_names_it(a_report, a_card, rejected, tmp_path):
    files = write_report(a_report([a_card(1), rejected(2), a_card(3, verdict=Verdict.LOST)]), tmp_path)
    good, bad, lost = (next_action(*each) for each in (("GOOD",), ("REJECTED", "", "data"), ("LOST",)))
    assert [json.loads(line)["action"] for line in files.jsonl.read_text().splitlines()] == [good, bad, lost]
    assert [row["action"] for row in csv.DictReader(files.csv.read_text("utf-8").splitlines())] == [good, bad, lost]
    for text in (files.html.read_text("utf-8"), files.junit.read_text("utf-8")):
        assert (good in text, bad in text, lost in text) == (False, True, True)


def test_csv_has_a_line_a_card_and_rules_by_name(a_report, a_card, rejected, a_finding, tmp_path):
    findings = (a_finding(severity=Severity.WARNING, rule="UICC-001"), a_finding(), a_finding(where="EF.X"))
    files = write_report(a_report([a_card(1), rejected(2, findings=findings)]), tmp_path)
    head, first, second = csv.reader(files.csv.read_text("utf-8").splitlines())
    assert tuple(head) == COLUMNS
    assert first[:8] == ["B-1", "TEST", "1", "0000000001", "8999901000000000001", "GOOD", "", ""]
    assert second[8:14] == ["virtual-1", "", "140", "600", "300", "UICC-030 UICC-001"]


@pytest.mark.parametrize("text", ["=1+1", "+99", "-2", "@x", "=\x1b[2J"])
def test_no_text_is_a_formula(a_report, a_card, tmp_path, text):
    files = write_report(a_report([a_card(1, identity=text, coupler=text)]), tmp_path)
    (row,) = csv.DictReader(files.csv.read_text("utf-8").splitlines())
    assert [row[name][:2] for name in ("identity", "coupler")] == [f"'{text[0]}"] * 2
    assert "\x1b" not in files.csv.read_text("utf-8")

"""Rule packs: rules, weights, waivers and limits that licensees write as data."""

from __future__ import annotations

from pathlib import Path

import pytest

from cardkit.apps.emv.rules.engine import findings
from cardkit.apps.emv.rules.packs import pack_findings, parse_pack, weighed, with_limits
from cardkit.errors import EncodingError

from .changes import CHANGES

HEAD = '[pack]\nname = "house"\nversion = "1"\nprefix = "HOUSE"\n'
RULE = '[[rule]]\nid = "HOUSE-1"\nseverity = "E"\nclause = "house 4"\ntext = "as the house wants it"\n'


def pack(rule: str):
    return parse_pack(f"{HEAD}{RULE}{rule}")


# Condition, and what is found on the good contact card; None for nothing.
CONDITIONS = (
    ('tag = "9F07"\npresent = true', None),
    ('tag = "9F6E"\npresent = true', ("missing", "there")),
    ('tag = "9F07"\npresent = false', ("there", "not there")),
    ('tag = "9F6E"\npresent = false', None),
    ('tag = "9F6E"\nlengths = [4]', ("missing", "there")),
    ('tag = "9F07"\nlengths = [2]', None),
    ('tag = "9F07"\nlengths = [1, 3]', ("2 bytes", "1 or 3 bytes")),
    ('tag = "9F07"\nany = ["FF00", "ff80"]', None),
    ('tag = "9F07"\nany = ["FF00"]', ("FF80", "FF00")),
    ('tag = "9F07"\nset = ["1.8", "2.8"]', None),
    ('tag = "9F07"\nset = ["2.7"]\nclear = ["1.1"]', ("FF80: 2.7 clear, 1.1 set", "the other way")),
    ('tag = "9F07"\nset = ["9.1"]', ("FF80: 9.1 clear", "the other way")),
    ('tag = "87"\nsource = "fci"\nany = ["02"]', ("01", "02")),
    ('tag = "9F17"\nsource = "data"\nany = ["03"]', None),
    ('tag = "9F17"\nsource = "data"\nany = ["05"]', ("03", "05")),
    ('tag = "9F07"\nany = ["FF00"]\ninterface = "contactless"', None),
    ('tag = "9F07"\nany = ["FF00"]\naids = ["A000000003"]', None),
    ('tag = "9F07"\nany = ["FF00"]\naids = ["F0434B4954"]', ("FF80", "FF00")),
    ('tag = "9F07"\nany = ["FF00"]\nwhen = { tag = "82", set = ["1.1"] }', ("FF80", "FF00")),
    ('tag = "9F07"\nany = ["FF00"]\nwhen = { tag = "82", set = ["1.7"] }', None),
)


@pytest.mark.parametrize(("condition", "expected"), CONDITIONS)
def test_a_condition_is_judged(condition, expected, contact):
    found = [(item.actual, item.expected) for item in pack_findings(contact[0], [pack(condition)])]
    assert found == ([] if expected is None else [expected])


def test_a_finding_says_rule_severity_clause_and_place(contact):
    (found,) = pack_findings(contact[0], [pack('tag = "9F07"\nany = ["FF00"]')])
    assert (found.rule, found.severity.value, found.clause) == ("HOUSE-1", "E", "house 4")
    assert found.where == "F0434B49540101 contact 9F07"
    assert found.decoded == "as the house wants it"


def test_severities_are_changed_and_waived_rules_stay_in_the_report(contact):
    text = f'{HEAD}[[severity]]\nrule = "EMV-051"\nseverity = "E"\n'
    broken = findings(*CHANGES["EMV-051"][1](*contact))
    harder = [item for item in weighed(broken, [parse_pack(text)]) if item.rule == "EMV-051"]
    assert [item.severity.value for item in harder] == ["E"]
    text = f'{HEAD}[[waiver]]\nrule = "EMV-051"\nreason = "agreed with the scheme on 1 May"\n'
    waived = [item for item in weighed(broken, [parse_pack(text)]) if item.rule == "EMV-051"]
    assert [(item.severity.value, item.decoded) for item in waived] == [
        ("I", "waived by house: agreed with the scheme on 1 May")
    ]


def test_limits_of_the_later_pack_count(contact):
    packs = [parse_pack(f"{HEAD}[limits]\ngpo_ms = 300\natc = 5\n"), parse_pack(f"{HEAD}[limits]\ngpo_ms = 400\n")]
    limits = with_limits(contact[1], packs).limits
    assert (limits.gpo_ms, limits.atc, limits.answer_ms) == (400, 5, contact[1].limits.answer_ms)
    allowed = with_limits(contact[1], [parse_pack(f'{HEAD}[limits]\ndenial = "0010000000"\n')]).limits.denial
    assert allowed == bytes.fromhex("0010000000")


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[pack",
        f'{HEAD}colour = "red"',
        f'{HEAD}{RULE.replace("HOUSE-1", "EMV-001")}tag = "82"',
        f'{HEAD}{RULE}tag = "82"\n{RULE}tag = "82"',
        f'{HEAD}{RULE}tag = "8"',
        f'{HEAD}{RULE}tag = "82"\nset = ["1.9"]',
        f'{HEAD}[[severity]]\nrule = "EMV-999"\nseverity = "E"',
        f'{HEAD}[[waiver]]\nrule = "EMV-001"\nreason = "no"',
    ],
)
def test_another_form_is_refused_and_the_file_named(text):
    with pytest.raises(EncodingError, match=r"house\.toml"):
        parse_pack(text, "house.toml")


def test_the_packs_that_come_along_are_read_and_hold_of_a_good_card(contact):
    folder = Path(__file__).parents[3] / "examples" / "payment-rules"
    packs = [parse_pack(path.read_text(encoding="utf-8"), path.name) for path in sorted(folder.glob("*.toml"))]
    assert [pack.pack.name for pack in packs] == ["example scheme", "upi-public"]
    assert pack_findings(contact[0], packs) == []
    assert [item.id for pack in packs for item in pack.rule] == ["EXS-001", "EXS-002", "EXS-003", "EXS-004"]

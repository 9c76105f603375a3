"""`cardkit payment validate`: cards and dumps, with and without a profile, packs, a report, sample cards."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from cardkit.cli.app import run

PROFILES = Path(__file__).parents[3] / "profiles" / "payment"
PACK = """
[pack]
name = "house"
version = "7"
prefix = "HOUSE"
[limits]
gpo_ms = 60000
answer_ms = 60000
atc = 1000
[[rule]]
id = "HOUSE-1"
severity = "E"
clause = "house 4"
text = "usage control is the house's"
tag = "9F07"
any = ["FF00"]
"""


@pytest.fixture(scope="module")
def sold(tmp_path_factory):
    """A personalized card in a drawer; the words that name what it should be."""
    folder = tmp_path_factory.mktemp("sold")
    home = PROFILES / "domestic-template"
    order = ["--order", str(home / "order.csv"), "--record", "1"]
    reader = f"virtual:emv-cps@{folder / 'drawer'}"
    words = ["personalize", str(home), *order, "--reader", reader, "--work", str(folder / "work"), "--yes"]
    assert run(words) == 0
    return reader, ["--profile", str(home), *order]


def printed(capsys, *words: str) -> tuple[int, dict]:
    capsys.readouterr()
    code = run(["payment", "validate", *words, "--json"])
    return code, json.loads(capsys.readouterr().out)


def broken(document: dict, number: int = 0) -> set[str]:
    found = document["cards"][number]["findings"]
    return {item["rule"] for item in found if not item["actual"].startswith("not checked")}


def test_a_card_with_its_profile_breaks_no_rule_a_sample_neither(sold, capsys):
    reader, profile = sold
    code, document = printed(capsys, "--reader", reader, *profile, "--destructive")
    assert (code, broken(document)) == (0, set())
    unseen = {item["rule"] for item in document["cards"][0]["findings"]}
    assert {"EMV-101", "EMV-102", "EMV-103", "EMV-097", "EMV-043"}.isdisjoint(unseen)


def test_a_card_of_another_order_is_found(sold, capsys):
    reader, profile = sold
    code, document = printed(capsys, "--reader", reader, *profile[:-1], "2")
    assert code == 1
    assert {"EMV-039", "EMV-043"} <= broken(document)


def test_another_holders_pin_is_refused_and_the_script_gives_the_try_back(sold, capsys):
    reader, profile = sold
    code, document = printed(capsys, "--reader", reader, *profile[:-1], "2", "--destructive")
    found = [item["actual"] for item in document["cards"][0]["findings"] if item["rule"] == "EMV-103"]
    assert (code, found) == (1, ["the issued PIN: refused"])
    code, document = printed(capsys, "--reader", reader, *profile)
    assert (code, broken(document)) == (0, set())


def test_without_a_profile_it_says_what_it_could_not_check(sold, capsys):
    reader, _ = sold
    capk = str(PROFILES / "domestic-template" / "authorities.capk")
    _, document = printed(capsys, "--reader", reader, "--capk", capk)
    unseen = {item["rule"]: item["actual"] for item in document["cards"][0]["findings"]}
    assert broken(document) == {"EMV-054", "EMV-108"}
    assert unseen["EMV-097"] == "not checked: without a profile nobody can tell"
    _, document = printed(capsys, "--reader", reader)
    unseen = {item["rule"]: item["actual"] for item in document["cards"][0]["findings"]}
    assert unseen["EMV-080"] == "not checked: without CA keys (--capk) nobody can recover it"


def test_a_pack_adds_rules_and_the_report_shows_every_rule(sold, capsys, tmp_path):
    reader, profile = sold
    pack = tmp_path / "house.toml"
    pack.write_text(PACK, encoding="utf-8")
    words = ("--reader", reader, *profile, "--rules", str(pack), "--report", str(tmp_path / "report"))
    code, document = printed(capsys, *words)
    assert (code, broken(document), document["packs"]) == (1, {"HOUSE-1"}, ["house 7"])
    page = (tmp_path / "report" / "validation.html").read_text(encoding="utf-8")
    assert all(f"EMV-{number:03}" in page for number in range(1, 113))
    assert "usage control is the house&#x27;s" in page
    results = [
        page.count(f"<td>{result}</td>") for result in ("holds", "broken (E)", "not checked", "nothing to judge")
    ]
    assert sum(results) == 113
    assert results[1:3] == [1, len({item["rule"] for item in document["cards"][0]["findings"]}) - 1]
    assert results[0] > results[3] > 0
    assert "9999990000000014" not in page
    assert "http" not in page.replace("http-equiv", "")


def test_a_dump_and_a_card_are_judged_together(sold, capsys, tmp_path):
    reader, profile = sold
    assert run(["dump", "--reader", reader, "--json"]) == 0
    dump = tmp_path / "card.json"
    dump.write_text(capsys.readouterr().out, encoding="utf-8")
    _, document = printed(capsys, "--reader", reader, "--dump", str(dump), *profile)
    assert [card["card"] for card in document["cards"]] == ["card.json", reader]
    assert broken(document, 0) <= {"EMV-038"}
    assert document["cards"][0]["sha256"] != document["cards"][1]["sha256"]


def test_what_people_read_names_the_broken_rules_and_what_they_mean(sold, capsys):
    reader, _ = sold
    capsys.readouterr()
    assert run(["payment", "validate", "--reader", reader]) == 1
    text = capsys.readouterr().out
    assert "EMV-108" in text
    assert "the card cannot be traced to its plant" in text


@pytest.mark.parametrize(
    "words",
    [(), ("--reader", "virtual:emv-cps", "--order", "pyproject.toml"), ("--reader", "virtual:emv-cps", "--keys", "x")],
)
def test_words_that_make_no_sense_are_usage_errors(words, capsys, monkeypatch):
    monkeypatch.chdir(PROFILES.parents[1])
    assert run(["payment", "validate", *words]) == 2
    assert "expected" in capsys.readouterr().err


def test_what_the_printer_got_is_compared(sold, capsys, tmp_path):
    reader, profile = sold
    file = tmp_path / "print.txt"
    fields = (
        "PAN=9999 9900 0000 0014",
        "THRU=11/29",
        "NAME=TEST/CARD ONE",
        "CVV2=xyz",
        "TRACK2=;9999990000000014=2912201?",
    )
    file.write_text("\n".join(fields), encoding="utf-8")
    code, document = printed(capsys, "--reader", reader, *profile, "--printed", str(file))
    assert (code, broken(document)) == (1, {"EMV-043", "EMV-044", "EMV-045"})
    file.write_text("PAN=9999 9900 0000 0022\n", encoding="utf-8")
    assert run(["payment", "validate", "--reader", reader, *profile, "--printed", str(file)]) == 4
    assert "0 of 1 cards may be this one" in capsys.readouterr().err

"""info, dump, apdu, diff, plan, personalize, verify: each as its user runs it, on virtual cards."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from cardkit.cli.app import run
from tests.unit.cli.conftest import ORDER, PROFILE

Json = Callable[..., Any]
MAKE = ("personalize", PROFILE, "--order", ORDER)


def make(record: int, reader: str, *more: str) -> int:
    return run([*MAKE, "--record", str(record), "--reader", reader, "--yes", *more])


def test_apdu_explains_what_it_sent_and_what_came_back(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["apdu", "--reader", "virtual:usim", "00 A4 00 04 02 3F00 00", "00A40004027FFE00"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "> 00A40004023F0000  SELECT"
    assert lines[1].endswith("9000  done")
    assert "  83 3F00" in "\n".join(lines)
    assert lines[-1].startswith("< 6A82  file or application not found")


def test_dump_shows_contents_and_no_secret(cardkit_json: Json) -> None:
    document = cardkit_json("dump", "--reader", "virtual:usim")
    files = {
        f"{directory['name']}/{file['name']}": file
        for directory in document["directories"]
        for file in directory["files"]
    }
    assert document["chip"] == "virtual-usim"
    assert files["ADF.USIM/EF.AD"]["value"]["mnc_length"] == 2
    assert files["ADF.USIM/EF.USIM_AUTH_KEY"].get("hidden") is True
    assert "body" not in files["ADF.USIM/EF.USIM_AUTH_KEY"]


def test_diff_finds_what_differs_and_masks_what_the_profile_varies(cardkit_json: Json) -> None:
    for record in (1, 2):
        assert make(record, f"virtual:usim@chips{record}") == 0
    for record in (1, 2):
        Path(f"{record}.json").write_text(json.dumps(cardkit_json("dump", "--reader", f"virtual:usim@chips{record}")))
    wheres = {item["where"] for item in cardkit_json("diff", "1.json", "2.json", code=1)}
    assert wheres == {"MF/EF.ICCID", "MF/EF.CHIP"}
    assert cardkit_json("diff", "1.json", "2.json", "--mask", PROFILE) == []
    assert cardkit_json("diff", "1.json", "virtual:usim@chips1") == []


def test_plan_prints_totals_within_the_bars_and_seconds_for_every_rate(cardkit_json: Json) -> None:
    document = cardkit_json("plan", PROFILE, "--order", ORDER, "--record", "1")
    totals = document["totals"]
    apdus = {phase: part["apdus"] for phase, part in totals.items()}
    assert list(totals) == ["fence", "write", "verify", "prove", "seal"]
    assert apdus["write"] <= 60
    assert apdus["write"] + apdus["verify"] <= 90
    assert apdus["fence"] + apdus["seal"] + apdus["prove"] <= 20
    assert all(set(part) == {"apdus", "bytes_in", "bytes_out"} for part in totals.values())
    assert list(document["seconds"]["T=1"]) == ["11", "94", "95", "96", "97"]
    assert document["seconds"]["T=0"]["97"] < document["seconds"]["T=0"]["11"]


def test_plan_refuses_a_reader_with_another_chip(capsys: pytest.CaptureFixture[str]) -> None:
    words = ["plan", PROFILE, "--order", ORDER, "--record", "1", "--reader"]
    assert run([*words, "virtual:usim"]) == 0
    assert run([*words, "virtual:sim2g"]) == 4
    assert "expected chip virtual-usim" in capsys.readouterr().err.splitlines()[-1]


def test_a_card_is_made_once_and_its_record_refused_on_a_second_chip(capsys: pytest.CaptureFixture[str]) -> None:
    assert make(1, "virtual:usim@chips") == 0
    assert capsys.readouterr().out.startswith("verdict         GOOD")
    assert make(1, "virtual:usim@others") == 4
    assert "record 1 is on chip" in capsys.readouterr().err


def test_nothing_is_written_without_yes_where_nobody_can_be_asked(capsys: pytest.CaptureFixture[str]) -> None:
    assert run([*MAKE, "--record", "1", "--reader", "virtual:usim@chips"]) == 2
    talk = capsys.readouterr()
    assert "card time T=1" in talk.out
    assert "expected --yes" in talk.err
    assert not Path("chips").exists()


def test_a_trace_masks_secrets_and_shows_structure(cardkit_json: Json) -> None:
    assert make(3, "virtual:usim", "--trace", "trace.jsonl") == 0
    header, *lines = [json.loads(line) for line in Path("trace.jsonl").read_text(encoding="utf-8").splitlines()]
    sent = [line["apdu"] for line in lines if line["dir"] == ">" and "apdu" in line]
    assert header["redaction"] == "rules"
    assert "0020000A08<8:ADM>" in sent
    assert "00D682000A989909010000000030F9" in sent  # EF.ICCID is public
    assert len(sent) == sum(part["apdus"] for part in plan_of(3, cardkit_json)["totals"].values())


def plan_of(record: int, cardkit_json: Json) -> Any:
    return cardkit_json("plan", PROFILE, "--order", ORDER, "--record", str(record))


def test_verify_finds_the_record_by_itself_and_names_a_wrong_one(cardkit_json: Json) -> None:
    assert make(4, "virtual:usim@chips") == 0
    words = ("verify", PROFILE, "--order", ORDER, "--reader", "virtual:usim@chips", "--record")
    found = cardkit_json(*words, "auto")
    assert (found["record"], found["verdict"]) == (4, "GOOD")
    wrong = cardkit_json(*words, "5", code=1)
    assert wrong["verdict"] == "BAD"
    assert "UICC-001" in {finding["rule"] for finding in wrong["findings"]}


def test_without_keys_nothing_is_called_good(cardkit_json: Json) -> None:
    assert make(6, "virtual:usim@chips") == 0
    words = ("verify", PROFILE, "--order", ORDER, "--reader", "virtual:usim@chips", "--record", "6", "--without-keys")
    found = cardkit_json(*words, code=1)
    assert found["verdict"] == "UNPROVEN"
    unproven = {finding["rule"] for finding in found["findings"] if finding["actual"].startswith("not checked")}
    assert "UICC-090" in unproven


def test_continuous_verification_ends_in_one_report(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["batch", "import", PROFILE, ORDER]) == 0
    assert run(["batch", "run", "order", "--reader", "virtual:usim@chips", "--limit", "3"]) == 0
    words = ["verify", PROFILE, "--order", ORDER, "--record", "auto", "--reader", "virtual:usim@chips"]
    capsys.readouterr()
    assert run([*words, "--continuous", "--json", "--report", "made"]) == 0
    talk = capsys.readouterr()
    assert sorted(json.loads(line)["record"] for line in talk.out.splitlines()) == [1, 2, 3]
    assert "3 cards verified, 3 good" in talk.err
    made = {path.name for path in Path("made").iterdir()}
    assert made == {"report.html", "junit.xml", "results.jsonl", "results.csv"}


def test_a_recorded_card_can_be_replayed(capsys: pytest.CaptureFixture[str]) -> None:
    """A trace is a card: the same commands get the same answers, another command is refused in one line."""
    Path("t.jsonl").write_text(
        '{"cardkit_trace": 1, "version": "0", "reader": "r", "atr": "3B00", "protocol": 1, "redaction": "none"}\n'
        '{"dir":">","apdu":"00A40004023F00"}\n{"dir":"<","apdu":"9000","sw":"9000","us":5}\n',
        encoding="utf-8",
    )
    assert run(["apdu", "--reader", "replay:t.jsonl", "00A40004023F00"]) == 0
    assert run(["apdu", "--reader", "replay:t.jsonl", "00A40004027F10"]) == 1
    assert capsys.readouterr().err.count("\n") == 1


def test_verify_tells_what_differs_from_a_golden_card(cardkit_json: Json) -> None:
    for record in (1, 2):
        assert make(record, f"virtual:usim@chips{record}") == 0
    golden = cardkit_json("dump", "--reader", "virtual:usim@chips1")
    Path("golden.json").write_text(json.dumps(golden))
    words = ("verify", PROFILE, "--order", ORDER, "--reader", "virtual:usim@chips2", "--record", "2", "--golden")
    assert [item for item in cardkit_json(*words, "golden.json")["findings"] if item["rule"] == "PERSO-004"] == []
    Path("golden.json").write_text(json.dumps({**golden, "atr": "3B00"}))
    found = cardkit_json(*words, "golden.json")
    assert [item["where"] for item in found["findings"] if item["rule"] == "PERSO-004"] == ["ATR"]
    assert found["verdict"] == "GOOD"

"""batch and profile: an order from import to close, and what goes wrong on the way."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from cardkit.cli.app import run
from cardkit.cli.batch import AGAINST_CLOSING
from cardkit.production.reconcile import CardCounts, Ledger, reconcile
from tests.unit.cli.conftest import ORDER, PROFILE, ROOT

Json = Callable[..., Any]


@pytest.fixture
def short_order(own_folder: Path) -> Path:
    """The first six cards of the test order."""
    lines = Path(ORDER).read_text(encoding="utf-8").splitlines(keepends=True)[:7]
    path = own_folder / "six.csv"
    path.write_text("".join(lines), encoding="utf-8")
    return path


def test_an_order_from_import_to_close(short_order: Path, cardkit_json: Json) -> None:
    imported = cardkit_json("batch", "import", PROFILE, str(short_order), "--name", "b1")
    assert imported == {"batch": "b1", "state": "OPEN", "rows": 6, "imported": 6, "quarantined": []}
    ran = cardkit_json("batch", "run", "b1", "--reader", "virtual:usim*2", "--report", "made")
    assert (ran["good"], ran["rejected"], ran["in_doubt"], ran["stopped"]) == (6, 0, 0, None)
    status = cardkit_json("batch", "status", "b1")
    assert (status["state"], status["records"]["GOOD"]) == ("OPEN", 6)
    assert cardkit_json("batch", "doubt", "b1") == []
    assert cardkit_json("batch", "check") == []
    rows = [json.loads(line) for line in Path("made/results.jsonl").read_text(encoding="utf-8").splitlines()]
    assert [row["verdict"] for row in rows] == ["GOOD"] * 6
    assert len({row["chip"] for row in rows}) == 6
    assert run(["batch", "report", "b1", "again"]) == 0
    assert Path("again/results.jsonl").read_bytes() == Path("made/results.jsonl").read_bytes()
    assert run(["batch", "close", "b1", "--issued", "7", "--good", "6", "--rejected", "0"]) == 1
    assert run(["batch", "close", "b1", "--issued", "6", "--good", "6", "--rejected", "0"]) == 0
    assert cardkit_json("batch", "status", "b1")["state"] == "CLOSED"


def test_a_bad_row_is_quarantined_with_its_line_and_the_rest_goes_on(
    short_order: Path, cardkit_json: Json, capsys: pytest.CaptureFixture[str]
) -> None:
    lines = short_order.read_text(encoding="utf-8").splitlines(keepends=True)
    lines[3] = lines[3].replace("8999901000000000039", "8999901000000000030")
    short_order.write_text("".join(lines), encoding="utf-8")
    imported = cardkit_json("batch", "import", PROFILE, str(short_order))
    assert (imported["rows"], imported["imported"]) == (6, 5)
    (bad,) = imported["quarantined"]
    assert (bad["line"], bad["field"], bad["code"]) == (4, "iccid", "CHECK_DIGIT")
    assert run(["batch", "run", "six", "--reader", "virtual:usim"]) == 0
    assert run(["batch", "close", "six"]) == 1
    assert "rows in quarantine" in capsys.readouterr().err
    assert run(["batch", "close", "six", "--quarantine", "returned to the customer"]) == 0


@pytest.mark.parametrize(
    ("change", "text"),
    [
        (lambda order: order, "imported before"),
        (lambda order: order + order.splitlines()[1] + "\n", "DUPLICATE|iccid"),
        (lambda order: order.replace("iccid,imsi", "iccid,imzi", 1), "imzi"),
        (lambda order: "", "empty"),
    ],
    ids=["seen before", "duplicate in file", "unknown column", "empty"],
)
def test_a_bad_file_imports_nothing_and_says_why_in_one_line(
    short_order: Path, capsys: pytest.CaptureFixture[str], change: Callable[[str], str], text: str
) -> None:
    assert run(["batch", "import", PROFILE, str(short_order), "--name", "first"]) == 0
    capsys.readouterr()
    changed = Path("changed.csv")
    changed.write_text(change(short_order.read_text(encoding="utf-8")), encoding="utf-8")
    code = run(["batch", "import", PROFILE, str(changed), "--name", "second"])
    talk = capsys.readouterr()
    assert code == 4, talk
    assert talk.err.count("\n") == 1
    assert any(part in talk.err for part in text.split("|")), talk.err


def test_run_again_makes_only_what_is_left(short_order: Path, cardkit_json: Json) -> None:
    cardkit_json("batch", "import", PROFILE, str(short_order), "--name", "b")
    first = cardkit_json("batch", "run", "b", "--reader", "virtual:usim", "--limit", "2")
    assert (first["good"], first["records"]["GOOD"], first["records"]["READY"]) == (2, 2, 4)
    second = cardkit_json("batch", "run", "b", "--reader", "virtual:usim")
    assert (second["good"], second["records"]["GOOD"]) == (4, 6)
    third = cardkit_json("batch", "run", "b", "--reader", "virtual:usim")
    assert third["good"] == 0


@pytest.mark.parametrize(
    ("words", "code", "text"),
    [
        (["batch", "run", "nothing", "--reader", "virtual:usim"], 4, "nothing"),
        (["batch", "run", "six", "--reader", "virtual:sim2g"], 1, ""),
        (["batch", "run", "six", "--reader", "virtual:usim*0"], 4, "virtual:usim*0"),
        (["batch", "run", "six", "--reader", "replay:no-such.jsonl"], 3, "no-such.jsonl"),
        (["batch", "status", "six", "--store", "postgresql://plant"], 4, "postgresql"),
        (["batch", "status", "six", "--store", "sqlite:///six.csv"], 4, "six.csv"),
    ],
)
def test_a_wrong_word_is_one_line(
    short_order: Path, capsys: pytest.CaptureFixture[str], words: list[str], code: int, text: str
) -> None:
    assert run(["batch", "import", PROFILE, str(short_order)]) == 0
    capsys.readouterr()
    assert run(words) == code
    talk = capsys.readouterr()
    assert text in talk.err
    assert "Traceback" not in talk.err


def test_every_reason_against_closing_has_words() -> None:
    """A ledger in which everything is wrong names each of them."""
    ledger = Ledger(
        {"imported": 9, "ready": 1, "in_doubt": 1, "rejected": 1, "lost": 1, "good": 1},
        undisposed=1,
        unsound=1,
        delivered=1,
        sampling=("SAMPLE_OPEN", "SAMPLE_REFUSED", "SAMPLE_BAD"),
        spent=1,
    )
    assert set(reconcile(CardCounts(issued=3, good=2), ledger).why) == set(AGAINST_CLOSING)


def test_profile_verbs(own_folder: Path, cardkit_json: Json, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["profile", "check", PROFILE]) == 0
    shown = cardkit_json("profile", "show", PROFILE)
    assert (shown["name"], shown["record"]["ki"]["class"]) == ("usim-test", "secret")
    assert run(["profile", "schema"]) == 0
    assert set(json.loads(capsys.readouterr().out)["properties"]) >= {"profile", "record", "layout"}
    shutil.copytree(ROOT / "profiles", own_folder / "profiles")
    mine = own_folder / "profiles/sim/usim-test"
    text = (mine / "profile.toml").read_text(encoding="utf-8")
    (mine / "profile.toml").write_text(text.replace('name = "Test Operator"', 'name = "Another"'), encoding="utf-8")
    changes = cardkit_json("profile", "diff", PROFILE, str(mine), code=1)
    assert [(change["left"], change["right"]) for change in changes] == [('"Test Operator"', '"Another"')]
    (mine / "profile.toml").write_text(text.replace("mnc_length = 2", "mnc_lenght = 2", 1), encoding="utf-8")
    capsys.readouterr()
    assert run(["profile", "check", str(mine)]) == 4
    talk = capsys.readouterr()
    assert "profile.toml" in talk.err
    assert "mnc_lenght" in talk.err
    assert talk.err.count("\n") == 1


def test_a_held_batch_makes_no_card_until_it_goes_on(capsys) -> None:
    assert run(["batch", "import", PROFILE, ORDER, "--name", "b"]) == 0
    assert run(["batch", "hold", "b", "--reason", "QA looks"]) == 0
    assert run(["batch", "run", "b", "--reader", "virtual:usim", "--limit", "1"]) == 4
    capsys.readouterr()
    assert run(["batch", "status", "b"]) == 0
    assert "HELD (QA looks)" in capsys.readouterr().out
    assert run(["batch", "run", "b", "--reader", "virtual:usim", "--limit", "1", "--unhold", "QA has looked"]) == 0

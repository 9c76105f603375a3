"""``cardkit payment store``: bare STORE DATA, as simulators and sample cards take it.

The recorded card answers as an independent Java Card applet with CPS groupings did in jCardSim behind pcscd and vpcd:
9000 to every block, 6985 once the personalization is closed.
"""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from cardkit.cli.app import run

AID = "F0434B49540101"
GROUPINGS = "# two records and a PIN\nDGI0101=7003 5F2D 00\nDGI0201=7003 9F08 00\nDGI8010=1234\n"
HEADER = {"cardkit_trace": 1, "version": "0", "reader": "r", "atr": "3B80800101", "protocol": 1, "redaction": "none"}
SELECT = f"00A4040007{AID}00"
WHOLE = "80E28800150101057003 5F2D00 0201 05 7003 9F0800 8010 02 1234".replace(" ", "")


def recorded(path: Path, *exchanges: tuple[str, str]) -> str:
    lines = [HEADER]
    for command, answer in exchanges:
        lines += [{"dir": ">", "apdu": command}, {"dir": "<", "apdu": answer, "sw": answer[-4:], "us": 5}]
    path.write_text("".join(json.dumps(line) + "\n" for line in lines), encoding="utf-8")
    return f"replay:{path}"


@pytest.fixture
def groupings(tmp_path: Path) -> str:
    path = tmp_path / "card.dgi"
    path.write_text(GROUPINGS, encoding="utf-8")
    return str(path)


def test_groupings_go_in_clear_and_close_the_application(tmp_path, groupings, capsys):
    reader = recorded(tmp_path / "t.jsonl", (SELECT, "9000"), (WHOLE, "9000"))

    assert run(["payment", "store", AID, "--dgi", groupings, "--reader", reader, "--yes", "--json"]) == 0

    said = capsys.readouterr()
    assert json.loads(said.out)["blocks"] == [{"p1": "88", "bytes": 21}]
    assert "21 bytes in clear, P1 88 P2 00" in said.err


def test_one_grouping_a_command_and_not_closed(tmp_path, groupings):
    reader = recorded(
        tmp_path / "t.jsonl",
        (SELECT, "9000"),
        ("80E2080008" + "01010570035F2D00", "9000"),
        ("80E2080108" + "02010570039F0800", "9000"),
        ("80E2080205" + "8010021234", "9000"),
    )
    words = ["payment", "store", AID, "--dgi", groupings, "--reader", reader, "--yes"]
    assert run([*words, "--packing", "single", "--open"]) == 0


def test_p1_is_what_the_applet_wants(tmp_path, groupings):
    reader = recorded(tmp_path / "t.jsonl", (SELECT, "9000"), (WHOLE.replace("80E288", "80E280"), "9000"))
    assert run(["payment", "store", AID, "--dgi", groupings, "--reader", reader, "--yes", "--p1", "last=80"]) == 0


def test_a_closed_application_says_so_in_one_line(tmp_path, groupings, capsys):
    reader = recorded(tmp_path / "t.jsonl", (SELECT, "9000"), (WHOLE, "6985"))
    assert run(["payment", "store", AID, "--dgi", groupings, "--reader", reader, "--yes"]) == 1
    assert capsys.readouterr().err.splitlines()[-1].startswith("error: STORE DATA 1 of 1 (P1 88): card answered 6985")


def test_nothing_is_written_unasked(tmp_path, groupings, capsys):
    reader = recorded(tmp_path / "t.jsonl", (SELECT, "9000"))
    assert run(["payment", "store", AID, "--dgi", groupings, "--reader", reader]) == 2
    assert "expected --yes" in capsys.readouterr().err


def test_our_own_card_wants_a_channel(tmp_path, groupings, capsys):
    reader = f"virtual:emv-cps@{tmp_path / 'chip'}"
    assert run(["payment", "store", "A000000151000000", "--dgi", groupings, "--reader", reader, "--yes"]) == 1
    assert "STORE DATA 1 of 1" in capsys.readouterr().err

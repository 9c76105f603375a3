"""Files that are not what a verb wants: one line that names the file and what is wrong, exit code 4."""

from __future__ import annotations

from pathlib import Path

import pytest

from cardkit.cli.app import run

PACKAGE = Path(__file__).parents[2] / "vectors/saip/cardkit-test.der"
TRACK = "5713999999000000001 4D2912201"


@pytest.fixture
def wrong(tmp_path: Path) -> Path:
    (tmp_path / "empty").touch()
    (tmp_path / "folder").mkdir()
    (tmp_path / "binary").write_bytes(bytes(range(255, 90, -1)))
    (tmp_path / "cut").write_bytes(PACKAGE.read_bytes()[:700])
    return tmp_path


@pytest.mark.parametrize(
    ("words", "text"),
    [
        (["payment", "decode", "{0}/empty"], "/empty: empty, expected hex digits or TLV"),
        (["payment", "decode", "{0}/folder"], "/folder: Is a directory"),
        (["payment", "decode", "{0}/missing"], "no such file, and no hex"),
        (["payment", "decode", "{0}/cut"], "tag B0 announces 894 bytes, 547 are there"),
        (
            ["payment", "transaction", "--reader", "virtual:emv-cps", "--capk", "{0}/binary"],
            "/binary: byte 0 is not UTF-8",
        ),
        (
            ["payment", "transaction", "--reader", "virtual:emv-cps", "--answer", "\u0665\u0660"],
            "expected two characters",
        ),
        (
            ["payment", "validate", "--reader", "virtual:emv-cps", "--rules", "{0}/binary"],
            "/binary: byte 0 is not UTF-8",
        ),
        (["check", "{0}/missing"], "/missing: no such file, and no reader"),
        (["check", "{0}/binary"], "/binary: JSON is malformed"),
        (["saip", "show", "{0}/cut"], "/cut: TLV object at byte 149"),
        (["saip", "show", "{0}/empty"], "/empty: profile package: got nothing"),
        (["saip", "image", str(PACKAGE), "--out", "{0}/no/image.toml"], "/no/image.toml: No such file or directory"),
    ],
)
def test_a_wrong_file_is_one_line(words, text, wrong, capsys):
    assert run([word.format(wrong) for word in words]) == 4
    talk = capsys.readouterr()
    assert talk.out == ""
    assert talk.err.count("\n") == 1
    assert text in talk.err


def test_a_track_typed_wrong_is_not_repeated(capsys):
    assert run(["payment", "decode", TRACK]) == 4
    assert "99999900000000" not in capsys.readouterr().err

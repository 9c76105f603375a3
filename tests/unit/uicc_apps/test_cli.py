"""What the verbs of one card say when it is the wrong card, or no card at all."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from cardkit.cli.app import run

PRODUCT = Path(__file__).parents[3] / "profiles" / "sim" / "usim-isim-5g-gp-test"
JOB = (str(PRODUCT), "--order", str(PRODUCT / "order.csv"), "--record", "1")


Said = Callable[..., tuple[int, str]]


@pytest.fixture
def said(capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Said:
    """Run a verb in an empty folder; return its exit code and all it printed."""
    monkeypatch.chdir(tmp_path)

    def call(*words: str) -> tuple[int, str]:
        code = run(list(words))
        told = capsys.readouterr()
        return code, told.out + told.err

    return call


def test_another_chip_is_named_and_nothing_else(said):
    code, text = said("personalize", *JOB, "--reader", "virtual:usim", "--yes")
    assert code == 1
    assert "CARD_TYPE (before the first command): ATR 3B9F968091FE1FC78031A073BE21136743565531000001C7" in text
    assert "chip_id" not in text


def test_a_card_of_a_security_domain_is_made_and_verified(said, tmp_path):
    reader = f"virtual:usim-isim-5g-gp@{tmp_path / 'chips'}"
    code, text = said("personalize", *JOB, "--reader", reader, "--yes", "--work", str(tmp_path / "work"))
    assert (code, "GOOD" in text) == (0, True)
    assert said("verify", *JOB, "--reader", reader)[0] == 0


def test_a_name_that_is_neither_file_nor_reader_is_told_so(said):
    code, text = said("diff", "no-such-dump.json", "virtual:usim")
    assert (code, text.strip()) == (
        4,
        "error: no-such-dump.json: no such file, and no reader, expected a dump, virtual:IMAGE or pcsc:INDEX",
    )

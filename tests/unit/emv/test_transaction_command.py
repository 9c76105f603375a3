"""``cardkit payment transaction`` against personalized virtual cards, and info, dump and diff of them."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from cardkit.cli.app import run

PROFILE = "payment/emv-dual-fdda"
PAN = "9999990000000014"
HIDDEN = "999999******0014"
PIN = "1234"


@pytest.fixture(scope="module")
def personalized(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with one finished card: made once."""
    folder = tmp_path_factory.mktemp("chips") / "card"
    order = Path(__file__).parents[3] / "profiles" / PROFILE / "order.csv"
    made = ["--order", str(order), "--record", "1", "--reader", f"virtual:emv-cps@{folder}", "--yes"]
    made += ["--work", str(folder.parent / "work")]
    assert run(["personalize", PROFILE, *made]) == 0
    return folder


@pytest.fixture
def card(personalized: Path, tmp_path: Path) -> str:
    """Return a target with a copy of that card."""
    shutil.copytree(personalized, tmp_path / "card")
    return f"virtual:emv-cps@{tmp_path / 'card'}"


@pytest.fixture
def pin() -> Iterator[Callable[[str], list[str]]]:
    """Return the options that hand over a PIN by a file descriptor."""
    opened: list[int] = []

    def options(digits: str) -> list[str]:
        reading, writing = os.pipe()
        os.write(writing, digits.encode() + b"\n")
        os.close(writing)
        opened.append(reading)
        return ["--pin", "--passphrase-fd", str(reading)]

    yield options
    for descriptor in opened:
        os.close(descriptor)


def transact(card: str, *more: str) -> int:
    return run(["payment", "transaction", "--reader", card, "--profile", PROFILE, *more])


def told(capsys: pytest.CaptureFixture[str]) -> dict:
    return json.loads(capsys.readouterr().out)


def test_transactions_of_a_new_card(card: str, pin, capsys: pytest.CaptureFixture[str]) -> None:
    # New, it goes online; then the issuer is known and it may approve by itself; the issuer's keys agree each time.
    assert transact(card, "--json", *pin(PIN)) == 0
    online = told(capsys)
    assert online["outcome"] == "approved online"
    assert (online["first_cryptogram"], online["second_cryptogram"]) == ("ARQC", "TC")
    assert online["tvr"]["value"] == "0008008000"
    assert online["cvm_results"]["value"] == "440302"
    texts = [step["text"] for step in online["steps"]]
    assert "signature with the cryptogram is right (CDA)" in texts
    assert "issuer: cryptogram right (ccd A5, option A)" in texts
    assert "the TC is right by the issuer's keys" in texts
    assert not [step for step in online["steps"] if step["mark"] == "problem"]

    assert transact(card, "--json", "--floor-limit", "5000", *pin(PIN)) == 0
    offline = told(capsys)
    assert offline["outcome"] == "approved offline"
    assert offline["tvr"]["value"] == "0000000000"
    assert offline["atc"] == online["atc"] + 1
    assert "the TC is right by the issuer's keys" in [step["text"] for step in offline["steps"]]

    assert transact(card, "--json", "--contactless", "--floor-limit", "5000", "--cvm-limit", "5000") == 0
    air = told(capsys)
    assert (air["outcome"], air["interface"], air["pan"]) == ("approved offline", "contactless", HIDDEN)
    assert air["atc"] == offline["atc"] + 1


def test_text_says_the_clauses_and_hides_the_holder(card: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert transact(card, "--no-pin") == 0
    text = capsys.readouterr().out
    assert "Book 3 10.7" in text
    assert "approved online" in text
    assert HIDDEN in text
    assert PAN not in text


def test_wrong_pin_and_refusing_issuer(card: str, pin, capsys: pytest.CaptureFixture[str]) -> None:
    assert transact(card, "--answer", "05", *pin("9999")) == 1
    text = capsys.readouterr().out
    assert "the card refuses the PIN, 2 tries left" in text
    assert "declined online" in text
    assert "9999\n" not in text


def test_without_a_line_the_card_decides(card: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert transact(card, "--offline", "--json") == 1
    done = told(capsys)
    assert done["outcome"] == "declined offline"
    assert "the AAC is right by the issuer's keys" in [step["text"] for step in done["steps"]]


def test_foreign_card_without_keys(card: str, capsys: pytest.CaptureFixture[str]) -> None:
    # As with another maker's card: no CA key, no master key; the issuer says what we tell it to.
    assert run(["payment", "transaction", "--reader", card, "--answer", "00", "--json"]) == 0
    done = told(capsys)
    assert done["tvr"]["value"][:2] == "04"
    texts = [step["text"] for step in done["steps"]]
    assert "the terminal has no CA public key F0434B4954 92" in texts
    assert "issuer: no key is known: the cryptogram is not looked at" in texts


def test_ca_keys_from_a_file(card: str, capsys: pytest.CaptureFixture[str]) -> None:
    capk = Path(__file__).parents[3] / "profiles" / PROFILE / "authorities.capk"
    run(["payment", "transaction", "--reader", card, "--capk", str(capk), "--offline", "--json"])
    texts = [step["text"] for step in told(capsys)["steps"]]
    assert any(text.startswith("ICC certificate is right") for text in texts)


def test_expired_on_a_later_day(card: str, capsys: pytest.CaptureFixture[str]) -> None:
    transact(card, "--date", "2031-01-01", "--json")
    done = told(capsys)
    assert "2.7 expired application" in done["tvr"]["words"]
    assert "1.3 CDA failed" in done["tvr"]["words"]


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--answer", "0"], "expected two characters"),
        (["--profile", "sim/usim-test"], "no payment card"),
        (["--aid", "00"], "expected 5 to 16"),
        (["--capk", __file__], "test_transaction_command.py"),
    ],
)
def test_wrong_options(options: list[str], said: str, card: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["payment", "transaction", "--reader", card, *options]) == 4
    assert said in capsys.readouterr().err


def test_card_that_is_none_is_terminated(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["payment", "transaction", "--reader", "virtual:usim"]) == 1
    assert "no application that card and terminal have in common" in capsys.readouterr().out


def test_info_says_nothing_of_the_holder(card: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["info", "--reader", card]) == 0
    text = capsys.readouterr().out
    assert "payment card" in text
    assert "NEUTRAL TEST" in text
    assert "9999" not in text


def test_dump_decodes_and_diff_compares(card: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["dump", "--reader", card, "--json"]) == 0
    text = capsys.readouterr().out
    assert PAN not in text
    assert json.loads(text)["class"] == "payment"
    golden = tmp_path / "golden.json"
    golden.write_text(text)
    assert transact(card, "--no-pin") == 0
    capsys.readouterr()
    assert run(["diff", str(golden), card]) == 1
    assert "F0434B49540101 9F36" in capsys.readouterr().out
    run(["diff", str(golden), card, "--mask", PROFILE])
    assert "F0434B49540101" not in capsys.readouterr().out

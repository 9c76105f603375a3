"""``cardkit payment transaction --script``: what an issuer does to a finished virtual card."""

import json
import os
import shutil
from pathlib import Path

import pytest

from cardkit.cli.app import run

PROFILE = "payment/emv-contact-cda"


@pytest.fixture(scope="module")
def personalized(tmp_path_factory):
    folder = tmp_path_factory.mktemp("chips") / "card"
    order = Path(__file__).parents[3] / "profiles" / PROFILE / "order.csv"
    made = ["--order", str(order), "--record", "1", "--reader", f"virtual:emv-cps@{folder}", "--yes"]
    assert run(["personalize", PROFILE, *made, "--work", str(folder.parent / "work")]) == 0
    return folder


@pytest.fixture
def transact(personalized, tmp_path, capsys):
    """Take a copy of the card through a transaction; return exit code, what was told, and the errors."""
    shutil.copytree(personalized, tmp_path / "card")
    capsys.readouterr()

    def call(*more, secrets=(), profile=PROFILE):
        ours, theirs = os.pipe()
        os.write(theirs, "".join(f"{line}\n" for line in secrets).encode())
        os.close(theirs)
        words = ["payment", "transaction", "--reader", f"virtual:emv-cps@{tmp_path / 'card'}", "--json"]
        words += ["--passphrase-fd", str(ours), *(["--profile", profile] if profile else [])]
        try:
            code = run([*words, *more])
        finally:
            os.close(ours)
        shown = capsys.readouterr()
        return code, json.loads(shown.out) if shown.out else None, shown.err

    return call


def texts(told):
    return [step["text"] for step in told["steps"]]


def test_new_pin_counts_from_then_on(transact):
    code, told, _ = transact("--pin", "--script", "pin-change", "--yes", secrets=("1234", "567890"))
    assert code == 0
    assert "script command 1 (84240002): card answered 9000" in texts(told)

    _, old, _ = transact("--pin", secrets=("1234",))
    assert "the card refuses the PIN, 2 tries left" in texts(old)
    code, new, _ = transact("--pin", secrets=("567890",))
    assert (code, new["cvm_results"]["value"]) == (0, "440302")


def test_blocked_pin_is_unblocked(transact):
    for _ in range(3):
        transact("--pin", secrets=("9999",))
    _, told, _ = transact("--pin", secrets=("1234",))
    assert told["cvm_results"]["value"] != "440302"
    assert transact("--script", "pin-unblock", "--yes", "--online")[0] == 0
    code, told, _ = transact("--pin", secrets=("1234",))
    assert (code, told["cvm_results"]["value"]) == (0, "440302")


def test_application_and_card_are_blocked(transact):
    code, told, _ = transact("--script", "application-block", "--yes")
    assert code == 0
    assert "script command 1 (841E0000): card answered 9000" in texts(told)
    code, told, _ = transact()
    assert code == 1


def test_data_are_put_and_records_updated(transact):
    code, told, _ = transact("--script", "put-data:9F58=07", "--script", "update-record:1/1=7000", "--yes")

    assert code == 0
    assert "script command 1 (04DA9F58): card answered 9000" in texts(told)
    assert "script command 2 (04DC010C): card answered 9000" in texts(told)


@pytest.mark.parametrize(("words", "code", "message"), [
    (["--script", "card-block"], 2, "expected --yes"), (["--script", "eject", "--yes"], 2, "'eject': expected"),
    (["--script", "put-data:9F=00", "--yes"], 2, "expected application-block"),
    (["--script", "update-record:31/1=7000", "--yes"], 4, "record 1 of SFI 31"),
])  # fmt: skip
def test_script_that_is_none(transact, words, code, message):
    got, told, err = transact(*words)

    assert (got, told) == (code, None)
    assert message in err


def test_scripts_need_an_issuer_with_keys(transact):
    code, _, err = transact("--script", "pin-unblock", "--yes", "--answer", "00", profile="")

    assert code == 4
    assert "scripts carry MACs by an issuer's keys" in err

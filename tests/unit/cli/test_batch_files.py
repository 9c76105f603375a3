"""batch import and batch output: the operators' order in sections, and what goes back to them."""

from __future__ import annotations

import re
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from cardkit.cli.app import run
from cardkit.crypto import Key, MemoryKeyStore, Usage
from cardkit.production import load_template
from cardkit.profile import RecordSchema, load_profile
from cardkit.profile.order import parse_order
from tests.unit.cli.conftest import ROOT

Json = Callable[..., Any]
KEY = bytes(range(0x40, 0x50))
KEYS = """
[output]
transport_key-3 = { usage = "transport-out", algorithm = "AES-128", hex = "404142434445464748494A4B4C4D4E4F" }
"""
ORDER = """*HEADER DESCRIPTION
Customer: Test Operator
Quantity: 2
Type: plug-in
Profile: usim
Batch: 00233
Transport_key: 3
*INPUT VARIABLES
Var_In List:
Ser_nb: 899990100000000001
IMSI: 001010000000001
MSISDN: 99901000001
*OUTPUT VARIABLES
Var_Out: ICCID/IMSI/PIN1/PUK1/PIN2/PUK2/ADM1/KI/OPC
"""


@pytest.fixture
def product(own_folder: Path) -> Path:
    """The test USIM for an operator who leaves every secret to the plant."""
    shutil.copytree(ROOT / "profiles", own_folder / "profiles")
    folder = own_folder / "profiles/sim/usim-test"
    text = (folder / "profile.toml").read_text(encoding="utf-8")
    start, end = text.index("[layout]"), text.index("[uicc.network]")
    text = 'layout = "sim-var-in"\n' + text[:start] + text[end:]
    text = text.replace('transport = "" }', 'make = "random" }')
    text = re.sub(r'min = \d, (max = \d, class = "secret")', r'make = "random", min = 8, \1', text)
    text = text.replace('bytes = 8, class = "secret"', 'bytes = 8, class = "secret", make = "random"')
    (folder / "profile.toml").write_text(text, encoding="utf-8")
    with (folder / "test-keys.toml").open("a", encoding="utf-8") as file:
        file.write(KEYS)
    (own_folder / "lot.txt").write_text(ORDER, encoding="ascii")
    return folder


def test_first_values_become_cards_and_their_secrets_go_back_wrapped(
    product: Path, cardkit_json: Json, capsys: pytest.CaptureFixture[str]
) -> None:
    assert cardkit_json("batch", "import", str(product), "lot.txt")["imported"] == 2
    assert run(["batch", "output", "lot", "--template", "sim-var-out", "--out", "back.txt"]) == 4
    assert "2 records are not at their end yet" in capsys.readouterr().err
    assert cardkit_json("batch", "run", "lot", "--reader", "virtual:usim")["good"] == 2
    written = cardkit_json("batch", "output", "lot", "--template", "sim-var-out", "--out", "back.txt")
    assert (written["rows"], written["left"], written["states"]) == (2, 0, {"GOOD": 2})

    template = load_template(load_profile(product), "sim-var-out")
    operator = MemoryKeyStore({"order:transport_key-3": Key(KEY, "k", "AES-128", Usage.TRANSPORT_IN)})
    order = parse_order(template.layout, RecordSchema(template.rules), Path("back.txt").read_bytes(), operator)
    assert order.header["customer"] == "Test Operator"
    assert [(record["iccid"], record["imsi"]) for record in order.records] == [
        ("8999901000000000013", "001010000000001"),
        ("8999901000000000021", "001010000000002"),
    ]
    assert len({repr(record["ki"]) for record in order.records}) == 2


def test_values_left_to_the_plant_are_not_made_for_a_single_card(
    product: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["plan", str(product), "--order", "lot.txt", "--record", "1"]
    assert run(words) == 4
    assert "leaves ki to the plant: a batch import makes it, and keeps it" in capsys.readouterr().err


def test_refused_rows_are_named_and_listed_beside_the_order(
    own_folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    lines = (ROOT / "profiles/sim/usim-test/order.csv").read_text(encoding="utf-8").splitlines(keepends=True)[:4]
    (own_folder / "six.csv").write_text("".join([*lines, "1,2\n"]), encoding="utf-8")
    assert run(["batch", "import", "sim/usim-test", "six.csv"]) == 0
    assert "refused rows: six.csv.quarantine.csv" in capsys.readouterr().err
    assert "4,5,(row),FIELD_COUNT" in Path("six.csv.quarantine.csv").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("words", "text"),
    [
        (["--template", "sim-csv", "--out", "o"], 'layout.direction is "in"'),
        (["--template", "sim-none", "--out", "o"], "sim-none"),
        (["--template", "none.toml", "--out", "o"], "none.toml: cannot be read"),
        (["--template", "sim-out-csv", "--out", "o", "--partial"], "key output:k4: not in this key store"),
        (["--template", "sim-var-out", "--out", "no/where", "--partial"], "no/where"),
    ],
)
def test_what_cannot_be_written_is_one_line(capsys: pytest.CaptureFixture[str], words: list[str], text: str) -> None:
    order = str(ROOT / "profiles/sim/usim-test/order.csv")
    assert run(["batch", "import", "sim/usim-test", order, "--name", "b"]) == 0
    capsys.readouterr()
    assert run(["batch", "output", "b", *words]) == 4
    talk = capsys.readouterr().err
    assert text in talk
    assert talk.count("\n") == 1


def test_a_file_is_not_encrypted_without_a_signature(own_folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    words = ["batch", "output", "b", "--template", "sim-out-csv", "--out", "o"]
    assert run([*words, "--recipient", "A" * 40]) == 2
    assert "--recipient and --signer belong together" in capsys.readouterr().err
    assert run([*words, "--recipient", "customer@example.test", "--signer", "A" * 40]) == 4
    assert "recipient: expected a full fingerprint" in capsys.readouterr().err

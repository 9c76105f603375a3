"""Our own products, personalized by the command line, in front of the border reader."""

import json
import shutil
from pathlib import Path

import pytest

from cardkit.cli.app import run

PROFILES = Path(__file__).parents[3] / "profiles" / "id"
BOTH = ["chip authentication", "active authentication"]
PRODUCTS = [
    ("emrtd-td3", "emrtd-native", ("--mrz", "UT4821907,740812,360131"), ["PACE", *BOTH]),
    ("emrtd-td3", "emrtd-native", ("--can", "204816"), ["PACE", *BOTH]),
    ("residence-permit-td1", "emrtd-applet", ("--can", "204817"), ["PACE", "chip authentication"]),
    ("emrtd-td3-2006", "emrtd-2006", ("--mrz", "UT4821907,740812,360131"), ["BAC", *BOTH]),
]  # fmt: skip


@pytest.mark.parametrize(("product", "image", "password", "proofs"), PRODUCTS, ids=lambda value: str(value)[:24])
def test_a_product_is_read_and_breaks_no_rule(
    product: str,
    image: str,
    password: tuple[str, str],
    proofs: list[str],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    profile = PROFILES / product
    reader = f"virtual:{image}@{tmp_path / 'chip'}"
    order = ("--order", str(profile / "order.csv"), "--record", "1", "--work", str(tmp_path / "work"), "--yes")
    assert run(["personalize", str(profile), "--reader", reader, *order]) == 0
    trust = tmp_path / "trust"
    trust.mkdir()
    shutil.copy(profile / "csca.cer", trust)
    capsys.readouterr()
    assert run(["id", "read", "--reader", reader, *password, "--trust", str(trust), "--json"]) == 0
    shown = json.loads(capsys.readouterr().out)
    assert [step["name"] for step in shown["steps"] if step["mark"] == "done"] == proofs
    assert {finding["rule"] for finding in shown["findings"]} == {"EMRTD-076"}  # no CRL was given
    assert shown["verdict"] == "not proven"
    assert shown["trust"] == []

"""An order from its approval to the customer's signed file, by the command line, with the real gpg."""

from __future__ import annotations

import hashlib
import json
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from cardkit.cli.app import cardkit
from cardkit.production import open_store
from cardkit.profile import load_profile
from tests.interop.gpgring import Ring, two_rings

pytestmark = [
    pytest.mark.skipif(shutil.which("gpg") is None, reason="gpg is not installed"),
    pytest.mark.skipif(sys.platform != "linux", reason="plaintext is kept in a memfd, which Linux has"),
]

ROWS = 3
PROFILE = "sim/usim-test"
TEMPLATE = """
[layout]
direction = "out"
kind = "delimited"
encoding = "utf-8"
sep = ";"
header = "none"
fields = [{ name = "iccid", at = 1 }, { name = "status", at = 2 }]
trailer = { prefix = "T", fields = ["count", "total"] }
totals = { count = "trailer.count", hash = { field = "iccid", of = "trailer.total" } }
"""


@pytest.fixture(scope="module")
def rings() -> Iterator[tuple[Ring, Ring, str, str]]:
    with two_rings() as made:
        yield made


class Desk:
    def __init__(self, folder: Path, gpg_home: Path) -> None:
        self.folder = folder
        self.gpg_home = gpg_home

    def __call__(self, *words: str, operator: str = "ana") -> Result:
        store = ["--store", f"sqlite:///{self.folder / 'a.db'}", "--operator", operator]
        return CliRunner().invoke(cardkit, [*words, *store], catch_exceptions=False, standalone_mode=False)


@pytest.mark.requirement("D1")
@pytest.mark.requirement("D6")
def test_from_a_signed_order_to_a_signed_answer(rings: tuple[Ring, Ring, str, str], tmp_path: Path) -> None:
    plant, customer, ours, theirs = rings
    desk = Desk(tmp_path, plant.folder)
    text = (load_profile(PROFILE).path.parent / "order.csv").read_text(encoding="utf-8")
    clear = "".join(text.splitlines(keepends=True)[: ROWS + 1]).encode()
    order = tmp_path / "lot-7.csv.gpg"
    order.write_bytes(customer.run("--sign", "-u", theirs, "--encrypt", "-r", ours, given=clear))
    (tmp_path / "t.toml").write_text(TEMPLATE, encoding="utf-8")
    terms = ["--customer", "Test Operator", "--profile", PROFILE, "--quantity", "5", "--due", "2031-06-01"]
    keys = ["--sender", theirs, "--recipient", theirs, "--signer", ours]
    home = ["--gpg-home", str(plant.folder)]

    desk("order", "create", "PO-1", *terms, *keys)
    desk("order", "approve", "PO-1", operator="bek")
    desk("batch", "import", PROFILE, str(order), "--order", "PO-1", *home)
    desk("batch", "run", "lot-7", "--reader", "virtual:usim*2", "--seed", "1")
    done = desk(
        "order", "export", "PO-1", "--template", str(tmp_path / "t.toml"), "--out", str(tmp_path / "out"), *home
    )
    standing = json.loads(desk("order", "status", "PO-1", "--json").stdout)

    assert (standing["state"], standing["good"], standing["batches"]) == ("OPEN", ROWS, {"lot-7": "OPEN"})
    plain = customer.run("--decrypt", given=(tmp_path / "out" / "lot-7.out.gpg").read_bytes()).decode()
    iccids = [line.partition(",")[0] for line in clear.decode().splitlines()[1:]]
    total = sum(int(iccid[-9:]) for iccid in iccids)
    assert plain.splitlines() == [*(f"{iccid};GOOD" for iccid in iccids), f"T;{ROWS};{total}"]
    assert str(total) in done.stdout
    verified = subprocess.run(
        ["gpg", "--homedir", str(customer.folder), "--batch", "--status-fd", "1", "--decrypt", "-o", "/dev/null"],
        input=(tmp_path / "out" / "lot-7.out.gpg").read_bytes(), capture_output=True, check=False,
    ).stdout.decode()  # fmt: skip
    assert f"VALIDSIG {ours}" in verified


@pytest.mark.requirement("D1")
@pytest.mark.parametrize(("name", "code"), [("clear.csv", "NOT_ENCRYPTED"), ("unsigned.csv.gpg", "UNSIGNED")])
def test_a_file_its_customer_has_not_signed_is_refused_and_noted(
    rings: tuple[Ring, Ring, str, str], tmp_path: Path, name: str, code: str
) -> None:
    plant, customer, ours, theirs = rings
    desk = Desk(tmp_path, plant.folder)
    clear = (load_profile(PROFILE).path.parent / "order.csv").read_bytes()
    sealed = customer.run("--encrypt", "-r", ours, given=clear)
    (tmp_path / name).write_bytes(clear if name == "clear.csv" else sealed)
    desk("order", "create", "PO-1", "--customer", "C", "--profile", PROFILE, "--quantity", "500", "--sender", theirs)
    desk("order", "approve", "PO-1", operator="bek")
    words = ["batch", "import", PROFILE, str(tmp_path / name), "--order", "PO-1", "--gpg-home", str(plant.folder)]
    refused = subprocess.run(
        [sys.executable, "-m", "cardkit", *words, "--store", f"sqlite:///{tmp_path / 'a.db'}", "--operator", "ana"],
        capture_output=True, text=True, check=False,
    )  # fmt: skip

    assert refused.returncode == 4
    assert f": {code}: " in refused.stderr
    standing = json.loads(desk("order", "status", "PO-1", "--json").stdout)
    assert (standing["state"], standing["imported"]) == ("APPROVED", 0)
    with open_store(f"sqlite:///{tmp_path / 'a.db'}", operator="ana") as store:
        events = [json.loads(link.event) for link in store.audit_events("office")]
    digest = hashlib.sha256((tmp_path / name).read_bytes()).hexdigest()
    noted = [event["data"] for event in events if event["event"] == "FILE_REFUSED"]
    assert noted == [{"code": code, "file": name, "sha256": digest}]

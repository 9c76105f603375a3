"""A personalized payment card in the real PC/SC stack: whole transactions by T=0 and T=1, as at a till."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from cardkit.cli.app import run
from tests.interop.conftest import Slots
from tests.interop.stack import Stack

pytestmark = pytest.mark.interop

PROFILES = Path(__file__).parents[2] / "profiles"
T0_ATR, T1_ATR = "3B6500002063CB6800", "3BE900008131FE45434B49542D454D5631B5"


def profile_for(image: str, folder: Path) -> Path:
    """Copy the profile, with the chip model of the image: the same card, another protocol."""
    copied = folder / "profile"
    shutil.copytree(PROFILES / "payment" / "emv-contact-cda", copied)
    chip = (PROFILES / "chips" / "virtual-emv.toml").read_text(encoding="utf-8")
    if image == "emv-cps-t0":
        chip = chip.replace("F" * len(T1_ATR), "F" * len(T0_ATR)).replace(T1_ATR, T0_ATR).replace('"T=1"', '"T=0"')
    (copied / "chips").mkdir()
    (copied / "chips" / "virtual-emv.toml").write_text(chip, encoding="utf-8")
    return copied


@pytest.fixture(params=["emv-cps", "emv-cps-t0"])
def reader(request: pytest.FixtureRequest, stack: Stack, tmp_path: Path) -> Iterator[tuple[str, Path]]:
    """Personalize a card, put it into reader 0, and return the reader's name and the profile."""
    profile, chips = profile_for(request.param, tmp_path), tmp_path / "chips"
    made = ["--order", str(profile / "order.csv"), "--record", "1", "--work", str(tmp_path / "work"), "--yes"]
    assert run(["personalize", str(profile), "--reader", f"virtual:{request.param}@{chips}", *made]) == 0
    serve = (sys.executable, "-m", "cardkit", "virtual", "serve", request.param, "--dir", str(chips))
    process = subprocess.Popen(stack.inside(*serve, "--port", str(stack.port(0))), stderr=subprocess.PIPE)
    slots = Slots(stack)
    try:
        slots.wait(0, lambda state: state.present)
        yield f"pcsc:{stack.names[0]}", profile
    finally:
        process.terminate()
        process.communicate(timeout=60)
        slots.wait(0, lambda state: not state.present)


def test_online_and_offline_transactions(
    reader: tuple[str, Path], request: pytest.FixtureRequest, capsys: pytest.CaptureFixture[str]
) -> None:
    name, profile = reader
    reading, writing = os.pipe()
    os.write(writing, b"1234\n1234\n")
    os.close(writing)
    command = ["payment", "transaction", "--reader", name, "--profile", str(profile), "--json"]
    command += ["--pin", "--passphrase-fd", str(reading)]
    capsys.readouterr()
    assert run(command) == 0
    online = json.loads(capsys.readouterr().out)
    assert online["protocol"] == ("T=0" if "t0" in request.node.name else "T=1")
    assert (online["outcome"], online["second_cryptogram"]) == ("approved online", "TC")
    assert "the TC is right by the issuer's keys" in [step["text"] for step in online["steps"]]
    assert run([*command, "--floor-limit", "5000"]) == 0
    offline = json.loads(capsys.readouterr().out)
    os.close(reading)
    assert (offline["outcome"], offline["tvr"]["value"]) == ("approved offline", "0000000000")
    assert offline["atc"] == online["atc"] + 1
    assert "signature with the cryptogram is right (CDA)" in [step["text"] for step in offline["steps"]]

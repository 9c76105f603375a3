"""No PAN, PIN, holder's name or key of a payment card reaches a disk or a terminal, whatever happens to the card.

As in test_canary.py: the order and the chips (the world) lie outside the searched folder, and so does the file for the
printer, in which PANs are meant to be.
"""

from __future__ import annotations

import random
import signal
import tomllib
from pathlib import Path

import pytest
from cryptography.hazmat.decrepit.ciphers.algorithms import TripleDES
from cryptography.hazmat.primitives.ciphers import Cipher
from cryptography.hazmat.primitives.ciphers.modes import ECB

from tests.hostile.canaries import Hit, needles_of_bytes, needles_of_digits, search
from tests.hostile.test_canary import REPOSITORY, Plant, luhn

PROFILE = "payment/emv-contact-cda"
FOLDER = REPOSITORY / "profiles" / PROFILE
ROWS = 6
PERSONAL = ("pan", "name")
READER = "virtual:emv-cps@{out}/pay"


def master_keys() -> dict[str, bytes]:
    """The test keys by name; the one all blank test chips are delivered with is published and no canary."""
    keys = tomllib.loads((FOLDER / "test-keys.toml").read_text("utf-8"))["test"]
    found = {name: bytes.fromhex(entry["hex"]) for name, entry in keys.items() if "hex" in entry}
    return {name: value for name, value in found.items() if name != "gp-default-3des"}


def option_a(master: bytes, pan: str, psn: str) -> bytes:
    """A card's master key (EMV 4.4 Book 2, A1.4.1)."""
    block = bytes.fromhex((pan + psn)[-16:])
    cipher = Cipher(TripleDES(master + master[:8]), ECB()).encryptor()
    key = cipher.update(block + bytes(byte ^ 0xFF for byte in block))
    return bytes(byte & 0xFE | (bin(byte >> 1).count("1") + 1) % 2 for byte in key)


def write_order(plant: Plant, rng: random.Random) -> None:
    lines = ["pan,psn,expiry,effective,name,pin"]
    masters = master_keys()
    for number in range(1, ROWS + 1):
        pan, pin = luhn(f"999999{rng.randrange(10**9):09}"), f"{rng.randrange(10**11, 10**12)}"
        name = f"CANARY/{''.join(rng.choices('BCDFGHJKLMNPQRSTVWXZ', k=14))}"
        plant.needles[f"pan of row {number}"] = needles_of_digits(pan)
        plant.needles[f"pin of row {number}"] = needles_of_digits(pin)
        plant.needles[f"name of row {number}"] = needles_of_bytes(name.encode())
        for role in ("imk-ac", "imk-smi", "imk-smc", "imk-idn"):
            key = option_a(masters[role], pan, "01")
            plant.needles[f"{role}, card key of row {number}"] = needles_of_bytes(key)
        typed = {ROWS: pin + "0G", ROWS - 1: pin + pin}.get(number, pin)  # refused by its characters, by its length
        lines.append(f"{pan},01,2029-12,2024-01-01,{name},{typed}")
    for role, key in masters.items():
        plant.needles[f"key {role}"] = needles_of_bytes(key)
    (plant.outside / "order.csv").write_text("\n".join(lines) + "\n", "ascii")


def one_card(verb: str, record: str, *options: str, reader: str = READER) -> tuple[str, ...]:
    return (verb, PROFILE, "--order", "{out}/order.csv", "--record", record, "--reader", reader, *options)


@pytest.fixture(scope="module")
def plant(tmp_path_factory) -> Plant:
    """A day of a plant: prepared cards, good ones, one that refuses, a kill, a terminal."""
    root: Path = tmp_path_factory.mktemp("payment")
    plant = Plant(root / "inside", root / "outside")
    for folder in (plant.inside / "home", plant.inside / "tmp", plant.outside):
        folder.mkdir(parents=True)
    write_order(plant, random.Random(5))
    run, build = plant.run, plant.run_build
    store = ("--store", "sqlite:///plant.db", "--operator", "ana")
    make = ("batch", "run", "order", *store, "--reader")
    run("prepare", "payment", "prepare", PROFILE, "{out}/order.csv", *store, "--json")
    run("run", *make, "virtual:emv-cps*2", "--limit", "2", "--report", "report-batch", "--json")
    build(
        "run-refused",
        "storedata.py",
        "refuse",
        *make,
        "virtual:emv-cps",
        "--limit",
        "1",
        "--report",
        "report-refused",
        "--json",
    )
    build("run-killed", "storedata.py", "kill", *make, "virtual:emv-cps@{out}/killed")
    run("doubt", "batch", "doubt", "order", *store)
    run("output", "payment", "print", "order", *store, "--out", "{out}/order.txt", "--json")
    traced = ("--work", "work", "--yes", "--trace")
    run("good", *one_card("personalize", "1", *traced, "good.jsonl", "--report", "report-good", "--json"))
    refused = one_card("personalize", "2", *traced, "bad.jsonl", "--report", "report-bad", reader="virtual:emv-cps")
    build("refused", "storedata.py", "refuse", *refused)
    run("bad-row", *one_card("personalize", str(ROWS), "--work", "work", "--yes", reader="virtual:emv-cps"))
    run("verify", *one_card("verify", "1", "--work", "work", "--report", "report-verify", "--json"))
    run("verify-other", *one_card("verify", "2", "--work", "work", "--report", "report-other", "--json"))
    run("dump", "dump", "--reader", READER, "--json")
    terminal = ("payment", "transaction", "--reader", READER)
    run("transaction", *terminal, "--profile", PROFILE, "--json")
    run("transaction-text", *terminal, "--amount", "100000")
    run("validate", "payment", "validate", "--reader", READER, "--json", "--report", "report-validate")
    return plant


@pytest.fixture(scope="module")
def hits(plant) -> list[Hit]:
    return plant.hits()


def test_the_day_went_as_planned(plant):
    """A search in the output of commands that did not run finds nothing either."""
    good = ("prepare", "run", "output", "good", "verify", "dump", "transaction")
    assert {name: plant.codes[name] for name in good} == dict.fromkeys(good, 0), plant.said("verify")
    bad = ("run-refused", "refused", "bad-row", "verify-other")
    assert [name for name in bad if plant.codes[name] == 0] == []
    assert plant.codes["run-killed"] == -signal.SIGKILL
    assert plant.said("prepare").count('"field": "pin"') == 2
    said = "".join(plant.said(name) for name in plant.codes)
    assert "Traceback" not in said


def test_the_printers_file_has_what_is_printed(plant):
    """And the search finds it there; nobody but its owner does."""
    assert (plant.outside / "order.txt").stat().st_mode & 0o077 == 0
    found = {hit.canary for hit in search(iter([("", (plant.outside / "order.txt").read_bytes())]), plant.needles)}
    assert {f"pan of row {number}" for number in range(1, ROWS - 1)} <= found


@pytest.mark.requirement("D9")
@pytest.mark.requirement("L1")
def test_no_secret_is_found_anywhere(hits):
    assert [hit for hit in hits if not hit.canary.startswith(PERSONAL)] == []


@pytest.mark.requirement("D9")
def test_no_pan_and_no_name_is_found_anywhere(hits):
    assert [hit for hit in hits if hit.canary.startswith(PERSONAL)] == []

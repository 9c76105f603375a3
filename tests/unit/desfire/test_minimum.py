"""No command too many: what is sent is what contents and capacities ask for, counted here from the profile's words."""

from __future__ import annotations

import tomllib
from math import ceil

import pytest

from cardkit.desired import Part
from cardkit.perso import Verdict, personalize, plan, prepare
from cardkit.profile import load_profile, read_order
from cardkit.virtual import make_card
from tests.unit.desfire.conftest import FOLDER, GENERATIONS, inserted, seeded
from tests.unit.desfire.small import small_product

FRAME = {"ev1": 55, "ev2": 248}
AUTHENTICATION, IDENTITY = 2, 3
RECORDS, COUNTED = ("linear", "cyclic"), ("backup", "value", "linear", "cyclic")


def sent_bytes(generation, mode, size):
    """Return what a write of this many bytes has behind its command byte (transport sheet 3.8)."""
    if mode == "plain":
        return 7 + size
    if mode == "mac":
        return 7 + size + 8
    return 7 + (ceil((size + 4) / 16) * 16 if generation == "ev1" else (size // 16 + 1) * 16 + 8)


def writers(file):
    return {file.get("write", "never"), file.get("both", "never")}


def minimum(block):
    """Return the fewest commands that make the card, without the seal: identity, and then each application."""
    generation = block["card"]
    total = IDENTITY + len(block["apps"])
    for app in block["apps"]:
        master = app["keys"][0]["name"]
        total += 1 + AUTHENTICATION + len(app["files"]) + len(app["keys"])
        written = [file for file in app["files"] if file.get("fields")]
        for file in written:
            total += ceil(sent_bytes(generation, file["mode"], file["size"]) / FRAME[generation])
        elsewhere = [file for file in written if not writers(file) & {master, "free"}]
        # Each of the others costs one command for rights lent, or two with its like for a session of their key.
        groups: dict[str, list] = {}
        for file in elsewhere:
            key = next(
                (name for name in (file.get("write", "never"), file.get("both", "never")) if name != "never"), ""
            )
            groups.setdefault(key, []).append(file)
        commit = int(any(file["type"] in COUNTED for file in written))
        total += commit + sum(
            len(files) if not key else min(len(files), AUTHENTICATION) for key, files in groups.items()
        )
    return total


def block_of(folder):
    return tomllib.loads((folder / "profile.toml").read_text(encoding="utf-8"))["desfire"]


def run(folder, generation):
    """Make the first card; return the commands and bytes of each part."""
    profile = load_profile(folder)
    keystore = profile.test_keystore()
    record = read_order(profile, folder / "order.csv", keystore).records[0]
    todo = plan(profile, record, prepare(profile, record, keystore, seeded("a")), keystore)
    chip, sent = make_card(f"desfire-{generation}", seed=3), []
    original = chip.transmit
    chip.transmit = lambda command: sent.append(command) or original(command)
    assert personalize(todo, inserted(chip), keystore).verdict is Verdict.GOOD
    sizes = {part: len(steps) for part, steps in todo.blueprint.parts.items()}
    assert sum(sizes.values()) == len(sent)
    making = sent[: sizes[Part.FENCE] + sizes[Part.WRITE]]
    sealing = sent[len(making) + sizes[Part.CHECK] :][: sizes[Part.SEAL]]
    return making, sealing, sizes


@pytest.mark.parametrize("generation", GENERATIONS)
def test_a_city_card_takes_the_fewest_commands(generation):
    folder = FOLDER / f"desfire-{generation}-city"
    making, sealing, _ = run(folder, generation)
    assert minimum(block_of(folder)) == len(making)
    # the card's level, a session, settings, the key
    assert len(sealing) == 1 + AUTHENTICATION + 2


@pytest.mark.parametrize("writer", ["master", "reload", "never"])
@pytest.mark.parametrize("size", [28, 45, 400])
@pytest.mark.parametrize("generation", GENERATIONS)
def test_a_small_card_takes_the_fewest_commands(tmp_path, generation, size, writer):
    folder = small_product(tmp_path, generation, size, writer)
    making, _, _ = run(folder, generation)
    assert minimum(block_of(folder)) == len(making)


def test_one_application_three_keys_one_file_within_the_floor(tmp_path):
    """At most 19 commands and 490 bytes, nothing verified (transport sheet 11)."""
    making, sealing, _ = run(small_product(tmp_path, "ev1", 32), "ev1")
    assert len(making) + len(sealing) <= 19
    assert sum(map(len, making + sealing)) <= 490


def test_400_bytes_on_ev2_take_20_commands_at_most(tmp_path):
    making, sealing, _ = run(small_product(tmp_path, "ev2", 400), "ev2")
    assert len(making) + len(sealing) <= 20

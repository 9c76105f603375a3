"""Profiles and chip models mutated from the real ones: a profile, or one declared error of one line, and nothing else.

CARDKIT_FUZZ=200000 sets the number of inputs; trees are mutated below TOML, so that most get past the first table.
"""

from __future__ import annotations

import os
import random
import time
import tomllib
from collections.abc import Callable
from pathlib import Path

import pytest

from cardkit.apps import registry
from cardkit.errors import ProfileError
from cardkit.profile import chips, load, load_profile
from cardkit.profile.document import read_toml
from cardkit.profile.locate import part_file, profile_file

INPUTS = int(os.environ.get("CARDKIT_FUZZ", "20000"))
PROFILE = profile_file("sim/usim-test")
CHIP = part_file("chips", "virtual-usim", PROFILE)
HARD_VALUES = [
    None, True, 0, -1, 1 << 70, 0.5, float("nan"), [], {}, [[]], [{}], {"a": {"b": "{x}"}}, ["{imsi}"] * 3, "",
    "x" * 5000, "\0", "\ud7ff", "{", "{imsi}", "{pin1}", "{imsi|acc}", "{{}}", "FF", "TEST", "uicc", "order:kek-1",
]  # fmt: skip
HARD_KEYS = ["", "type", "min", "bytes", "class", "key", "transport", "default", "apps", "uicc", "a.b", "x" * 500, "é"]
HARD_BYTES = (b"[", b"]]", b'"', b"\xff", b"\0", b"=", b"{", b"\n", b"1e99")


def random_path(rng: random.Random, tree) -> list:
    """Return the path of a value in a tree: down from the root, stopping at a leaf or somewhere before."""
    path = []
    while isinstance(tree, dict | list) and tree and (not path or rng.random() < 0.8):
        key = rng.choice(list(tree)) if isinstance(tree, dict) else rng.randrange(len(tree))
        path.append(key)
        tree = tree[key]
    return path


def changed(tree, path, change):
    """Return a copy of a tree that shares all but the way to one changed value."""
    copy = tree.copy()
    if len(path) == 1:
        change(copy, path[0])
    else:
        copy[path[0]] = changed(tree[path[0]], path[1:], change)
    return copy


def remove(holder, key):
    del holder[key]


def rename(rng: random.Random) -> Callable:
    def change(holder, key):
        value = holder[key]
        if isinstance(holder, dict):
            del holder[key]
            text = str(key)
            place = rng.randrange(len(text) + 1)
            holder[rng.choice([*HARD_KEYS, text[:place] + rng.choice("aZ0 ") + text[place + 1 :]])] = value
        else:
            holder.append(value)

    return change


def replace(rng: random.Random) -> Callable:
    def change(holder, key):
        holder[key] = rng.choice(HARD_VALUES)

    return change


def tweak(rng: random.Random) -> Callable:
    def change(holder, key):
        value = holder[key]
        if isinstance(value, str) and value:
            place = rng.randrange(len(value))
            holder[key] = value[:place] + rng.choice("0aF{}|: \u0660") + value[place + rng.randrange(2) :]
        elif isinstance(value, int):
            holder[key] = value + rng.choice([-1, 1, 255, -(1 << 40)])
        elif isinstance(value, dict):
            holder[key] = {**value, rng.choice(HARD_KEYS): rng.choice(HARD_VALUES)}
        else:
            holder[key] = [value, value]

    return change


def mutated(rng: random.Random, tree):
    for _ in range(rng.choice((1, 1, 1, 2, 3))):
        path = random_path(rng, tree)
        if path:
            tree = changed(tree, path, rng.choice([replace(rng), tweak(rng), tweak(rng), rename(rng), remove]))
    return tree


@pytest.fixture
def trees(monkeypatch):
    """The plain data of the real files; what a test puts here is what the loader reads."""
    documents = {path: read_toml(path)[0] for path in (PROFILE, CHIP)}
    monkeypatch.setattr(load, "read_toml", lambda path: (dict(documents[path]), b""))
    monkeypatch.setattr(registry, "names", lambda: ("uicc",))
    return documents


def outcome(seed: int, action: Callable[[], object]) -> str:
    """Return ``right`` or the error's text; any error but ProfileError fails the test with its seed."""
    try:
        action()
    except ProfileError as error:
        return str(error)
    except Exception as error:
        raise AssertionError(f"seed {seed}: {type(error).__name__}: {error}") from error
    return "right"


def not_one_line(outcomes: list[str], *files: Path) -> list[str]:
    """Return the refusals that are no single line beginning with a file."""
    starts = tuple(f"{file}: " for file in files)
    refusals = [text for text in outcomes if text != "right"]
    return [text for text in refusals if len(text.splitlines()) != 1 or not text.startswith(starts)]


def test_mutated_profile_is_right_or_refused_in_one_line(trees):
    real = trees[PROFILE]
    outcomes = []
    for seed in range(INPUTS // 8):
        rng = random.Random(seed)
        trees[PROFILE] = mutated(rng, real)
        outcomes.append(outcome(seed, lambda: load_profile(PROFILE)))

    assert not_one_line(outcomes, PROFILE, CHIP) == []
    past_the_first_table = [text for text in outcomes if ": profile" not in text]
    assert len(past_the_first_table) > len(outcomes) / 2
    assert 0.05 < outcomes.count("right") / len(outcomes) < 0.95


def test_mutated_chip_is_right_or_refused_in_one_line(trees):
    real = trees[CHIP]
    outcomes = []
    for seed in range(INPUTS // 4):
        rng = random.Random(seed)
        document = mutated(rng, real)
        outcomes.append(outcome(seed, lambda document=document: chips.chip_of(document, CHIP)))

    assert not_one_line(outcomes, CHIP) == []
    assert 0.05 < outcomes.count("right") / len(outcomes) < 0.95


def test_mutated_toml_is_read_or_refused_in_one_line(tmp_path):
    real = PROFILE.read_bytes()
    path = tmp_path / "profile.toml"
    outcomes = []
    for seed in range(INPUTS // 40):
        rng = random.Random(seed)
        text = bytearray(real[rng.randrange(len(real) // 2) :][: rng.choice((80, 400, 4000))])
        for _ in range(rng.choice((1, 2, 5))):
            place = rng.randrange(len(text) + 1)
            text[place : place + rng.randrange(3)] = rng.choice(HARD_BYTES)
        path.write_bytes(text)
        outcomes.append(outcome(seed, lambda: read_toml(path)))

    assert not_one_line(outcomes, path) == []
    assert 0.2 < sum(text != "right" for text in outcomes) / len(outcomes) <= 1


@pytest.mark.parametrize(
    "text",
    ["a = " + "[\n" * 20_000, "a = [\n" + "{ b = [\n" * 20_000, "a." * 50_000 + "b = 1", "a = " + "9" * 5000,
     "#" * 5_000_000],
)  # fmt: skip
def test_toml_made_to_exhaust_the_parser_is_refused_at_once(tmp_path, text):
    path = tmp_path / "profile.toml"
    path.write_text(text, encoding="utf-8")
    start = time.process_time()
    with pytest.raises(ProfileError, match=r"nested too deeply|bytes, expected"):
        read_toml(path)

    assert time.process_time() - start < 5


def test_the_real_profile_is_right():
    assert tomllib.loads(PROFILE.read_text(encoding="utf-8"))["profile"]["name"] == load_profile(PROFILE).name

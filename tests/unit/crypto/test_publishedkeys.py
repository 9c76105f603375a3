"""Keys nobody may sell."""

import json

import pytest

from cardkit.crypto import Secret
from cardkit.crypto.publishedkeys import is_published_home_key, weakness_of

from .aka_vectors import CASES, FOLDER, b

TEST_SETS = [case for case in CASES if "test set" in case["name"].lower()]
NAMES = ("k", "op", "opc", "top", "topc")
PUBLISHED = {
    values[name] for case in TEST_SETS for values in (case["in"], case["out"]) for name in NAMES if name in values
}


def test_keys_of_all_test_sets_of_3gpp_are_known():
    assert len(TEST_SETS) == 12
    said = {weakness_of(Secret(b(key), "k")) for key in PUBLISHED}
    assert said == {"a published test key", "one byte over and over"}


@pytest.mark.parametrize("byte", [0x00, 0x55, 0xFF])
@pytest.mark.parametrize("size", [16, 32])
def test_one_byte_over_and_over(byte, size):
    assert weakness_of(Secret(bytes((byte,)) * size, "k")) == "one byte over and over"


def test_any_other_key_is_not_accused():
    key = bytearray(b("465b5ce8b199b49faa5f0a2ee238a6bc"))
    assert weakness_of(Secret(key, "k")) == "a published test key"
    key[-1] ^= 1
    assert weakness_of(Secret(key, "k")) is None
    assert weakness_of(Secret(bytes(15) + b"\1", "k")) is None


def test_home_keys_of_the_standard_are_known_in_every_form():
    profile_a, profile_b = (
        b(case["in"]["hn_public_key"]) for case in json.loads((FOLDER / "suci.json").read_text(encoding="utf-8"))
    )
    x = profile_b[1:]
    assert [is_published_home_key(key) for key in (profile_a, b"\2" + x, b"\3" + x, b"\4" + x + bytes(32))] == [
        True
    ] * 4
    others = (
        profile_a[:-1] + b"\0",
        b"\2" + x[:-1] + b"\0",
        b"\4" + bytes(32) + x,
        b"\2" + profile_a[:-1] + b"\0",
        b"",
    )
    assert [is_published_home_key(key) for key in others] == [False] * 5

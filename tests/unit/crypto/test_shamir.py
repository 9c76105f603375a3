"""Shares: those of the vectors, every subset gives the secret back, mistyped ones are noticed."""

import itertools
import json
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cardkit.crypto import Secret
from cardkit.crypto.shamir import MOST_SHARES, Share, combine, split
from cardkit.errors import KeyStoreError

VECTORS = json.loads((Path(__file__).parents[2] / "vectors" / "security-keys.json").read_text(encoding="utf-8"))
SHARED = [pytest.param(v["in"], v["out"]["shares"], id=v["name"]) for v in VECTORS if "of" in v["name"].split("-")]


def secret(value):
    return Secret(bytes.fromhex(value) if isinstance(value, str) else value, "s")


def shown(value):
    with value.reveal() as clear:
        return clear.hex()


@pytest.mark.parametrize(("given_", "shares"), SHARED)
def test_shares_of_the_vectors(given_, shares):
    coefficients = [secret(value) for value in given_["coefficients"]]
    made = split(secret(given_["secret"]), given_["m"], given_["n"], coefficients)

    assert shares == {str(share.index): shown(share.value) for share in made}


@pytest.mark.parametrize(("given_", "shares"), SHARED)
def test_every_subset_large_enough_gives_the_secret_back(given_, shares):
    held = [Share(int(index), secret(value)) for index, value in shares.items()]
    for size in range(1, given_["n"] + 1):
        for chosen in itertools.combinations(held, size):
            assert (shown(combine(chosen)) == given_["secret"]) is (size >= given_["m"])


@settings(max_examples=40, deadline=None)
@given(st.data())
def test_any_secret_comes_back(data):
    n = data.draw(st.integers(2, 8))
    m = data.draw(st.integers(2, n))
    values = data.draw(st.lists(st.binary(min_size=5, max_size=5), min_size=m, max_size=m))
    shares = split(secret(values[0]), m, n, [secret(value) for value in values[1:]])
    chosen = data.draw(st.permutations(shares))[:m]

    assert secret(values[0]) == combine(chosen)


def test_the_most_shares_there_can_be():
    shares = split(secret(b"k"), 2, MOST_SHARES, [secret(b"c")])

    assert secret(b"k") == combine(shares[-2:])


@pytest.mark.parametrize(
    ("m", "n", "coefficients", "message"),
    [
        (1, 3, [], "1 of 3, expected 2 or more"),
        (3, 2, [b"ab"] * 2, "3 of 2, expected"),
        (2, 256, [b"ab"], "2 of 256, expected 2 or more, of at most 255"),
        (3, 3, [b"ab"], "1 coefficients, expected 2 as long as the secret"),
        (2, 3, [b"abc"], "1 coefficients, expected 1 as long"),
    ],
)
def test_numbers_that_make_no_shares(m, n, coefficients, message):
    with pytest.raises(KeyStoreError, match=message):
        split(secret(b"ab"), m, n, [secret(value) for value in coefficients])


@pytest.mark.parametrize(
    ("shares", "message"),
    [
        ([], "indexes must differ, and there must be some"),
        ([(1, b"ab"), (1, b"cd")], r"shares \[1, 1\]: indexes must differ"),
        ([(1, b"ab"), (2, b"cde")], "lengths differ"),
    ],
)
def test_shares_that_do_not_go_together(shares, message):
    with pytest.raises(KeyStoreError, match=message):
        combine([Share(index, secret(value)) for index, value in shares])


@pytest.mark.parametrize("index", [1, 9, 10, 255])
def test_text_of_a_share(index):
    share = Share(index, secret("00ff10"))
    text = share.to_text()
    blanks = " ".join(text.upper())

    assert text.startswith(f"{index}-00ff10-")
    for again in (Share.from_text(text), Share.from_text(blanks)):
        assert (again.index, again.value) == (index, share.value)
    assert "00ff10" not in repr(share)


def test_every_mistyped_character_of_a_share_is_noticed():
    text = Share(12, secret("0123456789abcdef")).to_text()
    for place in range(len(text)):
        for digit in "0f-g":
            if digit != text[place]:
                with pytest.raises(KeyStoreError, match="share"):
                    Share.from_text(text[:place] + digit + text[place + 1 :])


@pytest.mark.parametrize("text", ["", "1-00", "0-00-00000000", "256-00-00000000", "1-0-00000000", "1--00000000"])
def test_text_that_is_no_share(text):
    with pytest.raises(KeyStoreError, match="expected INDEX-HEX-CHECK"):
        Share.from_text(text)

"""gpg's status lines: recorded runs and what one wrong line does to a good one."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cardkit.errors import KeyStoreError, RecordError
from cardkit.production.input.openpgp import Sender
from cardkit.production.input.signature import PREFIX, Pinned, Status, judge

VECTORS = json.loads((Path(__file__).parents[2] / "vectors" / "security-gpg.json").read_text(encoding="utf-8"))
SIGNED_AT = datetime.fromtimestamp(1795314035, UTC)
GOOD = next(vector["in"] for vector in VECTORS if vector["name"] == "gpg-good")
PINNED = Pinned(GOOD["pinned"][0])
STRANGER = "17EE68E8E9637D3BE366FDE2A78124D7587A7F69"


def lines(status: list[str]) -> list[str]:
    return [f"{PREFIX}{line}" for line in status]


def code_of(status: list[str], code: int = 0, now: datetime = SIGNED_AT) -> str | None:
    try:
        judge(Status(status, code), PINNED, now)
    except RecordError as error:
        return error.code
    return None


@pytest.mark.requirement("D1")
@pytest.mark.parametrize("vector", VECTORS, ids=lambda vector: vector["name"])
def test_recorded_runs(vector: dict) -> None:
    given_, out = vector["in"], vector["out"]
    assert given_["pinned"] == [PINNED.fingerprint]
    assert code_of(lines(given_["status"]), given_["exit"]) == (None if out["accept"] else out["why"])


@pytest.mark.requirement("D1")
@given(st.data())
def test_a_good_run_with_a_line_less_or_twice_is_refused(data: st.DataObject) -> None:
    needed = ("BEGIN_DECRYPTION", "PLAINTEXT ", "NEWSIG", "GOODSIG", "VALIDSIG", "DECRYPTION_OKAY")
    places = [place for place, line in enumerate(GOOD["status"]) if line.startswith(needed)]
    place = data.draw(st.sampled_from(places))
    again = data.draw(st.sampled_from([0, 2]))
    status = [*GOOD["status"][:place], *[GOOD["status"][place]] * again, *GOOD["status"][place + 1 :]]
    assert code_of(lines(status)) is not None


@pytest.mark.parametrize(
    ("old", "new", "code"),
    [
        ("GOODMDC", "PROGRESS x", "INTEGRITY"),
        ("VALIDSIG", "VALIDSIG_", "SIGNER"),
        (" 22 10 00 ", " 22 2 00 ", "SIGNER"),
        (" 22 10 00 ", " 22 10 18 ", "SIGNER"),
        (" 1795314035 0 4", " then 0 4", "SIGNATURE"),
        ("DECRYPTION_OKAY", "DECRYPTION_OKAY\u2028[GNUPG:] VALIDSIG", "INTEGRITY"),
    ],
    ids=["not protected", "another keyword", "SHA-1", "a key's signature", "no time", "a line in a line"],
)
def test_one_word_that_is_not_as_it_should_be(old: str, new: str, code: str) -> None:
    assert code_of([line.replace(old, new) for line in lines(GOOD["status"])]) == code


def test_authenticated_encryption_needs_no_modification_code() -> None:
    status = [line.replace("DECRYPTION_INFO 2 9 0", "DECRYPTION_INFO 0 9 2") for line in lines(GOOD["status"])]
    assert code_of([line for line in status if "GOODMDC" not in line]) is None


def test_a_line_that_is_no_status_line_is_refused() -> None:
    assert code_of([*lines(GOOD["status"]), "gpg: all is well"]) == "INTEGRITY"


@pytest.mark.parametrize(
    ("days", "code"), [(0, None), (29.9, None), (30.1, "SIGNATURE"), (-0.001, None), (-1, "SIGNATURE")]
)
def test_a_signature_is_of_the_last_days(days: float, code: str | None) -> None:
    assert code_of(lines(GOOD["status"]), now=SIGNED_AT + timedelta(days=days)) == code


@pytest.mark.parametrize("text", ["", PINNED.fingerprint[8:], PINNED.fingerprint.lower(), f"{PINNED.fingerprint}\n"])
def test_only_a_full_fingerprint_pins_a_key(text: str) -> None:
    with pytest.raises(KeyStoreError, match="full fingerprint"):
        Sender(text)

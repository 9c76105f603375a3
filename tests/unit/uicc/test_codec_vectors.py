"""Decoded fields against vectors that are not ours (tests/vectors/uicc_files.json: osmocom pySim, data only)."""

from __future__ import annotations

from typing import Any

import pytest

from cardkit.apps.uicc.files import CATALOGUE

from .conftest import load
from .meanings import MEANINGS, pin, smsp

# Not a file cardkit decodes: GSM-R, CDMA, home nodes, toolkit and remote management objects.
_ELSEWHERE = ("7FE0", "7F25", "5F50")
# The source's input forms, not what is on a card; the 3-byte AD of 2G has its own test.
_SPECIAL = {"EF.MSISDN #3", "EF.MSISDN #4", "EF.AD #1", "EF.AD #2", "EF.PIN #2"}


def covered() -> list[Any]:
    found = []
    for case in load("uicc_files.json"):
        title = case["name"].partition(" #")[0]
        if (
            title in MEANINGS
            and case["name"] not in _SPECIAL
            and not any(e in str(case["in"]["paths"]) for e in _ELSEWHERE)
        ):
            found.append(pytest.param(title, case, id=case["name"]))
    return found


# The source's decode of EF.SMSP is lossy (it misreads TP-VP): that file is encoded in test_defects.
BOTH_WAYS = [p for p in covered() if p.values[1]["in"]["direction"] == "both" and p.values[0] != "EF.SMSP"]


def test_more_than_70_vectors_of_40_files_are_compared() -> None:
    assert len(covered()) > 70
    assert len({param.values[0] for param in covered()}) > 40


@pytest.mark.parametrize(("title", "case"), covered())
def test_decoded_fields_mean_what_the_vector_means(title: str, case: dict[str, Any]) -> None:
    name, meaning = MEANINGS[title]
    body = bytes.fromhex(case["in"]["hex"])
    spec = CATALOGUE[name]
    value = spec.decode(body)
    expected = meaning(case["out"]["decoded"])
    if meaning is smsp:
        present = value.get("present", [key for key in value if key != "alpha"])
        value = {key: part for key, part in value.items() if key in {"alpha", "destination", "sc"}} | {
            "present": present
        }
        expected = {key: part for key, part in expected.items() if part != "" or key in value}
    assert value == expected
    assert spec.encode(spec.decode(body), len(body)) == body


@pytest.mark.parametrize(("title", "case"), BOTH_WAYS)
def test_the_meaning_encodes_to_the_vector(title: str, case: dict[str, Any]) -> None:
    name, meaning = MEANINGS[title]
    body = bytes.fromhex(case["in"]["hex"])
    assert CATALOGUE[name].encode(meaning(case["out"]["decoded"]), len(body)) == body


def test_ad_of_three_bytes() -> None:
    # Vector EF.AD #2: "00ffff", 2G form: normal mode, everything else set.
    value = CATALOGUE["DF.GSM/EF.AD"].decode(bytes.fromhex("00FFFF"))
    assert value["mode"] == "normal"
    assert value["info_high"] == "FF"
    assert "mnc_length" not in value
    assert "ciphering_indicator" in value["info"]


def test_pin_file_without_unblocking_code() -> None:
    (case,) = [case for case in load("uicc_files.json") if case["name"] == "EF.PIN #2"]
    assert CATALOGUE["DF.SYSTEM/EF.ADM1"].decode(bytes.fromhex(case["in"]["hex"])) == pin(case["out"]["decoded"])

"""A product whose phones conceal the identity, on the virtual card: good, and with the standard's test key."""

from __future__ import annotations

import dataclasses
import hashlib
import json
from pathlib import Path

import msgspec
import pytest

from cardkit.perso import Verdict, personalize

from .conftest import Job

VECTORS = Path(__file__).parents[2] / "vectors" / "suci.json"
TEST_KEYS = [case["in"]["hn_public_key"] for case in json.loads(VECTORS.read_text(encoding="utf-8"))]
GOOD_KEY = "09".ljust(64, "0")  # the base point of X25519: nobody's key


@pytest.fixture
def concealing(job):
    """``concealing(key, accept=())``: the test USIM with service 124 and one home network key of profile A."""

    def make(key: str, *, accept: tuple[str, ...] = (), routing: bool = True) -> Job:
        block = job.profile.blocks["uicc"]
        usim, five_g = "ADF.USIM/EF.", "ADF.USIM/DF.5GS/EF."
        services = [*block.files[f"{usim}UST"]["services"], 124]
        schemes = [{"scheme": "profile A", "key_index": 1}, {"scheme": "null", "key_index": 0}]
        files = {
            **block.files,
            f"{usim}UST": {"services": services},
            f"{five_g}SUCI_Calc_Info": {"schemes": schemes, "keys": [{"id": 27, "key": key}]},
        }
        if routing:
            files[f"{five_g}Routing_Indicator"] = {"routing_indicator": "0"}
        auth = msgspec.structs.replace(block.auth, accept=accept)
        blocks = {"uicc": msgspec.structs.replace(block, files=files, auth=auth)}
        digest = hashlib.sha256(repr((key, accept, routing)).encode()).digest()
        return dataclasses.replace(job, profile=dataclasses.replace(job.profile, blocks=blocks, sha256=digest))

    return make


def made(job: Job, tap) -> tuple[Verdict, list[tuple[str, str]]]:
    _, card = tap()
    outcome = personalize(job.plan(), card, job.keystore)
    return outcome.verdict, [(finding.rule, finding.actual) for finding in outcome.findings]


def test_a_product_that_conceals_is_good(concealing, tap):
    assert made(concealing(GOOD_KEY), tap) == (Verdict.GOOD, [])


def test_the_standards_test_key_must_be_wanted(concealing, tap):
    verdict, findings = made(concealing(TEST_KEYS[0]), tap)
    assert verdict is Verdict.BAD
    assert findings == [("UICC-105", "key id 27 is the standard's test key")]
    assert made(concealing(TEST_KEYS[0], accept=("test-keys",)), tap) == (Verdict.GOOD, [])


def test_a_phone_would_find_no_routing_indicator(concealing, tap):
    _, findings = made(concealing(GOOD_KEY, routing=False), tap)
    assert findings == [("UICC-103", "service 124 is on without EF.Routing_Indicator")]

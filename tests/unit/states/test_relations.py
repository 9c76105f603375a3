"""Rules between files: what they say of four cards in the field (uicc_dumps.json, sim.md 23.1), and case by case."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from cardkit.apps.uicc.files import CATALOGUE
from cardkit.apps.uicc.rules.relations import RELATIONS, Ground
from cardkit.apps.uicc.rules.table import TABLE
from cardkit.apps.uicc.schema import NetworkBlock

DUMPS = json.loads((Path(__file__).parents[2] / "vectors" / "uicc_dumps.json").read_text(encoding="utf-8"))
NETWORK = NetworkBlock(mcc="001", mnc="01", iccid_prefix="8999901")
USIMS, SIMS = ("usim-A", "usim-B"), ("sim-C", "sim-D")


def bodies(card: str) -> dict[str, bytes]:
    """Return a dump's transparent files by catalogue name."""
    return {
        _name(case["in"]["path"]): bytes.fromhex(case["out"]["content"])
        for case in DUMPS
        if case["in"]["card"] == card and "content" in case["out"]
    }


def files(card: str) -> frozenset[str]:
    return frozenset(_name(case["in"]["path"]) for case in DUMPS if case["in"]["card"] == card and "path" in case["in"])


def _name(path: str) -> str:
    short = path.removeprefix("MF/")
    return short if "/" in short else path


def said(rule: str, values: dict[str, dict], ground: Ground | None = None) -> str | None:
    relation = next(relation for relation in RELATIONS if relation.rule == rule and set(relation.needs) <= set(values))
    return relation.test(values, ground or Ground(NETWORK, frozenset(), has_isim=False))


def decoded(card: str, *names: str) -> dict[str, dict]:
    held = bodies(card)
    return {name: CATALOGUE[name].decode(held[name]) for name in names}


def test_every_relation_has_its_rule_in_the_table():
    assert {relation.rule for relation in RELATIONS} <= set(TABLE)


@pytest.mark.parametrize("card", USIMS)
def test_008_fails_on_both_usims(card):
    values = decoded(card, "ADF.USIM/EF.ACC", "ADF.USIM/EF.IMSI")
    assert "expected [2]" in said("UICC-008", values)


def test_002_knows_right_check_digits():
    for card in USIMS:
        assert "starts with" in said("UICC-002", decoded(card, "MF/EF.ICCID"))
    assert said("UICC-002", decoded("sim-C", "MF/EF.ICCID")) == "the check digit is wrong"
    assert "starts with" in said("UICC-002", decoded("sim-D", "MF/EF.ICCID"))


@pytest.mark.parametrize("card", USIMS)
def test_service_33_is_on_in_both_usims(card):
    assert said("UICC-042", decoded(card, "ADF.USIM/EF.UST")) is None


def titles(text: str | None) -> set[str]:
    return {title.strip() for title in (text or "").partition(": ")[2].split(",") if title}


def test_040_and_041_tell_what_the_sheet_tells_of_usim_b():
    values = decoded("usim-B", "ADF.USIM/EF.UST")
    ground = Ground(NETWORK, files("usim-B"), has_isim=False)
    assert said("UICC-040", values, ground) is None
    assert titles(said("UICC-041", values, ground)) == {"EF.SPN", "EF.SPDI", "EF.EPSLOCI", "EF.EPSNSC"}


def test_040_and_041_tell_what_the_sheet_tells_of_usim_a():
    values = decoded("usim-A", "ADF.USIM/EF.UST")
    ground = Ground(NETWORK, files("usim-A"), has_isim=False, walked=True)
    missing = "PNN MBDN MMSN MMSUP MMSUCP EXT8 ACL OCI OCT ICI ICT"
    assert titles(said("UICC-040", values, ground)) == {f"EF.{name}" for name in missing.split()}
    idle = "ACM ACMmax PUCT GID2 EXT5 VGCS VGCSS VBS VBSS VGCSCA VBSCA SPNI PWS InvScan"
    assert titles(said("UICC-041", values, ground)) == {f"EF.{name}" for name in idle.split()}


def entries(*plmns: str) -> dict[str, dict]:
    return {"DF.GSM/EF.PLMNsel": {"entries": list(plmns)}}


@pytest.mark.parametrize(
    ("plmns", "trouble"),
    [
        (("001-01", "999-70"), None),
        ((), None),
        (("001-01", "001-01"), "001-01 stands there twice"),
        (("", "001-01"), "an unused entry stands before a used one"),
    ],
)
def test_074_network_lists(plmns, trouble):
    assert said("UICC-074", entries(*plmns)) == trouble


def test_074_an_entry_that_is_no_network():
    values = {"DF.GSM/EF.PLMNsel": {"entries": [{"raw": "ABCDEF"}]}}
    assert said("UICC-074", values) == "an entry is no network"


def test_074_one_network_with_two_technologies_is_no_repetition():
    listed = [{"plmn": "001-01", "act": ["NG-RAN"]}, {"plmn": "001-01", "act": ["GSM"]}]
    assert said("UICC-074", {"ADF.USIM/EF.HPLMNwAcT": {"entries": listed}}) is None


@pytest.mark.parametrize(
    ("services", "isim", "trouble"),
    [
        ([33, 45, 46], False, None),
        ([], False, "service 33 is off"),
        ([33, 46], False, "service 46 without 45"),
        ([33, 125], False, "service 125 without 124"),
        ([33, 95], True, "services [95] beside an ISIM"),
        ([33, 95], False, None),
    ],
)
def test_042_services(services, isim, trouble):
    values = {"ADF.USIM/EF.UST": {"services": services}}
    assert said("UICC-042", values, Ground(NETWORK, frozenset(), has_isim=isim)) == trouble


@pytest.mark.parametrize(
    ("mnc_length", "imsi", "trouble"),
    [
        (2, "001010000000001", None),
        (3, "001010000000001", "MNC length 3, expected 2"),
        (2, "001020000000001", "IMSI starts with 00102, expected 00101"),
    ],
)
def test_006_mnc_length_and_home_network(mnc_length, imsi, trouble):
    values = {"ADF.USIM/EF.AD": {"mnc_length": mnc_length}, "ADF.USIM/EF.IMSI": {"imsi": imsi}}
    assert said("UICC-006", values) == trouble


@pytest.mark.parametrize("mode", ["type approval", "maintenance", "cell test", 9])
def test_007_test_modes_are_no_normal_operation(mode):
    assert f"operation mode {mode}" in said("UICC-007", {"ADF.USIM/EF.AD": {"mode": mode}})


def ims(**changes) -> dict[str, dict]:
    domain = "ims.mnc001.mcc001.3gppnetwork.org"
    imsi = "001010000000001"
    values = {
        "ADF.ISIM/EF.IMPI": {"impi": f"{imsi}@{domain}"},
        "ADF.ISIM/EF.DOMAIN": {"domain": domain},
        "ADF.ISIM/EF.IMPU#1": {"impu": f"sip:{imsi}@{domain}"},
        "ADF.USIM/EF.IMSI": {"imsi": imsi},
    }
    return {**values, **changes}


def test_110_ims_identities_follow_from_the_imsi():
    assert said("UICC-110", ims()) is None


@pytest.mark.parametrize(
    ("name", "field", "text"),
    [
        ("IMPI", "impi", "001010000000001@ims.mnc01.mcc001.3gppnetwork.org"),
        ("DOMAIN", "domain", "ims.mnc01.mcc001.3gppnetwork.org"),
        ("IMPU#1", "impu", "001010000000001@ims.mnc001.mcc001.3gppnetwork.org"),
    ],
)
def test_110_finds_two_digits_and_a_missing_scheme(name, field, text):
    assert text in said("UICC-110", ims(**{f"ADF.ISIM/EF.{name}": {field: text}}))


def test_073_the_home_network_comes_first():
    assert said("UICC-073", {"ADF.USIM/EF.EHPLMN": {"entries": ["001-01", "999-70"]}}) is None
    assert "expected 001-01" in said("UICC-073", {"ADF.USIM/EF.EHPLMN": {"entries": ["999-70"]}})
    assert said("UICC-073", {"ADF.USIM/EF.EHPLMN": {"entries": [{"raw": "ABCDEF"}]}}) == "an entry is no network"

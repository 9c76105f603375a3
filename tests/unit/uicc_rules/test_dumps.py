"""What the rules say of four real cards (uicc_dumps.json): every finding is looked at by hand and stands here.

The sheet's own list of them is 23.1. The cards are sanitized: IMSI 001010000000102 on all.
"""

from __future__ import annotations

import contextlib
import copy

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cardkit.apps.dump import check
from cardkit.apps.uicc.rules.engine import findings
from cardkit.apps.uicc.rules.expectation import Expectation
from cardkit.desired import Severity
from cardkit.errors import EncodingError

from .conftest import document

EVERY_BIT = "001-01 with every bit of the access technologies"
USIM, GSM, TELECOM = "ADF.USIM", "DF.GSM", "DF.TELECOM"

FOUND = {
    "usim-A": {
        # ACC 0008 where the IMSI's last digit asks for 0004
        ("UICC-008", f"{USIM}/EF.ACC", "classes [3], expected [2]"),
        # SELECT answers 88 without content: no SFI, where TS 102 221 13 has one
        ("UICC-022", "MF/EF.ICCID", "SFI none"),
        ("UICC-022", "MF/EF.ARR", "SFI none"),
        # PLMN FFFF00, as the maker left it
        ("UICC-031", f"{USIM}/EF.PSLOCI", "network {'raw': 'FFFF00'} is stored"),
        ("UICC-031", f"{GSM}/EF.LOCIGPRS", "network {'raw': 'FFFF00'} is stored"),
        ("UICC-040", f"{USIM}/EF.UST", "offered without a file: EF.ICI, EF.OCI, EF.ICT, EF.OCT, EF.ACL, EF.PNN, "
         "EF.MBDN, EF.MMSN, EF.EXT8, EF.MMSUP, EF.MMSUCP"),
        ("UICC-041", f"{USIM}/EF.UST", "on the card without a service: EF.InvScan, EF.ACM, EF.ACMmax, EF.EXT5, "
         "EF.GID2, EF.PUCT, EF.PWS, EF.SPNI, EF.VBS, EF.VBSCA, EF.VBSS, EF.VGCS, EF.VGCSCA, EF.VGCSS"),
        ("UICC-045", f"{GSM}/EF.SST", "offered without a file: EF.PNN, EF.OPL"),
        # 8001069000 in the FCP: anybody may create EF and DF, as test cards allow
        ("UICC-056", USIM, "create EF: always"),
        ("UICC-056", f"{USIM}/DF.GSM-ACCESS", "create EF: always"),
        ("UICC-056", GSM, "create EF: always"),
        ("UICC-056", TELECOM, "create EF: always"),
        *(("UICC-074", name, EVERY_BIT) for name in (
            f"{USIM}/EF.PLMNwAcT", f"{USIM}/EF.OPLMNwAcT", f"{GSM}/EF.PLMNwAcT", f"{GSM}/EF.OPLMNwAcT",
            f"{GSM}/EF.HPLMNwAcT")),
    },
    "usim-B": {
        # ACC ABCE
        ("UICC-008", f"{USIM}/EF.ACC", "classes [1, 2, 3, 6, 7, 8, 9, 11, 13, 15], expected [2]"),
        ("UICC-041", f"{USIM}/EF.UST", "on the card without a service: EF.EPSLOCI, EF.EPSNSC, EF.SPDI, EF.SPN"),
        # GID1 is offered in EF.UST only
        ("UICC-045", f"{GSM}/EF.SST", "service 15 is off, service 17 of EF.UST is not"),
        # the operator's own network, the IMSI being sanitized
        ("UICC-072", f"{USIM}/EF.OPL#1", "234-53 with name 1"),
        *(("UICC-074", name, EVERY_BIT) for name in (
            f"{USIM}/EF.PLMNwAcT", f"{USIM}/EF.OPLMNwAcT", f"{GSM}/EF.PLMNwAcT", f"{GSM}/EF.OPLMNwAcT")),
        # records of 42 bytes, laid out for 28
        ("UICC-077", f"{USIM}/EF.SMSP#1", "its parameters cannot be read"),
        ("UICC-077", f"{TELECOM}/EF.SMSP#1", "its parameters cannot be read"),
    },
    "sim-C": {
        ("UICC-002", "MF/EF.ICCID", "the check digit is wrong"),
        ("UICC-008", f"{GSM}/EF.ACC", "classes [3], expected [2]"),
        # a card that was in a phone
        ("UICC-031", f"{GSM}/EF.LOCI", "a temporary identity is stored"),
        ("UICC-032", f"{GSM}/EF.Kc", "a key of a session is stored"),
        ("UICC-035", f"{TELECOM}/EF.LND#6", "in use"),
        ("UICC-035", f"{GSM}/EF.BCCH", "in use"),
        ("UICC-045", f"{GSM}/EF.SST", "offered without a file: EF.SDN"),
    },
    "sim-D": {
        ("UICC-002", "MF/EF.ICCID", "starts with 11, expected 89"),
        # ACC FFFF
        ("UICC-008", f"{GSM}/EF.ACC", f"classes {list(range(16))}, expected [2]"),
        ("UICC-031", f"{GSM}/EF.LOCI", "network 901-99 is stored"),
        ("UICC-031", f"{GSM}/EF.LOCIGPRS", "network 510-10 is stored"),
        ("UICC-032", f"{GSM}/EF.Kc", "a key of a session is stored"),
    },
}  # fmt: skip


@pytest.mark.parametrize("card", FOUND)
def test_the_rules_find_what_is_wrong_and_nothing_else(card, dumps):
    found = findings(dumps[card], Expectation())
    assert {(item.rule, item.where, item.actual) for item in found if not item.not_checked} == FOUND[card]


@pytest.mark.parametrize("card", ["usim-A", "usim-B"])
def test_what_the_sheet_says_passes_does_so_because_it_was_looked_at(card, dumps):
    """UICC-005, UICC-079 and service 33 (UICC-042) pass on both USIMs."""
    picture = dumps[card]
    assert picture.bodies["DF.GSM/EF.IMSI"] == picture.bodies["ADF.USIM/EF.IMSI"]
    assert 33 in picture.value("ADF.USIM/EF.UST")["services"]
    names = {"ADF.USIM/EF.SMSS", "DF.TELECOM/EF.SMSS"} & set(picture.bodies)
    assert names
    assert all(picture.value(name)["memory_available"] for name in names)
    assert not {item.rule for item in findings(picture, Expectation(), rules={"UICC-005", "UICC-042", "UICC-079"})}


def test_a_card_that_was_not_read_to_the_end_says_so(dumps):
    """Their EF.ARR below DF.GSM and DF.TELECOM were never dumped."""
    found = findings(dumps["usim-A"], Expectation(), rules={"UICC-051"})
    assert [(item.not_checked, item.severity) for item in found] == [(True, Severity.WARNING)]
    assert "6F06, were not found, nor were" in found[0].actual


def leaves(value, path=()):
    if isinstance(value, dict | list):
        for key, part in value.items() if isinstance(value, dict) else enumerate(value):
            yield from leaves(part, (*path, key))
    yield path


USIM_A = document("usim-A") | {
    "format": "cardkit-dump-1",
    "globalplatform": {"card_locked": False, "keys": [{"kvn": "30", "kid": "01"}]},
    "observed": {"codes": {"01": {"state": "ASKED", "left": 3}}, "by_sfi": {"MF/EF.DIR": "61"}, "identities": [],
                 "asked": ["D009810301250082028182"], "chv": 22 * "00" + "01"},
}  # fmt: skip
PATHS = [path for path in leaves(USIM_A) if path]
ANYTHING = st.none() | st.booleans() | st.integers(-1, 300) | st.text(max_size=6) | st.just([]) | st.just({})


@settings(max_examples=20, deadline=None)
@given(path=st.sampled_from(PATHS), value=ANYTHING | st.binary(max_size=12).map(bytes.hex))
def test_a_dump_that_was_tampered_with_is_judged_or_refused(path, value):
    """Whatever stands in place of one part of a dump, there are findings, or one error that names the dump."""
    changed = copy.deepcopy(USIM_A)
    place = changed
    for key in path[:-1]:
        place = place[key]
    place[path[-1]] = value
    with contextlib.suppress(EncodingError):
        assert check(changed)

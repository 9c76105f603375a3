"""Files of railway, CDMA and home networks, counters of a card model: vectors of others (osmocom pySim, data only)."""

from __future__ import annotations

from typing import Any

import pytest

from cardkit.apps.uicc.files import CATALOGUE
from cardkit.errors import EncodingError

from .conftest import load

HEX = {case["name"]: case["in"]["hex"] for case in load("uicc_files.json")}
# The source numbers the same titles in other directories; bits of the last FN digit are all 1.
MEANINGS: dict[str, tuple[str, Any]] = {
    "EF.Switching #1": ("CT", {"next": "dialled digits", "table": "6F87", "decision": "0", "string": 0}),
    "EF.Switching #2": ("CT", {"next": "decision", "table": "6F8F", "decision": "1", "string": 1}),
    "EF.Switching #3": ("SC", {"next": "predefined", "table": "6F89", "decision": "5", "string": 5}),
    "EF.Predefined #1": ("FC", {"next": "dialled digits", "table": "6F85"}),
    "EF.Predefined #2": ("Controller", {"value": "0", "string": 200}),
    "EF.Shunting #1": ("Shunting", {"common_group": 3, "shunting_groups": "F8FFFFFF000000"}),
    "EF.DialledVals #1": ("2digits", {"next": "none", "table": "FFFF", "digits": "22"}),
    "EF.DialledVals #2": ("5to8digits", {"next": "predefined", "table": "6F88", "digits": "58"}),
    "EF.GsmrPLMN #1": ("GsmrPLMN", {
        "plmn": "228-06", "incoming_table": "6F8D", "outgoing_table": "6F8E", "ic_record": 1,
        "network": {"services": ["vbs", "vgcs", "emlpp", "functional_numbers", "eirene"], "preference": 0},
    }),
    "EF.GsmrPLMN #2": ("GsmrPLMN", {
        "plmn": "228-01", "incoming_table": "6F8D", "outgoing_table": "6F8E", "ic_record": 2,
        "network": {"services": ["functional_numbers"], "preference": 1},
    }),
    "EF.IC #1": ("IC", {"next": "decision", "table": "6F8E", "decision": "041", "network_name": 1}),
    "EF.IC #2": ("IC", {"empty": True}),
    "EF.FN #1": ("FN", {
        "functional_number": {"number": "04138510000001", "use": ["b1", "b2", "shown_alone", "permanent"]}, "list": 1,
    }),
    "EF.NW #1": ("NW", {"name": "GSM-R CH"}),
    "EF.NW #2": ("NW", {"name": "SwissGSM"}),
    "EF.NW #3": ("NW", {"name": "GSM-R DB"}),
    "EF.NW #4": ("NW", {"name": "GSM-RRFI"}),
    "EF.CallconfC #1": ("CallconfC", {
        "conference_level": "3", "conference_number": "1612", "max_random_s": 30, "max_acknowledgements": 10,
        "acknowledgement_level": "1", "max_nested_calls": 10, "train_emergency_group": 1,
        "shunting_emergency_group": 2, "imei": "350670599742620",
    }),
    "EF.SPN #1": ("DF.CDMA/EF.SPN", {"name": "Skylink NW", "show_at_home": True, "encoding": 8, "language": 1}),
    "EF.HNBN #1": ("ADF.USIM/DF.HNB/EF.HNBN", {"name": {"text": "mahlzeit", "form": "PAGE"}}),
    "EF.CSGT #1": ("ADF.USIM/DF.HNB/EF.CSGT", {"text": {"text": "foo", "form": "PAGE"}}),
    "EF.CSGT #2": ("ADF.USIM/DF.HNB/EF.OCSGT", {
        "text": {"text": "foo", "form": "PAGE"}, "icon_uri": "https://foo.bar/",
    }),
    "EF.ACSGL #1": ("ADF.USIM/DF.HNB/EF.ACSGL", {"lists": [
        {"plmn": "262-01", "groups": [{"type_record": 0, "name_record": 0, "id": 23}]},
    ]}),
    "EF.OCSGL #1": ("ADF.USIM/DF.HNB/EF.OCSGL", {"lists": [{
        "plmn": "262-01", "groups": [{"type_record": 0, "name_record": 0, "id": 23}], "display": "all groups found",
    }]}),
    "EF.GP_COUNT #1": ("DF.SYSTEM/EF.GP_COUNT", {"domain": "00", "kvn": "70", "counter": 0}),
    "EF.0348_COUNT #1": ("DF.SYSTEM/EF.0348_COUNT", {"domain": "FE", "kvn": "01", "counter": 0}),
    "EF.AD #1": ("DF.CDMA/EF.AD", {"mode": "normal", "info": "0000"}),
}  # fmt: skip


def both_ways(name: str, hexadecimal: str) -> Any:
    body = bytes.fromhex(hexadecimal)
    value = CATALOGUE[name].decode(body)
    assert CATALOGUE[name].encode(value, len(body)) == body
    return value


@pytest.mark.parametrize("case", MEANINGS)
def test_contents_mean_what_the_vector_means(case: str) -> None:
    title, expected = MEANINGS[case]
    assert both_ways(title if "/" in title else f"DF.EIRENE/EF.{title}", HEX[case]) == expected


@pytest.mark.parametrize(
    ("name", "hexadecimal", "value"),
    [
        # Cards of a maker of test SIMs: records longer than the layout, an allocation table, a CDMA provider's name.
        ("DF.EIRENE/EF.Service", "F26F85FFFFFFFFFFFFFF", {"next": "dialled digits", "table": "6F85"}),
        ("DF.CDMA/EF.SPN", "010201" + "736D6172746672656E" + 23 * "FF", {
            "name": "smartfren", "show_at_home": True, "encoding": 2, "language": 1,
        }),
        ("DF.CDMA/EF.SPN", "030901" + "4142" + 30 * "FF", {
            "name_bytes": "4142", "show_at_home": True, "encoding": 9, "language": 1, "rfu": 1,
        }),
        ("DF.CDMA/EF.SMS", "00FFFFFFFF", {"status": "free"}),
        ("DF.CDMA/EF.SMS", "21020102FF", {"status": "received, read, protected", "message": "0102"}),
        ("DF.CDMA/EF.SMS", "0106010203", {"raw": "0106010203"}),
        ("ADF.CSIM/EF.CST", "0300", {"services": [1, 2]}),
        ("ADF.CSIM/EF.IMSI_M", "00BC01C811036380D100", {
            "mcc": "310", "imsi_11_12": "00", "min": "5551234567", "programmed": True,
        }),
        ("DF.CDMA/EF.IMSI_T", "01E703E7EBF90902E703", {
            "mcc": "000", "imsi_11_12": "10", "min": "0000000000", "programmed": False, "class": 1, "address_digits": 2,
        }),
        ("DF.CDMA/EF.IMSI_M", "00BC01C80103638000FF", {"raw": "00BC01C80103638000FF"}),
        ("DF.CDMA/EF.CDMAHOME", "0204FFFF01", {"sid": 1026, "nid": 65535, "band_class": 1}),
        ("DF.CDMA/EF.MDN", "0A55153A5476FFFFFF0A00", {"number": "5551034567", "kind": "0A", "presentation": "00"}),
        ("DF.CDMA/EF.MDN", "0A5515305476FFFFFF0A00", {
            "number": {"raw": "0A5515305476FFFFFF"}, "kind": "0A", "presentation": "00",
        }),
        ("DF.CDMA/EF.RUIMID", "0478563412FFFFFF", {"id": "78563412"}),
        ("DF.CDMA/EF.CST", "CF03000000", {"activated": [1, 2, 4, 5], "allocated": [1, 2, 4, 5]}),
        ("DF.EIRENE/EF.FN", "40315801000010AF01", {
            "functional_number": {"number": "04138510000001", "use": ["b2", "permanent"]}, "list": 1,
        }),
        ("DF.EIRENE/EF.FN", "40315801000010FA01", {"functional_number": {"raw": "40315801000010FA"}, "list": 1}),
        ("DF.EIRENE/EF.CallconfI", "00003C00000001020521436587" + 8 * "FF", {
            "duration": 60, "relative_time": 1, "level": "3", "cause": "user command",
            "group_call_reference": "12345678", "functional_number": "",
        }),
    ],
)  # fmt: skip
def test_contents_of_other_cards(name: str, hexadecimal: str, value: Any) -> None:
    assert both_ways(name, hexadecimal) == value


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        (
            "DF.EIRENE/EF.FN",
            {"functional_number": {"number": "x"}, "list": 1},
            "functional_number: number: got something",
        ),
        ("DF.EIRENE/EF.FN", {"functional_number": {"number": "1", "use": ["b9"]}, "list": 1}, "use: got 'b9'"),
        ("DF.EIRENE/EF.GsmrPLMN", {"plmn": "228-06", "network": {"services": ["x"]}}, "network: services: got 'x'"),
        (
            "DF.EIRENE/EF.GsmrPLMN",
            {"plmn": "228-06", "network": {"services": [], "preference": 8}},
            "preference: got 8",
        ),
        ("DF.CDMA/EF.SPN", {"name": "Билайн", "encoding": 2, "language": 1}, "name: got a character outside ascii"),
        ("DF.CDMA/EF.SPN", {"name": "A", "encoding": 9, "language": 1}, "encoding: got 9, expected one of"),
        ("ADF.CSIM/EF.IMSI_M", {"mcc": "31"}, "min: got something else, expected 10 decimal digits"),
        ("ADF.CSIM/EF.IMSI_M", {"min": "5551234567", "imsi_11_12": "00", "mcc": "31"}, "mcc: got something else"),
        ("ADF.CSIM/EF.IMSI_M", {"min": "5551234567", "address_digits": 8}, "address_digits: got 8"),
        ("ADF.CSIM/EF.IMSI_M", {"min": "5551234567", "programmed": 1}, "programmed: got 1"),
        ("ADF.CSIM/EF.MDN", {"number": "x", "kind": "00", "presentation": "00"}, "number: got something else"),
        ("ADF.CSIM/EF.MDN", {"number": 5, "kind": "00", "presentation": "00"}, "number: got something else"),
        ("DF.CDMA/EF.SPN", {"show_at_home": 1}, "show_at_home: got 1"),
    ],
)
def test_wrong_contents_are_named(name: str, value: Any, message: str) -> None:
    with pytest.raises(EncodingError, match=f"{name}: .*{message}".replace(".", r"\.").replace(r"\.*", ".*")):
        CATALOGUE[name].encode(value, 35)

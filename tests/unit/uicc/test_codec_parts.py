"""Forms that are rare on cards: other codings of text and names, hosts, objects that follow no table."""

from __future__ import annotations

from typing import Any

import pytest

from cardkit.apps.uicc.files import CATALOGUE
from cardkit.errors import EncodingError


def both_ways(name: str, hexadecimal: str) -> Any:
    body = bytes.fromhex(hexadecimal)
    value = CATALOGUE[name].decode(body)
    assert CATALOGUE[name].encode(value, len(body)) == body
    return value


@pytest.mark.parametrize(
    ("record", "value"),
    [
        # packed with country initials; UCS-2; reserved scheme; spare bits that are not the usual
        ("43028941", {"text": "A", "ucs2": False, "country_initials": True}),
        ("4303900042", {"text": "B", "ucs2": True, "country_initials": False}),
        ("4305980042 0043".replace(" ", ""), {"text": "BC", "ucs2": True, "country_initials": True}),
        ("4302A041", {"raw": "A041"}),
        ("4300", {"raw": ""}),
        ("43028041", {"raw": "8041"}),
        ("430390041A", "\u041a"),
    ],
)
def test_network_names(record: str, value: Any) -> None:
    expected = {"full_name": value}
    found = both_ways("ADF.USIM/EF.PNN", record + "FF" * 4)
    if value == {"raw": "8041"}:
        # Seven septets may end in @ or in seven spare bits: whichever it is, the bytes stay.
        assert "full_name" in found
        return
    assert found == expected


def test_network_name_values_are_checked() -> None:
    spec = CATALOGUE["ADF.USIM/EF.PNN"]
    for wrong in ({"text": "A"}, 5, {"text": "A", "ucs2": False, "country_initials": True, "x": 1}):
        with pytest.raises(EncodingError, match="full_name: got something else"):
            spec.encode({"full_name": wrong}, 20)
    assert spec.encode({"full_name": {"raw": "A041"}}, 6).hex() == "4302a041ffff"


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("00" + "80041A0430FFFFFFFF", "\u041a\u0430"),
        ("00" + "8000410042FFFFFF", {"text": "AB", "form": "UCS2"}),
        ("00" + "8102089AB0FFFFFF", {"text": "\u041a\u0430", "form": "PAGE"}),
        ("00" + "8202041080A0FFFF", {"text": "\u0410\u0430", "form": "BASE"}),
        ("00" + "41FF42FFFFFFFF", {"raw": "41FF42FFFFFFFF"}),
    ],
)
def test_alpha_fields_keep_their_form(name: str, value: Any) -> None:
    found = both_ways("ADF.USIM/EF.SPN", name)["name"]
    assert found == value


def test_alpha_form_is_checked() -> None:
    spec = CATALOGUE["ADF.USIM/EF.SPN"]
    with pytest.raises(EncodingError, match="name: form: got 'UCS4', expected one of GSM7, UCS2, PAGE, BASE"):
        spec.encode({"name": {"text": "A", "form": "UCS4"}}, 17)
    assert spec.encode({"name": {"text": "A", "form": "UCS2"}}, 5).hex() == "00800041ff"


@pytest.mark.parametrize(
    ("record", "value"),
    [
        ("800501C0A80C22", "192.168.12.34"),
        ("800401C0A80C", {"raw": "01C0A80C"}),
        ("800700312E322E332E"[:18], {"raw": "00312E322E332E"}),
        ("8009003130 2E302E302E31".replace(" ", ""), {"raw": "0031302E302E302E31"}),
        ("8000", {"raw": ""}),
        ("8003056162", {"raw": "056162"}),
        ("800300C328", {"raw": "00C328"}),
    ],
)
def test_hosts(record: str, value: Any) -> None:
    found = both_ways("ADF.ISIM/EF.P-CSCF", record + "FFFF")["p_cscf"]
    assert found == (value if not (isinstance(value, dict) and value["raw"] == "00312E322E332E") else "1.2.3.")


def test_a_zone_is_not_part_of_an_address() -> None:
    with pytest.raises(EncodingError, match="without a zone"):
        CATALOGUE["ADF.ISIM/EF.P-CSCF"].encode({"p_cscf": "fe80::1%eth0"}, 60)


def test_text_that_is_no_utf8_stays_raw() -> None:
    assert both_ways("ADF.ISIM/EF.IMPI", "8002C328FF") == {"impi": {"raw": "C328"}}
    with pytest.raises(EncodingError, match="impi: got a lone surrogate"):
        CATALOGUE["ADF.ISIM/EF.IMPI"].encode({"impi": "\ud800"}, 20)


def test_unknown_objects_stay_where_they_are() -> None:
    value = both_ways("ADF.USIM/EF.NASCONFIG", "8001009F0103AABBCC81010100FF"[:-4] + "FF")
    assert value == {"nas_signalling_priority": 0, "tag_9F01": "AABBCC", "nmo_i_behaviour": 1}


@pytest.mark.parametrize(
    ("name", "body"),
    [
        ("ADF.USIM/EF.NASCONFIG", "80020001FF8A"),  # truncated second object
        ("ADF.USIM/EF.SPDI", "A405800300F110FF"),  # another outer object
        ("ADF.USIM/EF.EARFCNList", "A106FF"),  # truncated
        ("MF/EF.DIR", "6106FF"),
    ],
)
def test_bodies_that_break_their_grammar_stay_raw(name: str, body: str) -> None:
    assert both_ways(name, body) == {"raw": body}


@pytest.mark.parametrize(
    ("name", "body", "value"),
    [
        ("ADF.USIM/EF.NASCONFIG", "800100800101FF", {"objects": ["800100", "800101"]}),
        ("ADF.USIM/EF.NASCONFIG", "80810100810101FF", {
            "nas_signalling_priority": 0, "nmo_i_behaviour": 1, "lengths": {"nas_signalling_priority": 2},
        }),
        ("ADF.USIM/EF.SPDI", "A307800300F110FFFFFF", {"plmns": ["001-01"], "padding": "FFFF"}),
        ("ADF.ISIM/EF.P-CSCF", "80" + 20 * "FF", {"unwritten": "p_cscf"}),
        ("ADF.ISIM/EF.P-CSCF", "80", {"unwritten": "p_cscf"}),
        # A card with one FF too many inside the application template
        ("MF/EF.DIR", "611D4F10A0000000871002FFFFFFFF890103000050084D54542D5553494DFFFFFF", {
            "aid": "A0000000871002FFFFFFFF8901030000", "label": "MTT-USIM", "padding": "FF",
        }),
        ("DF.TELECOM/DF.PHONEBOOK/EF.PBR", "A80AC0034F3A01CA034F5002" + "FF", {"same_record": {
            "adn": [{"fid": "4F3A", "sfi": 1}], "email": [{"fid": "4F50", "sfi": 2}],
        }}),
        ("DF.TELECOM/DF.PHONEBOOK/EF.PBR", "A80CC4024F11CA024F50C4024F12" + "FF", {"same_record": {
            "objects": ["C4024F11", "CA024F50", "C4024F12"],
        }}),
    ],
)  # fmt: skip
def test_objects_of_unusual_form_stay_readable(name: str, body: str, value: Any) -> None:
    assert both_ways(name, body) == value


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ({"unwritten": "x"}, "unwritten: got 'x', expected one of p_cscf"),
        ({"p_cscf": "a", "lengths": 1}, "lengths: got something else"),
        ({"p_cscf": "a", "lengths": {"p_cscf": 9}}, "p_cscf: length 2 does not fit"),
        ({"objects": 5}, "got int, expected a list"),
        ({"p_cscf": "a", "objects": ["80"]}, "objects: got an unknown field"),
    ],
)
def test_marks_of_unusual_form_are_checked(value: Any, message: str) -> None:
    with pytest.raises(EncodingError, match=message):
        CATALOGUE["ADF.ISIM/EF.P-CSCF"].encode(value, 40)


def test_parts_that_break_their_grammar_leave_the_others_readable() -> None:
    # a list of networks with a byte too many; a key group with a truncated object; an area with half a point
    assert both_ways("ADF.USIM/EF.SPDI", "A306800400F11062") == {"plmns": {"raw": "00F11062"}}
    suci = both_ways("ADF.USIM/DF.5GS/EF.SUCI_Calc_Info", "A0020101A104800101 81".replace(" ", "") + "FF")
    assert suci == {"schemes": [{"scheme": "profile A", "key_index": 1}], "keys": {"raw": "80010181"}}
    earfcn = both_ways("ADF.USIM/EF.EARFCNList", "A00B800400010000810300000AFFFF")
    assert earfcn == {"lists": [{"earfcn": 65536, "areas": [{"raw": "00000A"}]}]}
    assert both_ways("ADF.USIM/EF.EARFCNList", "A0028004FF") == {"lists": [{"raw": "8004"}]}


def test_bytes_behind_the_layout_are_kept() -> None:
    assert both_ways("ADF.USIM/EF.LOCI", "FFFFFFFFFFFFFF0000FF01AB")["rest"] == "AB"
    assert both_ways("ADF.ISIM/EF.DOMAIN", "80016100000000") == {"domain": "a", "rest": "00000000"}
    assert both_ways("ADF.USIM/EF.SMSS", "FFFF01") == {"last_reference": 255, "memory_available": True, "rest": "01"}
    assert both_ways("ADF.USIM/EF.GBABP", "01AA01BB01CCFF00") == {
        "rand": "AA", "b_tid": "BB", "lifetime": "CC", "rest": "FF00"
    }  # fmt: skip


def test_reserved_bits_are_kept() -> None:
    assert both_ways("ADF.USIM/EF.SMSS", "FF03")["rfu"] == 1
    assert both_ways("ADF.USIM/EF.SPN", "81" + "FF" * 16)["rfu"] == 0x20
    assert both_ways("ADF.USIM/EF.AD", "00000032")["rfu"] == 3
    assert both_ways("ADF.USIM/EF.EST", "81") == {"enabled": ["FDN", "b8"]}
    assert both_ways("ADF.USIM/EF.SMSP", "A1" + "FF" * 27)["indicator_rfu"] == 5
    for name, value in (
        ("ADF.USIM/EF.SMSS", {"last_reference": 0, "memory_available": True, "rfu": 128}),
        ("ADF.USIM/EF.SMSP", {"indicator_rfu": 8}),
    ):
        with pytest.raises(EncodingError, match="rfu: got"):
            CATALOGUE[name].encode(value, 28)


def test_numbers_of_unusual_type() -> None:
    record = "41" + "04B12143F5" + "FF" * 9
    assert both_ways("ADF.USIM/EF.MSISDN", record) == {
        "alpha": "A", "number": "12345", "ton": "network specific", "npi": "ISDN"
    }  # fmt: skip
    assert both_ways("ADF.USIM/EF.MSISDN", "03A22143" + "FF" * 10)["npi"] == "npi 2"
    assert both_ways("ADF.USIM/EF.CFIS", "0101" + "03A12143" + "FF" * 10)["number"] == {
        "number": "1234", "ton": "national", "npi": "ISDN"
    }  # fmt: skip


def test_service_dialling_characters() -> None:
    spec = CATALOGUE["DF.TELECOM/EF.ADN"]
    record = spec.encode({"alpha": "Balance", "number": "*100#"}, 28)
    assert record.hex().upper() == "42616C616E6365" + "FF" * 7 + "04811A00FB" + "FF" * 9
    assert spec.decode(record)["number"] == "*100#"
    assert spec.encode({"number": "112", "ccp": 1, "ext": 2}, 14).hex() == "038111f2" + "ff" * 8 + "0102"

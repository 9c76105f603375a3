"""Values of a record are checked: the message names file and field, what was got and what is expected."""

from __future__ import annotations

from typing import Any

import pytest

from cardkit.apps.uicc.codecs.cardmodel import auth_key_config
from cardkit.apps.uicc.files import CATALOGUE
from cardkit.errors import EncodingError

LOCI = {"tmsi": "FFFFFFFF", "plmn": "", "lac": "0000", "status": "not updated"}
REFUSED: list[tuple[str, Any, int, str]] = [
    ("ADF.USIM/EF.IMSI", {"imsi": "00101000000001x"}, 9, "imsi: got something else, expected decimal digits"),
    ("ADF.USIM/EF.IMSI", {"imsi": "0010100000000011"}, 9, "imsi: got 16 digits, expected 6 to 15"),
    ("ADF.USIM/EF.IMSI", {"imsi": "001010000000001"}, 8, "got 9 bytes of content, expected 8 or fewer"),
    ("ADF.USIM/EF.IMSI", {"imsi": 1010000000001}, 9, "imsi: got something else"),
    ("ADF.USIM/EF.IMSI", {"msin": "1"}, 9, "msin: got an unknown field, expected one of imsi"),
    ("ADF.USIM/EF.IMSI", "001010000000001", 9, "got str, expected a table of fields"),
    ("MF/EF.ICCID", {"iccid": "89001"}, 10, "iccid: got 5 digits, expected 18 to 20"),
    ("MF/EF.ICCID", {"iccid": "890010000000000000001"}, 10, "iccid: got 21 digits"),
    ("MF/EF.PL", {"entries": ["eng"]}, 4, r"entries\[0\]: got 'eng', expected ASCII text of 2 letters"),
    ("ADF.USIM/EF.FPLMN", {"entries": ["00101"]}, 12, r"entries\[0\]: got '00101', expected a network such as 001-01"),
    ("ADF.USIM/EF.FPLMN", {"entries": ["001-01"] * 5}, 12, "entries: got 5, expected 4 or fewer"),
    ("ADF.USIM/EF.FPLMN", {"entries": "001-01"}, 12, "entries: got str, expected a list"),
    ("ADF.USIM/EF.PLMNwAcT", {"entries": [{"plmn": "001-01", "act": ["LTE"]}]}, 5, "act: got 'LTE', expected some of"),
    ("ADF.USIM/EF.PLMNwAcT", {"entries": [{"plmn": "001-01"}]}, 5, "act: got nothing"),
    ("ADF.USIM/EF.LOCI", {**LOCI, "status": "unknown"}, 11, "status: got 'unknown', expected one of updated"),
    ("ADF.USIM/EF.LOCI", {**LOCI, "lac": "00"}, 11, "lac: got 1 bytes, expected 2"),
    ("ADF.USIM/EF.LOCI", {**LOCI, "lac": "zz"}, 11, "lac: got something else, expected an even number of hex"),
    ("ADF.USIM/EF.ACC", {"classes": [16]}, 2, "classes: got 16, expected numbers from 0 to 15"),
    ("ADF.USIM/EF.ACC", {"classes": [True]}, 2, "classes: got True"),
    ("ADF.USIM/EF.AD", {"mode": "live", "mnc_length": 2}, 4, "mode: got 'live', expected one of normal"),
    ("ADF.USIM/EF.AD", {"mode": "normal"}, 4, "mnc_length: got None, expected 2 or 3"),
    ("ADF.USIM/EF.AD", {"mode": "normal", "mnc_length": 16}, 4, "mnc_length: got 16"),
    ("ADF.USIM/EF.SPN", {"name": "A name of seventeen"}, 17, "name: alpha field: the text takes 19 bytes"),
    ("ADF.USIM/EF.SPN", {"name": "x", "show_plmn_in_hplmn": 1}, 17, "expected true or false"),
    ("ADF.USIM/EF.HPPLMN", {"interval": 256}, 1, "interval: got 256, expected a number from 0 to 255"),
    ("ADF.USIM/EF.HPPLMN", {}, 1, "interval: got nothing"),
    ("ADF.USIM/EF.MSISDN", {"number": "+49x"}, 34, "dialling digits"),
    ("ADF.USIM/EF.MSISDN", {"number": "+" + "1" * 21}, 34, "number: got 21 digits, expected 20 or fewer"),
    ("ADF.USIM/EF.MSISDN", {"number": "1"}, 13, "got a record of 13 bytes, expected 14 or more"),
    ("ADF.USIM/EF.MSISDN", {"number": "1", "ton": "local"}, 34, "ton, npi: got 'local' and 'ISDN'"),
    ("ADF.USIM/EF.MSISDN", {"alpha": 5, "number": "1"}, 34, "alpha: got int, expected text"),
    ("ADF.USIM/EF.SMSP", {"sc": "+1", "validity_minutes": 7}, 28, "validity_minutes: got 7 minutes"),
    ("ADF.USIM/EF.SMSP", {"sc": "+" + "1" * 21}, 28, "sc: got 21 digits"),
    ("ADF.USIM/EF.SMSP", {"present": ["vp"]}, 28, "present: got"),
    ("ADF.USIM/EF.SMSS", {"last_reference": 1}, 2, "memory_available: got None"),
    ("ADF.USIM/EF.ECC", {"number": "1234567"}, 20, "number: got something else"),
    ("ADF.USIM/EF.ECC", {"number": "112", "services": ["coast guard"]}, 20, "got 'coast guard', expected some of"),
    ("ADF.USIM/EF.UST", {"services": [0]}, 20, "services: got 0, expected numbers from 1 to 160"),
    ("DF.GSM/EF.SST", {"activated": [41], "allocated": []}, 10, "activated: got 41, expected numbers from 1 to 40"),
    ("ADF.USIM/EF.SPDI", {"plmns": ["1-1"]}, 32, "plmns: got '1-1', expected a network"),
    ("ADF.USIM/EF.PNN", {"full_name": 5}, 24, "full_name: got something else"),
    ("ADF.USIM/EF.PNN", {"full_name": "x" * 40}, 24, "got 38 bytes of content, expected 24 or fewer"),
    ("ADF.USIM/EF.PNN", {"fullname": "x"}, 24, "fullname: got an unknown field, expected one of full_name"),
    ("ADF.USIM/EF.ePDGId", {"epdg": ""}, 60, "epdg: got '', expected a domain name"),
    ("ADF.USIM/EF.EPSNSC", {"tag_": "00"}, 80, "TLV tag"),
    ("ADF.USIM/DF.5GS/EF.Routing_Indicator", {"routing_indicator": "12345"}, 4, "got 5 digits, expected 0 to 4"),
    ("ADF.ISIM/EF.IMPI", {"impi": "x" * 200}, 128, "got 203 bytes of content, expected 128"),
    ("ADF.ISIM/EF.IMPI", {}, 128, "got nothing, expected one of impi"),
    ("ADF.USIM/EF.GID1", {"gid": "1"}, 4, "gid: got something else, expected an even number"),
    ("MF/EF.ARR", {"rules": [{"mode": "01", "conditions": ["PIN3"]}]}, 30, "got .PIN3., expected always, never or a"),
    ("MF/EF.ARR", {"rules": [{"mode": "01"}]}, 30, r"rules\[0\]: got something else"),
    ("MF/EF.ARR", {"rules": [{"command": "7032", "conditions": []}]}, 30, "expected 81 to 8F"),
    ("ADF.USIM/EF.LOCI", {"raw": "00"}, 11, "raw: got 1 bytes, expected 11"),
]  # fmt: skip


@pytest.mark.parametrize(("name", "value", "size", "message"), REFUSED)
def test_a_wrong_value_is_refused_with_file_and_field(name: str, value: Any, size: int, message: str) -> None:
    with pytest.raises(EncodingError, match=message) as caught:
        CATALOGUE[name].encode(value, size)
    assert str(caught.value).startswith(f"{name}: ")
    assert "\n" not in str(caught.value)


def test_hexadecimal_digits_may_be_small() -> None:
    assert CATALOGUE["ADF.USIM/EF.LOCI"].encode({**LOCI, "tmsi": "ffffffff"}, 11).hex() == "ffffffffffffff0000ff01"


def test_the_order_of_words_does_not_matter() -> None:
    spec = CATALOGUE["ADF.USIM/EF.PLMNwAcT"]
    entries = [{"plmn": "001-01", "act": ["GSM", "UTRAN"]}]
    assert spec.encode({"entries": entries}, 10).hex() == "00f1108080ffffff0000"


def test_keys_never_stand_in_messages() -> None:
    key = "0123456789ABCDEF0123456789ABCDEF"
    for value in (
        {"algorithm": "Milenage", "k": key, "opc": key + "AB"},
        {"algorithm": "Milenage", "k": key, "opc": key, "x": 1},
    ):
        with pytest.raises(EncodingError) as caught:
            CATALOGUE["ADF.USIM/EF.USIM_AUTH_KEY"].encode(value, 33)
        assert "012345" not in str(caught.value)


@pytest.mark.parametrize(
    ("arguments", "byte"),
    [
        (("Milenage", True, 1, False), 0x14), (("Milenage", False, 1, False), 0x04), (("XOR", True, 2, False), 0x3F),
        (("TUAK", True, 1, True), 0x56), (("XOR-2G", True, 1, False), 0x1E),
    ],
)  # fmt: skip
def test_first_byte_of_a_key_file(arguments: tuple[str, bool, int, bool], byte: int) -> None:
    algorithm, opc, variant, short = arguments
    assert auth_key_config(algorithm, opc=opc, sres_variant=variant, short_res=short) == byte


@pytest.mark.parametrize(
    ("text", "body"),
    [
        ("Билайн", "81060891B8BBB0B9BD"),
        ("O\u02bbzbekiston", "810B054FBB7A62656B6973746F6E"),
        ("Қазақтелеком", "82"),
    ],
)
def test_alpha_fields_pick_the_shortest_form(text: str, body: str) -> None:
    spec = CATALOGUE["ADF.USIM/EF.SPN"]
    coded = spec.encode({"name": text}, 25).hex().upper()[2:]
    assert coded.startswith(body)
    assert spec.decode(bytes.fromhex("00" + coded))["name"] == text

"""Files of calls, messages, phone book and bootstrapping: bytes laid out by the standards' tables, and back."""

from __future__ import annotations

from typing import Any

import pytest

from cardkit.apps.uicc.codecs.phonebook import LAYOUTS, LINKED_LAYOUTS
from cardkit.apps.uicc.files import CATALOGUE
from cardkit.errors import EncodingError

USIM, BOOK = "ADF.USIM/EF.", "DF.TELECOM/DF.PHONEBOOK/EF."
_NUMBER = "06 91 947101 32F4 FFFFFFFFFF"

CONTENTS: list[tuple[str, str, Any]] = [
    # price 21 * 10^-4 of a unit
    (USIM + "PUCT", "455552 01 95".replace(" ", ""), {"currency": "EUR", "price": {"mantissa": 21, "exponent": -4}}),
    (USIM + "PUCT", "FFFFFF0000", {"currency": "", "price": {"mantissa": 0, "exponent": 0}}),
    (USIM + "PUCT", "FFFFFF0010", {"currency": "", "price": {"raw": "0010"}}),
    (USIM + "ICI", "414DFF" + _NUMBER + "FFFF 42108061450021 00003C 00 010203", {
        "alpha": "AM", "number": "+491710234", "date": "2024-01-08 16:54:00 +03:00", "seconds": 60,
        "status": "answered", "link": "010203",
    }),
    (USIM + "OCI", "FF" + _NUMBER + "0102 4210806145004A 000000 FFFFFF", {
        "alpha": "", "number": "+491710234", "ccp": 1, "ext": 2, "date": "2024-01-08 16:54:00 -06:00", "seconds": 0,
        "link": "FFFFFF",
    }),
    # blank but for duration and link, as cards of a maker of test SIMs have it
    (USIM + "OCI", 24 * "FF" + "000000 01FFFF", {
        "alpha": "", "number": "", "date": "", "seconds": 0, "link": "01FFFF",
    }),
    (USIM + "ICI", "FF" + _NUMBER + "FFFF 42FF80614500FF 00003C 02 FFFFFF", {
        "alpha": "", "number": "+491710234", "date": {"raw": "42FF80614500FF"}, "seconds": 60, "status": 2,
        "link": "FFFFFF",
    }),
    (USIM + "CMI", "4D61736B FFFF 03", {"alpha": "Mask", "method": 3}),
    (USIM + "CMI", "", {"raw": ""}),
    (USIM + "NIA", "01 4D61696C FFFF", {"category": 1, "text": "Mail"}),
    (USIM + "CCP2", "04 A1B8B100 FFFFFFFFFFFFFFFFFFFF", {"bearer_capability": "A1B8B100"}),
    (USIM + "CCP2", "20 A1B8B100", {"raw": "20A1B8B100"}),
    (USIM + "MMSN", "0001 01 8C8298 FFFFFF FF", {"status": "0001", "implementation": "01", "notification": "8C8298"}),
    (USIM + "MMSN", "0000 00 FFFF 02", {"status": "0000", "implementation": "00", "notification": "", "ext": 2}),
    (USIM + "MMSUP", "800101 810141 820102 FF", {"implementation": "01", "name": "A", "preferences": "02"}),
    (USIM + "MMSICP", "AB 08 800101 8103 612E62 FFFF", {"sets": [{"implementation": "01", "relay": "a.b"}]}),
    (USIM + "NETPAR", "A0 03 800101 A1 00 FFFF", {"gsm": "800101", "fdd": ""}),
    (USIM + "UFC", "0300", {"facilities": [1, 2]}),
    (USIM + "OCST", "02 800105 FFFF", {"sense": 2, "tag_80": "05"}),
    (USIM + "OCST", "02 FFFF", {"sense": 2, "empty": True}),
    (USIM + "OCST", "02 80FF", {"sense": 2, "raw": "80FF"}),
    (USIM + "IPS", "4F4B 01 FF", {"status": "OK", "device_record": 1}),
    (USIM + "GBABP", "01AA 00 01BB FFFF", {"rand": "AA", "b_tid": "", "lifetime": "BB"}),
    (USIM + "GBABP", "01AA 00", {"raw": "01AA00"}),
    (USIM + "GBAUAPI", "80 05 02 A000 01 61 80 02 00 01 FF", {
        "access": [{"aid": "A000", "naf_id": "61"}, {"raw": "0001"}],
    }),
    (USIM + "MSK", "62F210 02 00000001 0000000A 00000002 0000000B FFFF", {
        "key_domain": "62F210", "keys": [{"id": "00000001", "time_stamp": 10}, {"id": "00000002", "time_stamp": 11}],
    }),
    (USIM + "MSK", "62F2", {"raw": "62F2"}),
    (USIM + "MSK", "62F210 02 00000001 0000", {"raw": "62F21002000000010000"}),
    (USIM + "MUK", "A0 06 800141 820142 81 02 0001 FF", {"muk_id": {"idr": "41", "idi": "42"}, "time_stamp": "0001"}),
    ("ADF.ISIM/EF.IMSConfigData", "800100 8105 3C782F3E20", {"encoding": "00", "data": "<x/> "}),
    ("DF.TELECOM/DF.GRAPHICS/EF.IMG", "01 2E28 11 4F04 0000 00E8 FF", {"instances": [
        {"width": 46, "height": 40, "coding": "basic", "fid": "4F04", "offset": 0, "length": 232},
    ]}),
    ("DF.TELECOM/DF.GRAPHICS/EF.IMG", "02 2E28 11 4F04 0000 00E8 FF", {"raw": "022E28114F04000000E8FF"}),
    (BOOK + "PBR", "A8 05 C003 4F3A01 A9 09 C40401020304 C5014F FF", {
        "same_record": {"adn": [{"fid": "4F3A", "sfi": 1}]},
        "linked": {"anr": [{"raw": "01020304"}], "pbc": [{"raw": "4F"}]},
    }),
    ("ADF.USIM/DF.WLAN/EF.Pseudo", "0003 612E62 FFFF", {"pseudonym": "a.b"}),
    ("ADF.USIM/DF.WLAN/EF.UWSIDL", "03 612E62 FF", {"network": "a.b"}),
    ("ADF.USIM/DF.WLAN/EF.WHPI", "00", {"home_network_first": "no"}),
    ("DF.SYSTEM/EF.0348_KEY", "0070 10 404142434445464748494A4B4C4D4E4F" + 16 * "FF", {
        "domain": "00", "kvn": "70", "kind": "10", "key": "404142434445464748494A4B4C4D4E4F",
    }),
]  # fmt: skip


@pytest.mark.parametrize(("name", "hexadecimal", "value"), CONTENTS)
def test_contents(name: str, hexadecimal: str, value: Any) -> None:
    body = bytes.fromhex(hexadecimal.replace(" ", ""))
    assert CATALOGUE[name].decode(body) == value
    assert CATALOGUE[name].encode(value, len(body)) == body


@pytest.mark.parametrize(
    ("kind", "linked", "hexadecimal", "value"),
    [
        ("adn", False, "41" + _NUMBER + "FFFF", {"alpha": "A", "number": "+491710234"}),
        ("iap", False, "01FF03FF", {"entries": [1, 255, 3]}),
        ("anr", False, "01" + _NUMBER + "FF02", {"name_record": 1, "number": "+491710234", "ext": 2}),
        ("anr", True, "01" + _NUMBER + "FFFF 01 05", {
            "name_record": 1, "number": "+491710234", "adn_sfi": 1, "adn_record": 5,
        }),
        ("email", False, "614062 FFFF", {"alpha": "a¡b"}),  # 40 is no @ in the default alphabet
        ("email", True, "610062 FF 01 05", {"alpha": "a@b", "adn_sfi": 1, "adn_record": 5}),
        ("pbc", False, "0102", {"control": ["changed"], "hidden_group": 2}),
        ("grp", False, "010300", {"entries": [1, 3]}),
        ("gas", False, "46616D FF", {"alpha": "Fam"}),
        ("uid", False, "0007", {"uid": 7}),
        ("puri", False, "8003 7369 70 FF", {"uri": "sip"}),
    ],
)  # fmt: skip
def test_files_of_the_phone_book(kind: str, linked: bool, hexadecimal: str, value: Any) -> None:
    codec = (LINKED_LAYOUTS if linked else LAYOUTS)[kind]
    body = bytes.fromhex(hexadecimal.replace(" ", ""))
    assert codec.decode(body) == value
    assert codec.encode(value, len(body)) == body


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("PUCT", {"currency": "EUR", "price": 5}, "price: got something else, expected mantissa and exponent"),
        ("PUCT", {"currency": "EUR", "price": {"mantissa": 4096, "exponent": 0}}, "price: mantissa: got 4096"),
        ("PUCT", {"currency": "EUR", "price": {"mantissa": 1, "exponent": 8}}, "price: exponent: got 8"),
        ("OCI", {"alpha": "", "number": "", "date": "2024-01-08", "seconds": 0, "link": "FFFFFF"}, "date: got '2024"),
        ("OCI", {"alpha": "", "rest": "00"}, "rest: got an unknown field"),
        ("MMSN", {"status": "0000", "implementation": "00", "notification": 80 * "AA"}, "notification: got 80 bytes"),
        ("GBABP", {"rand": 256 * "AA", "b_tid": "", "lifetime": ""}, "rand: got 256 bytes, expected 255 or fewer"),
        ("GBAUAPI", {"access": ["x"]}, "access: got str, expected a table of aid, naf_id"),
        ("MSK", {"key_domain": "62F210", "keys": {"raw": "00"}}, "keys: got 1 bytes, expected 8 a key"),
        ("CCP2", {"bearer_capability": 300 * "00"}, "bearer_capability: got 300, expected a number from 0 to 255"),
        ("CMI", {"alpha": "A", "method": 1, "x": 1}, "x: got an unknown field"),
    ],
)
def test_wrong_contents_are_named(name: str, value: Any, message: str) -> None:
    with pytest.raises(EncodingError) as caught:
        CATALOGUE[USIM + name].encode(value, 5 if name == "PUCT" else 60)
    assert message in str(caught.value)


def test_references_to_files_are_checked() -> None:
    spec = CATALOGUE[BOOK + "PBR"]
    for wrong, message in (
        (5, "got int, expected a table"),
        ({"fid": "4F"}, "fid: got 1 bytes"),
        ({"fid": 1}, "adn: "),
    ):
        with pytest.raises(EncodingError) as caught:
            spec.encode({"same_record": {"adn": [wrong]}}, 20)
        assert message in str(caught.value)

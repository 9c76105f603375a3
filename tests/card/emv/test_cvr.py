"""Card verification results, bit by bit as sheet payment.md 8.6 has them (CCD: EMV Book 3, C9)."""

import pytest

from cardkit.virtual.emv import versions
from cardkit.virtual.emv.cvr import Cryptogram, Facts, Issuer, Passed, issuer_application_data

from .issuance import IADS

CVR = {"ccd5": slice(3, 8), "mchip14": slice(2, 8), "vsdc18": slice(3, 7), "vsdc22": slice(3, 8)}
FAILED, DONE = Issuer.FAILED, Issuer.SUCCESSFUL
# facts of a first AAC, and the CVR bytes in which they show: CCD, M/Chip, VSDC
FIRST = {
    "nothing": ({}, "8000000000", "800000200000", "03800000"),
    "TC": ({"first": Cryptogram.TC}, "9000000000", "900000200000", "03900000"),
    "ARQC": ({"first": Cryptogram.ARQC}, "A000000000", "A00000200000", "03A00000"),
    "CDA": ({"cda": True}, "8800000000", "804000200000", "03800000"),
    "DDA": ({"dda": True}, "8400000000", "808000200000", "03800002"),
    "tries": ({"tries": 3}, "8030000000", "800003200000", "03800000"),
    "right PIN": ({"pin": True}, "8008000000", "850000000000", "03840000"),
    "wrong PIN": ({"pin": False}, "800C000000", "840000100000", "03860000"),
    "enciphered": ({"pin": True, "enciphered": True}, "8008000000", "870000000000", "03840000"),
    "PIN blocked": ({"pin_blocked": True}, "8002000000", "800000280000", "03804000"),
    "incomplete": ({"incomplete": True}, "8001000000", "800000A00000", "03808000"),
    "new card": ({"new_card": True}, "8000000000", "800000200000", "03801000"),
    "online next": ({"online_next": True}, "8000000200", "800000200800", "03800000"),
    "failed before": ({"failed_before": True}, "8000000000", "800000200400", "03800800"),
    "scripts": ({"scripts": 5}, "8000005000", "800050200200", "03800050"),
    "many scripts": ({"scripts": 99}, "800000F000", "8000F0200200", "038000F0"),
    "script failed": ({"script_failed": True}, "8000000800", "800000200100", "03800008"),
    "domestic": ({"domestic": True}, "8000000000", "800000220000", "03800000"),
    "foreign": ({"domestic": False}, "8000000000", "800000240000", "03800000"),
    "lower count": ({"passed": Passed(lower_count=True)}, "8000800000", "800000208000", "03802000"),
    "upper count": ({"passed": Passed(upper_count=True)}, "8000400000", "800000204000", "03802000"),
    "lower amount": ({"passed": Passed(lower_amount=True)}, "8000200000", "800000202000", "03802000"),
    "upper amount": ({"passed": Passed(upper_amount=True)}, "8000100000", "800000201000", "03802000"),
}
SECOND = {
    "AAC": ({}, "2200000000", "200000200000", "03200400"),
    "TC": ({"second": 1}, "6200000000", "600000200000", "03600400"),
    "issuer failed": ({"issuer": FAILED}, "2100000000", "201000200400", "03280000"),
    "issuer right": ({"issuer": DONE, "second": 1}, "6000000000", "601000200000", "03600000"),
    "unable": ({"unable": True}, "2200000100", "200000600000", "03210000"),
    "CDA": ({"cda": True}, "2A00000000", "202000200000", "03200400"),
}


def told(name, facts):
    template = bytes.fromhex(IADS[name])
    return issuer_application_data(versions.of(template), template, facts)[CVR[name]].hex().upper()


@pytest.mark.parametrize("fact", FIRST)
def test_facts_of_a_first_cryptogram(fact):
    facts, *expected = FIRST[fact]
    made = Facts(**{"first": Cryptogram.AAC, **facts})
    assert [told(name, made) for name in ("ccd5", "mchip14", "vsdc18")] == expected
    assert told("vsdc22", made) == expected[2][2:] + "0000"


@pytest.mark.parametrize("fact", SECOND)
def test_facts_of_a_second_cryptogram(fact):
    facts, *expected = SECOND[fact]
    made = Facts(**{"first": Cryptogram.ARQC, "second": 0, **facts})
    assert [told(name, made) for name in ("ccd5", "mchip14", "vsdc18")] == expected


def test_counters_and_dynamic_numbers_stand_in_their_places():
    facts = Facts(first=Cryptogram.AAC, count=300, amount=10**13)
    template = bytes.fromhex(IADS["mchip15"])
    iad = issuer_application_data(versions.of(template), template, facts, bytes.fromhex("AABBCCDDEEFF0011"))
    assert iad.hex().upper() == "0115" + "800000200000" + "AABB" + "999999999999" + "FF" + "FF"
    assert issuer_application_data(versions.of(template), template, facts)[8:10].hex().upper() == "DAC0"
    template = bytes.fromhex(IADS["ccd5"])
    iad = issuer_application_data(versions.of(template), template, Facts(first=Cryptogram.TC, count=7, amount=1234))
    assert iad.hex().upper() == "0FA501" + "9000000000" + "000000001234" + "07" + "FF" + "0F" + "00" * 15

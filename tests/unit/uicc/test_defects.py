"""Misreadings and crashes seen in other tools, each with the bytes that provoke it: ours must not have them."""

from __future__ import annotations

from typing import Any

import pytest

from cardkit.apps.uicc.arr import FileKind, Reference, conditions, parse_rules, words
from cardkit.apps.uicc.codecs.sms import validity_minutes
from cardkit.apps.uicc.fcp import Fcp
from cardkit.apps.uicc.files import CATALOGUE
from cardkit.apps.uicc.gsm import GsmStatus
from cardkit.errors import EncodingError


def decode(name: str, hexadecimal: str) -> dict[str, Any]:
    body = bytes.fromhex(hexadecimal)
    value = CATALOGUE[name].decode(body)
    assert CATALOGUE[name].encode(value, len(body)) == body
    return value


def test_access_technology_ffff_stays_ffff() -> None:
    assert decode("ADF.USIM/EF.PLMNwAcT", "00F110FFFF") == {"entries": [{"plmn": "001-01", "act": ["all bits"]}]}
    assert (
        CATALOGUE["ADF.USIM/EF.PLMNwAcT"].encode({"entries": [{"plmn": "001-01", "act": ["all bits"]}]}, 5)[3:]
        == b"\xff\xff"
    )


def test_both_forms_of_all_modes_stay_apart() -> None:
    plain = decode("ADF.USIM/EF.PLMNwAcT", "00F1104080")
    full = decode("ADF.USIM/EF.PLMNwAcT", "00F110708C")
    assert plain["entries"][0]["act"] == ["E-UTRAN", "GSM"]
    assert full["entries"][0]["act"] == ["E-UTRAN WB-S1 and NB-S1", "GSM and EC-GSM-IoT"]


@pytest.mark.parametrize(
    ("act", "word"),
    [("0084", "GSM only"), ("0088", "EC-GSM-IoT only"), ("5000", "E-UTRAN NB-S1"), ("0400", "satellite NG-RAN"),
     ("0002", "b2")],
)  # fmt: skip
def test_access_technology_words(act: str, word: str) -> None:
    assert decode("ADF.USIM/EF.PLMNwAcT", f"00F110{act}") == {"entries": [{"plmn": "001-01", "act": [word]}]}


def test_memory_flag_of_smss_survives() -> None:
    assert decode("ADF.USIM/EF.SMSS", "FFFF") == {"last_reference": 255, "memory_available": True}
    assert decode("ADF.USIM/EF.SMSS", "00FE") == {"last_reference": 0, "memory_available": False}


@pytest.mark.parametrize(
    "name",
    [
        "ADF.USIM/EF.SPDI",
        "ADF.USIM/DF.5GS/EF.SUCI_Calc_Info",
        "ADF.USIM/DF.5GS/EF.SUPI_NAI",
        "ADF.USIM/EF.GBABP",
        "ADF.ISIM/EF.IMPI",
    ],
)
def test_a_file_of_ff_is_empty_not_an_error(name: str) -> None:
    assert decode(name, "FF" * 40) == {"empty": True}


def test_group_flags_of_ff_are_read() -> None:
    assert decode("ADF.USIM/EF.VGCSS", "FF" * 7) == {"active": list(range(1, 57))}


def test_misplaced_smsp_does_not_raise() -> None:
    # Card usim-B: 42-byte record with the content of a 28-byte one at its start.
    record = "E1FFFFFFFFFFFFFFFFFFFFFFFF0581005155F5FFFFFFFFFFFF000000FFFFFFFFFFFFFFFFFFFFFFFFFFFF"
    assert decode("ADF.USIM/EF.SMSP", record)["alpha"] == {"raw": "E1FFFFFFFFFFFFFFFFFFFFFFFF05"}


@pytest.mark.parametrize(
    ("byte", "services"),
    [("03", ["police", "ambulance"]), ("04", ["fire"]), ("60", ["manual_ecall", "automatic_ecall"])],
)
def test_emergency_categories_are_bits(byte: str, services: list[str]) -> None:
    assert decode("ADF.USIM/EF.ECC", f"11F2FF{byte}") == {"number": "112", "services": services}


def test_disaster_roaming_parameters_are_present_at_zero() -> None:
    assert decode("ADF.USIM/DF.5GS/EF.DRI", "01FE0102030405")["present"] == ["wait_range"]


def test_call_forwarding_flags_start_at_the_lowest_bit() -> None:
    assert decode("ADF.USIM/EF.CFIS", "0101" + "FF" * 14)["forwarding"] == ["voice"]


@pytest.mark.parametrize(
    ("code", "minutes"),
    [
        (0, 5), (11, 60), (143, 12 * 60), (144, 12 * 60 + 30), (167, 24 * 60), (168, 2 * 1440), (169, 3 * 1440),
        (196, 30 * 1440), (197, 5 * 7 * 1440), (255, 63 * 7 * 1440),
    ],
)  # fmt: skip
def test_validity_period(code: int, minutes: int) -> None:
    # TS 23.040 9.2.3.12.1, its own examples of the ranges
    assert validity_minutes(code) == minutes
    parameters = CATALOGUE["ADF.USIM/EF.SMSP"].encode({"validity_minutes": minutes}, 28)
    assert parameters[-1] == code
    assert parameters[0] == 0xEF


@pytest.mark.parametrize(
    ("status", "word"), [("0C", "terminated"), ("05", "activated"), ("04", "deactivated"), ("03", "initialisation")]
)
def test_life_cycle_words(status: str, word: str) -> None:
    fcp = Fcp.parse(bytes.fromhex(f"620B82024121830 22FE28A01{status}".replace(" ", "")))
    assert fcp.describe()["life_cycle"] == word


@pytest.mark.parametrize(("byte12", "word"), [("01", "valid"), ("00", "invalidated"), ("04", "invalidated")])
def test_byte_12_of_a_2g_answer_is_no_life_cycle_status(byte12: str, word: str) -> None:
    status = GsmStatus.parse(bytes.fromhex(f"000000096F07040015F015{byte12}020000"))
    assert status.describe()["life_cycle"] == word


def test_always_and_never_survive_beside_each_other() -> None:
    rules = parse_rules(bytes.fromhex("800101 A0049000 9700 800102 AF029700".replace(" ", "")))
    found = conditions(rules, FileKind.EF)
    assert words(found["read"]) == "always or never"
    assert words(found["update"]) == "not (never)"


def test_directory_rules_have_their_own_meanings() -> None:
    # Card usim-A: 800107 9000, 800160 A406830101950108
    rules = parse_rules(bytes.fromhex("80010790008001 60A406830101950108".replace(" ", "")))
    assert {k: words(v) for k, v in conditions(rules, FileKind.DF).items()} == {
        "delete child": "always", "create EF": "always", "create DF": "always", "deactivate": "never",
        "activate": "never", "terminate": "PIN1", "delete": "PIN1",
    }  # fmt: skip
    assert words(conditions(rules, FileKind.EF)["delete"]) == "PIN1"
    assert words(conditions(rules, FileKind.EF)["read"]) == "always"


def test_access_rules_of_unusual_form_are_kept() -> None:
    # Two mode bytes; usage before the key; a usage of biometrics; a key alone; a rule for all four header bytes.
    record = "8002010A9000 800102A40695010883010A 800108A406830101950110 800110A40383010A 8F0480D40000A406830101950108"
    value = decode("MF/EF.ARR", record.replace(" ", "") + "FFFF")
    assert value["rules"] == [
        {"mode": "010A", "conditions": ["always"]},
        {"mode": "02", "conditions": [{"raw": "A40695010883010A"}]},
        {"mode": "08", "conditions": [{"raw": "A406830101950110"}]},
        {"mode": "10", "conditions": [{"raw": "A40383010A"}]},
        {"command": "8F80D40000", "conditions": ["PIN1"]},
    ]
    found = conditions(parse_rules(bytes.fromhex(record)), FileKind.EF)
    assert {operation: words(condition) for operation, condition in found.items()} == {
        "read": "never", "update": "ADM1 (A40695010883010A)", "write": "never",
        "deactivate": "PIN1 (A406830101950110)", "activate": "ADM1 (A40383010A)", "terminate": "never",
        "delete": "never", "access mode 010A": "always", "command CLA 80 INS D4 P1 00 P2 00": "PIN1",
    }  # fmt: skip


def test_reference_with_security_environments() -> None:
    reference = Reference.parse(bytes.fromhex("6F0600030107"))
    assert (reference.fid, reference.records, reference.record) == (0x6F06, ((0, 3), (1, 7)), 7)
    assert Reference.parse(bytes.fromhex("2F0606")).record == 6
    with pytest.raises(EncodingError, match="got 5 bytes"):
        Reference.parse(bytes(5))


def test_suci_list_longer_than_127_bytes() -> None:
    keys = [{"id": number, "key": "04" + f"{number:02X}" * 64} for number in range(1, 4)]
    value = {"schemes": [{"scheme": "profile B", "key_index": 3}, {"scheme": "null", "key_index": 0}], "keys": keys}
    spec = CATALOGUE["ADF.USIM/DF.5GS/EF.SUCI_Calc_Info"]
    body = spec.encode(value, 255)
    assert body[6:8].hex() == "a181"
    assert body[8] == 3 * (3 + 2 + 65)
    assert spec.decode(body) == value


def test_an_iccid_never_gets_a_digit_it_did_not_have() -> None:
    # Card sim-C: 19 digits, wrong check digit.
    assert decode("MF/EF.ICCID", "222233445566778899F0") == {"iccid": "2222334455667788990"}
    assert CATALOGUE["MF/EF.ICCID"].encode({"iccid": "2222334455667788990"}, 10).hex() == "222233445566778899f0"


@pytest.mark.parametrize("size", [1, 9, 17, 20])
def test_service_table_takes_the_size_of_the_file(size: int) -> None:
    spec = CATALOGUE["ADF.USIM/EF.UST"]
    body = spec.encode({"services": [1, 8 * size]}, size)
    assert len(body) == size
    assert (body[0] & 1, body[-1] & 0x80) == (1, 0x80)
    with pytest.raises(EncodingError, match=f"got {8 * size + 1}, expected numbers from 1 to {8 * size}"):
        spec.encode({"services": [8 * size + 1]}, size)


def test_services_joined_by_and_are_not_joined_by_or() -> None:
    fdn_uri, fdn = CATALOGUE["ADF.USIM/EF.FDNURI"], CATALOGUE["ADF.USIM/EF.FDN"]
    assert [fdn_uri.offered(services) for services in ({2}, {99}, {2, 99})] == [False, False, True]
    assert [fdn.offered(services) for services in ({2}, {89}, {3})] == [True, True, False]

"""Control parameters and access rules: published samples, unusual forms, what they say in words."""

from __future__ import annotations

import pytest

from cardkit.apps.uicc.arr import FileKind, build_rules, compact_conditions, conditions, parse_rules, words
from cardkit.apps.uicc.fcp import Fcp
from cardkit.apps.uicc.files import CATALOGUE, Structure
from cardkit.apps.uicc.gsm import GsmStatus
from cardkit.errors import EncodingError


def fcp(text: str) -> Fcp:
    data = bytes.fromhex(text)
    parsed = Fcp.parse(data)
    assert parsed.build() == data
    return parsed


def test_transparent_file() -> None:
    iccid = fcp("62178202412183022FE28A01058B032F060A8002000A880110")
    assert (iccid.structure, iccid.fid, iccid.size, iccid.sfi) == (Structure.TRANSPARENT, 0x2FE2, 10, 2)
    assert iccid.reference is not None
    assert (iccid.reference.fid, iccid.reference.record) == (0x2F06, 0x0A)
    assert iccid.describe() == {
        "kind": "transparent", "fid": "2FE2", "size": 10, "sfi": 2, "life_cycle": "activated"
    }  # fmt: skip


def test_cyclic_file() -> None:
    acm = fcp("621A8205462100030383026F398A01058B036F0607800200098801E0")
    assert (acm.structure, acm.record_length, acm.record_count, acm.sfi) == (Structure.CYCLIC, 3, 3, 0x1C)


def test_application() -> None:
    usim = fcp("622D8202782183027F408410A0000000871002FFF359FF89FFFFFFFF8A01058B032F0606C609900140830101830181")
    assert usim.is_directory
    assert usim.kind is FileKind.DF
    assert usim.structure is None
    assert usim.df_name == bytes.fromhex("A0000000871002FFF359FF89FFFFFFFF")
    assert [(pin.name, pin.enabled) for pin in usim.pins] == [("PIN1", False), ("PIN2", True)]


def test_code_status_of_four_keys() -> None:
    states = fcp("6211C60F90017083010183010A83010B830181").pins
    assert [(pin.name, pin.enabled) for pin in states] == [
        ("PIN1", False), ("ADM1", True), ("ADM2", True), ("PIN2", True)
    ]  # fmt: skip


def test_pin_usage_belongs_to_the_key_behind_it() -> None:
    states = fcp("620EC60C90018095010883010A8301 81".replace(" ", "")).pins
    assert [(pin.reference, pin.usage) for pin in states] == [(0x0A, 8), (0x81, None)]


@pytest.mark.parametrize(
    ("object88", "sfi"), [("", 0x07), ("8800", None), ("880138", 0x07), ("8801F0", 0x1E), ("880100", None)]
)
def test_short_identifier(object88: str, sfi: int | None) -> None:
    body = "8202412183026F07" + object88
    assert fcp(f"62{len(body) // 2:02X}{body}").sfi == sfi


@pytest.mark.parametrize(
    ("byte", "structure"),
    [
        ("79", Structure.BER_TLV),
        ("39", Structure.BER_TLV),
        ("41", Structure.TRANSPARENT),
        ("09", Structure.TRANSPARENT),
    ],
)
def test_structures(byte: str, structure: Structure) -> None:
    parsed = fcp(f"62048202{byte}21")
    assert parsed.structure is structure
    assert not parsed.is_directory


def test_security_domain_answers_another_template() -> None:
    isd = fcp("6F108408A000000003000000A5049F6501FF")
    assert isd.describe() == {"aid": "A000000003000000", "proprietary": {"tag_9F65": "FF"}}
    assert isd.df_name == bytes.fromhex("A000000003000000")


def test_unknown_objects_are_named_and_kept() -> None:
    parsed = fcp("621182024121 83026F07 D20201028A0104 A500".replace(" ", ""))
    assert parsed.describe()["unknown"] == {"tag_D2": "0102"}
    assert parsed.describe()["life_cycle"] == "deactivated"


@pytest.mark.parametrize("text", ["", "62", "6205", "620482", "9000", "85020102", "62058202412183"])
def test_not_a_template(text: str) -> None:
    with pytest.raises(EncodingError):
        Fcp.parse(bytes.fromhex(text))


def test_empty_objects_do_not_break_reading() -> None:
    empty = fcp("62128200830084008A008B0080008800C600A500")
    assert empty.describe()["aid"] == ""
    assert (empty.structure, empty.fid, empty.size, empty.sfi, empty.reference, empty.pins) == (
        None,
        None,
        None,
        None,
        None,
        [],
    )


# Access rules


def rules(text: str, kind: FileKind = FileKind.EF) -> dict[str, str]:
    data = bytes.fromhex(text)
    parsed = parse_rules(data)
    assert build_rules(parsed) == data.rstrip(b"\xff")
    return {operation: words(condition) for operation, condition in conditions(parsed, kind).items()}


def test_real_rule_of_an_imsi() -> None:
    assert rules("800101A406830101950108800102A010A406830181950108A40683010A950108800158A40683010A950108") == {
        "read": "PIN1", "update": "PIN2 or ADM1", "write": "never", "deactivate": "ADM1", "activate": "ADM1",
        "terminate": "never", "delete": "ADM1",
    }  # fmt: skip


def test_padding_and_commands() -> None:
    found = rules("80010190008401D4A40683010A950108840132A406830101950108FFFF")
    assert (found["read"], found["resize"], found["increase"]) == ("always", "ADM1", "PIN1")


def test_command_header_with_class_and_parameters() -> None:
    found = rules("8F0480320102 9700".replace(" ", ""))
    assert found["command CLA 80 INS 32 P1 01 P2 02"] == "never"


def test_several_rules_of_one_operation() -> None:
    assert rules("800101A406830101950108800101A40683010A950108")["read"] == "PIN1 or ADM1"
    assert rules("800101A406830101950108A40683010A950108")["read"] == "PIN1 or ADM1"


def test_nested_conditions() -> None:
    text = "800102A71AA010A406830101950108A406830181950108A40683010A950108"
    assert rules(text)["update"] == "(PIN1 or PIN2) and ADM1"


def test_an_unknown_condition_is_shown_as_it_is() -> None:
    assert rules("8001029E0110")["update"] == "condition 9E0110"
    assert rules("800102A40383010A")["update"] == "ADM1 (A40383010A)"
    assert rules("800102A40195")["update"] == "condition A40195"


def test_a_rule_must_start_with_its_mode() -> None:
    with pytest.raises(EncodingError, match="got object 90 first"):
        parse_rules(bytes.fromhex("9000"))


@pytest.mark.parametrize(
    ("mode", "name"), [("40", "delete"), ("04", "create DF"), ("02", "create EF"), ("01", "delete child")]
)
def test_directory_modes(mode: str, name: str) -> None:
    found = rules(f"8001{mode}9000", FileKind.DF)
    assert [operation for operation, condition in found.items() if condition == "always"] == [name]


def test_compact_rules() -> None:
    # ISO/IEC 7816-4 5.4.3.1: one byte for each bit, from b7 down.
    found = compact_conditions(bytes.fromhex("43FF9100"), FileKind.EF)
    assert (found["delete"], found["update"], found["read"]) == (
        "never",
        "user authentication, environment 1",
        "always",
    )
    assert found["write"] == "never"
    with pytest.raises(EncodingError, match="compact security attributes: got 2 bytes"):
        compact_conditions(bytes.fromhex("43FF"), FileKind.EF)


def test_conditions_of_a_file_come_from_where_it_says() -> None:
    compact = fcp("620C8202412183026F078C020100")
    assert compact.conditions() == {
        "read": "always", "update": "never", "write": "never", "deactivate": "never", "activate": "never",
        "terminate": "never", "delete": "never",
    }  # fmt: skip
    expanded = fcp("620F8202782183027F10AB0580010290 00".replace(" ", ""))
    assert expanded.conditions() is not None
    assert expanded.conditions()["create EF"] == "always"
    assert fcp("62088202412183026F07").conditions() is None


def test_rules_of_a_record_through_the_codec() -> None:
    spec = CATALOGUE["ADF.USIM/EF.ARR"]
    value = {
        "rules": [
            {"mode": "01", "conditions": ["PIN1"]},
            {"mode": "02", "conditions": [{"or": ["PIN1", "ADM1"]}]},
            {"command": "8432", "conditions": [{"not": ["never"]}]},
        ]
    }
    body = spec.encode(value, 60)
    assert body.hex().upper().rstrip("F") == (
        "800101A406830101950108800102A010A406830101950108A40683010A950108840132AF029700"
    )
    assert spec.decode(body) == value


# 2G answers


def test_2g_file_answer() -> None:
    imsi = GsmStatus.parse(bytes.fromhex("000000096F07040015F01501020000"))
    assert (imsi.fid, imsi.size, imsi.structure, imsi.invalidated) == (0x6F07, 9, Structure.TRANSPARENT, False)
    assert imsi.access == {
        "read": "CHV1", "update": "ADM 5", "increase": "never", "rehabilitate": "CHV1", "invalidate": "ADM 5"
    }  # fmt: skip


@pytest.mark.parametrize("size", [22, 23])
def test_2g_directory_answer(size: int) -> None:
    raw = bytes.fromhex("0000125C3F000100000000000A9303020C00838A838A00")[:size]
    mf = GsmStatus.parse(raw)
    assert mf.is_directory
    assert mf.build() == raw
    assert not mf.chv1_enabled
    assert {name: (code.initialised, code.left) for name, code in mf.codes.items()} == {
        "CHV1": (True, 3), "UNBLOCK CHV1": (True, 10), "CHV2": (True, 3), "UNBLOCK CHV2": (True, 10)
    }  # fmt: skip


def test_2g_records() -> None:
    adn = GsmStatus.parse(bytes.fromhex("00001E466F3A040011F0220102011F"))
    assert (adn.structure, adn.record_length, adn.record_count) == (Structure.LINEAR_FIXED, 31, 250)


@pytest.mark.parametrize("size", range(13))
def test_2g_answer_that_is_too_short(size: int) -> None:
    with pytest.raises(EncodingError, match=f"got {size} bytes"):
        GsmStatus.parse(bytes(size))

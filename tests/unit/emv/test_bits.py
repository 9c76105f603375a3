"""Bits in words: tables of EMV 4.4 Book 3 Annex C, and CVM lists of openemv/emv-utils (vectors/emv_dol.json)."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cardkit.apps.emv.bits import TABLES, CvmList, IssuerApplicationData, iad, words
from cardkit.apps.emv.bits import card as card_bits
from cardkit.apps.emv.bits import terminal as terminal_bits
from cardkit.apps.emv.bits.cvm import Method
from cardkit.apps.emv.tags import lookup
from cardkit.errors import EncodingError

VECTORS = json.loads((Path(__file__).parents[2] / "vectors" / "emv_dol.json").read_text())
CVM_LISTS = [case for case in VECTORS if case["name"].startswith("cvm list")]
EVERY_TABLE = [
    *TABLES.values(),
    card_bits.CSU,
    card_bits.KERNEL_ID,
    iad.CVR_CCD,
    iad.CVR_MCHIP,
    iad.CVR_VSDC,
    iad.CVR_VSDC_2,
]


def texts(tag: str, value: str, context: str = "") -> list[str]:
    return [str(word) for word in words(bytes.fromhex(tag), bytes.fromhex(value), context)]


@pytest.mark.parametrize("table", EVERY_TABLE, ids=lambda table: table.title)
def test_no_bit_has_two_names(table) -> None:
    taken = [(each.byte, bit) for each in table.fields for bit in range(each.low, each.high + 1)]
    assert len(taken) == len(set(taken))
    assert all(1 <= byte <= table.size and 1 <= bit <= 8 for byte, bit in taken)
    assert len({each.name for each in table.fields}) == len(table.fields)


@pytest.mark.parametrize(("key", "table"), TABLES.items(), ids=lambda item: str(item)[:30])
def test_table_has_the_size_of_its_tag(key, table) -> None:
    info = lookup(bytes.fromhex(key[0]), key[1])
    assert info is not None
    assert table.size in info.lengths


def test_cda_and_relay_resistance_are_told_apart() -> None:
    # 3C01 for CDA stood in a published profile.
    assert "1.1 CDA supported" in texts("82", "3D00")
    assert texts("82", "3C01")[-1] == "2.1 relay resistance protocol is supported (contactless)"
    assert not [text for text in texts("82", "3C01") if "CDA" in text]


@pytest.mark.parametrize(
    ("tag", "value", "wanted"),
    [
        ("95", "0000008000", ["4.8 transaction exceeds floor limit"]),
        ("95", "0400000000", ["1.3 CDA failed"]),
        ("95", "0004000000", ["2.3 reserved for future use, set"]),
        ("95", "000000", ["3 bytes, expected 5"]),
        ("9B", "E800", [
            "1.8 offline data authentication was performed",
            "1.7 cardholder verification was performed",
            "1.6 card risk management was performed",
            "1.4 terminal risk management was performed",
        ]),
        ("9F27", "81", [
            "1.8-7 cryptogram: ARQC", "1.6-5 payment system's own bits: 0", "1.3-1 reason: service not allowed",
        ]),
        ("9F27", "C0", [
            "1.8-7 cryptogram: reserved value 3", "1.6-5 payment system's own bits: 0", "1.3-1 reason: none",
        ]),
        ("9F34", "5E0300", ["1 signature", "2 if terminal supports the CVM", "3 unknown"]),
        ("9F34", "3F0001", ["1 no CVM performed", "2 always", "3 failed"]),
        ("9F07", "0880", ["1.4 domestic services", "2.8 domestic cashback"]),
        ("5A", "1234567890123456", []),
    ],
)  # fmt: skip
def test_words(tag: str, value: str, wanted: list[str]) -> None:
    assert texts(tag, value) == wanted


def test_kernel_decides() -> None:
    assert texts("9F6C", "8000", "C-3") == ["1.8 online PIN required"]
    assert texts("9F6C", "0001", "C-2") == []


@given(st.sampled_from(EVERY_TABLE), st.data())
@settings(max_examples=200)
def test_every_set_bit_is_spoken_of(table, data) -> None:
    value = data.draw(st.binary(min_size=table.size, max_size=table.size))
    named = {(each.byte, bit) for each in table.fields for bit in range(each.low, each.high + 1)}
    positions = {(i + 1, bit) for i, byte in enumerate(value) for bit in range(1, 9) if byte >> (bit - 1) & 1}
    assert set(table.reserved(value)) == {f"{byte}.{bit}" for byte, bit in positions - named}
    said = {word.position for word in table.words(value)}
    single = {f"{each.byte}.{each.high}" for each in table.fields if each.high == each.low}
    assert {f"{byte}.{bit}" for byte, bit in positions} & single <= said


def test_mask_is_a_bit_of_the_whole_value() -> None:
    assert terminal_bits.TVR.mask("expired application") == 0x0040000000
    assert card_bits.AIP.mask("CDA supported") == 0x0100
    with pytest.raises(EncodingError, match="no field 'nonsense'"):
        terminal_bits.TVR.mask("nonsense")


@pytest.mark.parametrize("case", CVM_LISTS, ids=lambda case: case["name"])
def test_cvm_list(case) -> None:
    data, wanted = bytes.fromhex(case["in"]["cvm_list"]), case["out"]
    decoded = CvmList.parse(data)
    assert (decoded.x, decoded.y) == (wanted["x"], wanted["y"])
    assert [f"{rule.code:02X}{rule.condition:02X}" for rule in decoded.rules] == wanted["rules"]
    assert bool(decoded.tail) == (wanted["error"] == "odd length")
    assert decoded.build() == data


def test_cvm_codes_are_numbers_not_bit_sets() -> None:
    # A published kernel read 1E as online PIN (02) because that bit is set in it.
    rules = CvmList.parse(bytes.fromhex("0000000000000000 5E03 4203 1F03")).rules
    assert [rule.method for rule in rules] == [Method.SIGNATURE, Method.ONLINE_PIN, Method.NO_CVM]
    assert [rule.goes_on for rule in rules] == [True, True, False]


@pytest.mark.parametrize(
    ("code", "said"),
    [
        ("2000", "method 20 of the payment system, always; if unsuccessful fail cardholder verification"),
        ("3100", "method 31 of the issuer, always; if unsuccessful fail cardholder verification"),
        ("1800", "method 18, reserved for future use, always; if unsuccessful fail cardholder verification"),
        (
            "9F0A",
            "no CVM required (with the reserved bit 8), condition 0A, reserved for future use; "
            "if unsuccessful fail cardholder verification",
        ),
        ("5F81", "no CVM required, condition 81, of the payment system; if unsuccessful apply next rule"),
    ],
)
def test_unknown_rules_are_described(code: str, said: str) -> None:
    assert CvmList.parse(bytes(8) + bytes.fromhex(code)).rules[0].describe() == said


def test_short_cvm_list_is_refused() -> None:
    with pytest.raises(EncodingError, match="got 7 bytes, expected 10 or more"):
        CvmList.parse(bytes(7))
    with pytest.raises(EncodingError, match="expected 0 to"):
        CvmList(-1, 0, ()).build()
    assert texts("8E", "0000000000000000 1F")[-1] == "odd length: byte 1F is no rule"


@pytest.mark.parametrize(
    ("value", "form", "key_index", "cvn", "cvr"),
    [
        # EMV 4.4 Book 3 C9: CCI A5, DKI 01.
        ("0FA501A030F8000000000000000000000F010200000000000000000000000000", "CCD", 1, 0xA5, "A030F80000"),
        ("06010A03A0B800", "VSDC 0", 1, 0x0A, "03A0B800"),
        ("06011203A0B800", "VSDC 1", 1, 0x12, "03A0B800"),
        ("0110A00003220000000000000000000000FF", "M/Chip", 1, 0x10, "A00003220000"),
        ("1F2201A0000000000000000000000000000000000000000000000000000000" + "00", "VSDC 2", 1, 0x22, "A000000000"),
        ("112233", "unknown", None, None, ""),
        ("", "unknown", None, None, ""),
    ],
)
def test_issuer_application_data(value: str, form: str, key_index: int | None, cvn: int | None, cvr: str) -> None:
    decoded = IssuerApplicationData.parse(bytes.fromhex(value))
    assert (decoded.format, decoded.key_index, decoded.cvn) == (form, key_index, cvn)
    assert decoded.cvr.hex().upper() == cvr
    assert decoded.value == bytes.fromhex(value)


def test_results_of_the_card_in_words() -> None:
    said = texts("9F10", "0FA501A031F8000000000000000000000F010200000000000000000000000000")
    assert said[:4] == [
        "CCD: key index 01, cryptogram version A5",
        "CVR 1.8-7 second GENERATE AC: not requested",
        "CVR 1.6-5 first GENERATE AC: ARQC",
        "CVR 2.8-5 low nibble of the PIN try counter: 3",
    ]
    assert "CVR 2.1 last online transaction not completed" in said
    assert texts("9F10", "1122") == ["format unknown, 2 bytes"]


def test_ccd_amount_limits_are_two_bits() -> None:
    # A published header gives both the value 20.
    assert [str(word) for word in iad.CVR_CCD.words(bytes.fromhex("0000300000"))][-4:-2] == [
        "3.6 lower cumulative offline amount limit exceeded",
        "3.5 upper cumulative offline amount limit exceeded",
    ]


@given(st.sampled_from(["82", "8E", "95", "9F10", "9F34", "9F2A", "9F27", "87"]), st.binary(max_size=40))
@settings(max_examples=200)
def test_any_value_is_said_or_refused(tag: str, value: bytes) -> None:
    try:
        found = words(bytes.fromhex(tag), value)
    except EncodingError:
        return
    assert all(str(word).strip() for word in found)

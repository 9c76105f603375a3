"""Answers to reset of real and published cards, and broken ones."""

from __future__ import annotations

import json
import re
from functools import reduce
from operator import xor
from pathlib import Path
from typing import Any

import pytest

from cardkit.atr import ATR, Historical
from cardkit.errors import EncodingError

VECTORS = Path(__file__).parents[2] / "vectors"
CARDS = json.loads((VECTORS / "atr.json").read_text())
BIT_RATES = [
    vector
    for vector in json.loads((VECTORS / "production-throughput.json").read_text())
    if vector["name"].startswith(("bitrate-", "ta1-"))
]
UICC = "3B9F96801FC78031A073BE21136743200718000001A5"
SMARTCARD_LIST = Path("/usr/share/pcsc/smartcard_list.txt")


def with_check_byte(body: str) -> bytes:
    raw = bytes.fromhex(body)
    return raw + bytes((reduce(xor, raw[1:]),))


def read(atr: ATR, name: str) -> Any:
    capabilities = atr.capabilities
    special = {
        "channels": lambda: capabilities and capabilities.channels,
        "extended_length": lambda: capabilities and capabilities.extended_length,
        "command_chaining": lambda: capabilities and capabilities.command_chaining,
        "historical": lambda: atr.historical.hex().upper(),
        "storage": lambda: atr.history.storage_card and str(atr.history.storage_card),
    }
    value = special[name]() if name in special else getattr(atr, name)
    return list(value) if isinstance(value, tuple) else value


@pytest.mark.parametrize("vector", CARDS, ids=lambda vector: vector["name"])
def test_published_cards_decode_to_their_published_meaning(vector: dict[str, Any]) -> None:
    raw = bytes.fromhex(vector["in"]["atr"])
    atr = ATR.parse(with_check_byte(raw[:-1].hex()) if vector.get("without_tck") else raw)
    expected = dict(vector["out"])
    clock_stop = expected.pop("clock_stop", None)
    assert {name: read(atr, name) for name in expected} == expected
    if clock_stop is not None:
        assert clock_stop in atr.clock_stop


@pytest.mark.parametrize("vector", BIT_RATES, ids=lambda vector: vector["name"])
def test_clock_and_bit_rate_follow_the_tables(vector: dict[str, Any]) -> None:
    atr = ATR.parse(bytes.fromhex("3B10" + vector["in"]["ta1"]))
    expected = vector["out"]
    if expected.get("valid", True):
        assert atr.fi_di == (expected["F"], expected["D"])
    else:
        with pytest.raises(EncodingError, match="reserved"):
            _ = atr.fi_di
        assert "reserved" in {name: text for name, _, text in atr.describe()}["TA1"]
    if "f_max_MHz" in expected:
        assert atr.fmax_mhz == expected["f_max_MHz"]


def test_a_card_without_interface_bytes_has_the_defaults() -> None:
    atr = ATR.parse(bytes.fromhex("3B00"))
    assert (atr.protocols, atr.first_protocol, atr.fi_di, atr.fmax_mhz) == ((0,), 0, (372, 1), 5)
    assert (atr.extra_guard_time, atr.waiting_integer, atr.ifsc, atr.bwi_cwi, atr.crc) == (0, 10, 32, (4, 13), False)
    assert (atr.classes, atr.clock_stop, atr.tck, atr.inverse) == (("A",), "no clock stop", None, False)
    assert (atr.specific_mode, atr.specific_protocol, atr.compact, atr.capabilities) == (False, None, (), None)


def test_reserved_clock_factor_has_no_highest_clock() -> None:
    with pytest.raises(EncodingError, match="TA1 71"):
        _ = ATR.parse(bytes.fromhex("3B1071")).fmax_mhz


def test_specific_mode_names_its_protocol() -> None:
    # TA1 95, TD1 91 (TA2 and TD2 behind), TA2 81 (T=1, cannot change), TD2 01.
    atr = ATR.parse(with_check_byte("3B9095918101"))
    assert (atr.specific_mode, atr.specific_protocol, atr.protocols, atr.ta(2)) == (True, 1, (1,), 0x81)


@pytest.mark.parametrize(
    ("body", "contactless"),
    [("3B8080 01", True), ("3B818001 80", True), ("3F8080 01", False), ("3B9011 80 01", False), ("3B80 01", False)],
)
def test_only_the_readers_own_form_is_contactless(body: str, contactless: bool) -> None:
    assert ATR.parse(with_check_byte(body)).contactless is contactless


def test_interface_bytes_are_found_by_group() -> None:
    atr = ATR.parse(bytes.fromhex("3B941881B1807D1F0319C80050DC"))
    assert [(atr.ta(i), atr.tb(i), atr.tc(i), atr.td(i)) for i in range(1, 6)] == [
        (0x18, None, None, 0x81),
        (None, None, None, 0xB1),
        (0x80, 0x7D, None, 0x1F),
        (0x03, None, None, None),
        (None, None, None, None),
    ]


def test_inverse_convention_and_crc_and_waiting_integer() -> None:
    atr = ATR.parse(with_check_byte("3FC1FF" + "C1" + "0A" + "41" + "01" + "AA"))
    assert (atr.inverse, atr.extra_guard_time, atr.waiting_integer, atr.crc) == (True, 255, 10, True)


@pytest.mark.parametrize(
    ("raw", "reason"),
    [
        ("", "got 0 bytes"),
        ("3B", "got 1 bytes"),
        ("3C00", "TS is 3C"),
        ("0300", "TS is 03"),
        ("3BF0", "ends within its interface bytes"),
        ("3B8080", "ends within its interface bytes"),
        ("3B05414243", "got 5 bytes, expected 7"),
        ("3B00" + "00" * 40, "got 42 bytes"),
        (UICC + "00", "got 23 bytes, expected 21"),
        (UICC[:-2], "the check byte TCK is missing"),
        (UICC[:-2] + "A4", "check byte TCK is A4, expected A5"),
        ("3B0241424C", "has no check byte"),
    ],
)
def test_a_broken_answer_is_refused_with_its_reason(raw: str, reason: str) -> None:
    with pytest.raises(EncodingError, match=reason):
        ATR.parse(bytes.fromhex(raw))


def test_a_wrong_check_byte_can_be_looked_past() -> None:
    atr = ATR.parse_unchecked(bytes.fromhex(UICC[:-2] + "A4"))
    assert atr.defect == "check byte TCK is A4, expected A5"
    assert atr.describe()[-1] == ("TCK", "A4", "check byte TCK is A4, expected A5 [ISO/IEC 7816-3 8.2.5]")
    missing = ATR.parse_unchecked(bytes.fromhex(UICC[:-2]))
    assert missing.describe()[-1][:2] == ("TCK", "")


def test_description_names_every_byte_with_its_clause() -> None:
    lines = ATR.parse(bytes.fromhex(UICC)).describe()
    assert "".join(hexa for _, hexa, _ in lines) == UICC
    assert all(re.search(r"\[(ISO|ETSI|PC/SC)[^]]+\]$", text) for _, _, text in lines)
    words = {name: text for name, _, text in lines}
    assert words["TA1"] == "F 512, D 32: 16 clocks per etu, up to 5 MHz [ISO/IEC 7816-3 8.3]"
    assert words["card service"].startswith("selection by full DF name, EF.DIR, read by READ RECORD, card with MF")
    assert "4 logical channel(s)" in words["capabilities"]


def test_description_covers_rare_interface_bytes() -> None:
    # TB1, TC1, TB2, TC2, T=1 group with TA TB TC, T=15 group with TA TB, T=14 group.
    atr = ATR.parse(with_check_byte("3BE0" + "25FF" + "E1" + "320A" + "71" + "FE4501"))
    words = {name: text for name, _, text in atr.describe()}
    assert "deprecated" in words["TB1"]
    assert "protocol's minimum" in words["TC1"]
    assert "deprecated" in words["TB2"]
    assert "waiting integer 10" in words["TC2"]
    assert "up to 254 bytes" in words["TA3"]
    assert "block waiting integer 4, character waiting integer 5" in words["TB3"]
    assert "CRC" in words["TC3"]
    uicc = ATR.parse(with_check_byte("3B80" + "80" + "3F" + "87" + "A8"))
    words = {name: text for name, _, text in uicc.describe()}
    assert words["TA3"].startswith("clock stop, state H; classes A (5 V), B (3 V), C (1.8 V)")
    assert words["TB3"] == "UICC-CLF interface, secure channel [ETSI TS 102 221 6.3.3]"
    other = ATR.parse(with_check_byte("3B80" + "8E" + "1E" + "55"))
    assert {name: text for name, _, text in other.describe()}["TA3"].startswith("specific to T=14")


@pytest.mark.parametrize(
    ("raw", "category", "life_cycle", "tags"),
    [
        ("", None, None, []),
        ("80", 0x80, None, []),
        ("8031A0 8105", 0x80, 0x05, [3, 8]),
        ("8031A0 829000", 0x80, None, [3, 8]),
        ("8031A0 83079000", 0x80, 0x07, [3, 8]),
        ("0031A0 059000", 0x00, 0x05, [3]),
        ("00 059000", 0x00, 0x05, []),
        ("00", 0x00, None, []),
        ("00 9000", 0x00, None, []),
        ("1001", 0x10, None, []),
        ("80FFEE", 0x80, None, []),
        ("4A434F50", 0x4A, None, []),
        ("85", 0x85, None, []),
    ],
)
def test_historical_bytes_follow_their_category(
    raw: str, category: int | None, life_cycle: int | None, tags: list[int]
) -> None:
    historical = Historical(bytes.fromhex(raw))
    assert historical.category == category
    assert historical.life_cycle == life_cycle
    assert [item.tag for item in historical.objects] == tags
    shown = "".join(hexa for _, hexa, _ in historical.describe())
    assert shown == raw.replace(" ", "").upper()


def test_card_service_and_capabilities_are_read_bit_by_bit() -> None:
    historical = Historical(bytes.fromhex("80 3189 73FE21D7"))
    assert historical.card_service == 0x89
    capabilities = historical.capabilities
    assert capabilities is not None
    assert (capabilities.command_chaining, capabilities.extended_length, capabilities.length_information) == (
        True,
        True,
        False,
    )
    assert (capabilities.short_ef_identifier, capabilities.channels) == (True, 8)
    words = [text for _, _, text in historical.describe()]
    assert "read by READ BINARY, card without MF" in words[1]
    assert "8 or more logical channel(s)" in words[2]


def test_a_card_without_channel_assignment_has_the_basic_channel_only() -> None:
    capabilities = Historical(bytes.fromhex("80 73000027")).capabilities
    assert capabilities is not None
    assert (capabilities.channels, capabilities.length_information) == (1, True)
    assert "length limits in EF.ATR/INFO" in capabilities.words()


def test_unknown_storage_cards_keep_their_numbers() -> None:
    card = Historical(bytes.fromhex("804F0CA000000306 77 ABCD 00000000")).storage_card
    assert str(card) == "card name ABCD, standard 77"


def test_a_storage_card_is_described_in_one_line() -> None:
    (line,) = ATR.parse(bytes.fromhex("3B8F8001804F0CA0000003060300030000000068")).history.describe()
    assert line[2] == "storage card: MIFARE Ultralight, ISO/IEC 14443 A, part 3 [PC/SC part 3]"


@pytest.mark.skipif(not SMARTCARD_LIST.exists(), reason="Debian package pcsc-tools is not installed")
def test_decoder_agrees_with_pyscard_on_every_listed_card() -> None:
    smartcard = pytest.importorskip("smartcard.ATR", reason="pyscard is not installed (extra pcsc)")
    listed = [line.strip() for line in SMARTCARD_LIST.read_text().splitlines()]
    raws = [bytes.fromhex(line) for line in listed if re.fullmatch(r"3[BF]( [0-9A-F]{2})+", line)]
    refused = 0
    for raw in raws:
        try:
            ours = ATR.parse_unchecked(raw)
        except EncodingError:
            refused += 1
            continue
        theirs = smartcard.ATR(list(raw))
        assert ours.historical == bytes(theirs.getHistoricalBytes() or [])
        for name, byte in (("TA", ours.ta), ("TB", ours.tb), ("TC", ours.tc), ("TD", ours.td)):
            values = getattr(theirs, name)
            assert [byte(i + 1) for i in range(len(values))] == values
        protocols = {int(name[2:]) for name, offered in theirs.getSupportedProtocols().items() if offered}
        assert set(ours.protocols) == (protocols - {15} or {0})
    assert len(raws) > 1000
    assert refused < len(raws) * 0.03

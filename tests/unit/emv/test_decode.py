"""Decoding for people: templates of real shapes, the TLV vectors of pyemv, what must stay hidden."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cardkit.apps.emv.decode import DataObject, decode, decode_value, object_document, object_lines
from cardkit.apps.emv.template import open_template, parse_objects, primitives
from cardkit.apps.emv.values import masked_digits, pan_of, shown, value_words
from cardkit.cli.app import run
from cardkit.encoding import tlv
from cardkit.errors import EncodingError, ProtocolError

VECTORS = json.loads((Path(__file__).parents[2] / "vectors" / "emv_dol.json").read_text())
TLV = [case for case in VECTORS if case["name"].startswith("tlv decode") and not case["in"].get("simple")]

PAN = "9999990000000014"
TRACK_2 = "9999990000000014D29122011234567F"
RECORD = tlv.build(
    0x70, bytes.fromhex(f"5A08{PAN} 5710{TRACK_2} 5F2010{b'TEST/CARD ONE   '.hex()} 5F2403291231 9F4A0182")
)


def h(text: str) -> bytes:
    return bytes.fromhex(text)


def flattened(objects) -> dict[str, object]:
    return {
        f"{item.tag:02X}": flattened(parse_objects(item.value)) if item.constructed else item.value.hex().upper()
        for item in objects
    }


@pytest.mark.parametrize("case", TLV, ids=lambda case: case["name"])
def test_tlv(case) -> None:
    data = h(case["in"]["data"])
    if "strict" in case["out"]:
        with pytest.raises(EncodingError):
            parse_objects(data)
        return
    objects = parse_objects(data)
    assert flattened(objects) == case["out"]["tlv"]
    assert b"".join(item.build() for item in objects) == data
    assert all(item.length_size == 0 for item in objects) == case["out"].get("minimal_length", True)


def test_zeros_around_objects_are_padding() -> None:
    assert [item.tag for item in parse_objects(h("0000 9A03240101 00 9C0100 000000"))] == [0x9A, 0x9C]


@pytest.mark.parametrize(
    ("data", "said"),
    [
        ("70029F3600", "template 70"),
        ("7003820139", "got 70, expected one template 77"),
        ("7700 00 7700", "got 77 77, expected one template 77"),
        ("", "got nothing, expected one template 77"),
        ("7705820239", "ends|announces"),
    ],
)
def test_wrong_template_is_the_cards_fault(data: str, said: str) -> None:
    with pytest.raises(ProtocolError, match=said):
        open_template(h(data), 0x70 if said == "template 70" else 0x77, "answer")


def test_primitives_are_found_in_inner_templates() -> None:
    nested = parse_objects(h("A50B BF0C08 9F4D020B0A 500141".replace(" ", "")))
    assert primitives(nested, "FCI") == {h("9F4D"): h("0B0A"), b"\x50": b"A"}


def test_tree_names_everything_and_masks_the_holder() -> None:
    lines = list(object_lines(decode(RECORD)))
    assert lines == [
        "70 READ RECORD Response Message Template",
        "  5A Application Primary Account Number (PAN): 999999******0014",
        "  57 Track 2 Equivalent Data: 999999******0014D2912201********",
        "  5F20 Cardholder Name: <16 bytes of the cardholder>",
        "  5F24 Application Expiration Date: 2029-12-31",
        "  9F4A Static Data Authentication Tag List: 82",
        "      82 Application Interchange Profile (AIP)",
    ]


def test_document_holds_no_value_of_the_holder() -> None:
    text = json.dumps([object_document(item) for item in decode(RECORD)])
    assert "00000000" not in text
    assert "TEST" not in text
    assert '"value": "291231"' in text


@pytest.mark.parametrize(
    ("tag", "value", "context", "wanted"),
    [
        ("9F02", "000000001000", "", "1000"),
        ("9F02", "000000000000", "", "0"),
        ("9A", "241122", "", "2024-11-22"),
        ("5F25", "990101", "", "1999-01-01"),
        ("9A", "24AB22", "", "24AB22"),
        ("5F2A", "0860", "", "0860"),
        ("50", "4E45555452414C", "", "'NEUTRAL'"),
        ("9F36", "0001", "", "0001"),
        ("57", "9999990000000014", "", "999999******0014"),
        ("9F61", "1234", "C-2", "1234"),
        ("9F61", "1234", "C-7", "<2 bytes of the cardholder>"),
        ("9F6B", "000000010000", "C-3", "10000"),
        ("DF7F", "01", "", "01"),
    ],
)
def test_shown(tag: str, value: str, context: str, wanted: str) -> None:
    assert shown(h(tag), h(value), context) == wanted


def test_short_numbers_are_hidden_whole() -> None:
    assert masked_digits("1234567890") == "**********"


@pytest.mark.parametrize(
    ("tag", "value", "context", "wanted"),
    [
        ("8C", "9F02069F37", "", ["9F02 6 bytes, Amount, Authorised (Numeric)", "malformed"]),
        ("9F69", "9F370401", "C-2", ["9F37 4 bytes, Unpredictable Number", "malformed"]),
        ("9F69", "9F370401", "C-3", []),
        ("94", "08010100 10010501", "", ["SFI 1: records 1 to 1", "SFI 2: records 1 to 5, the first 1 signed"]),
        ("94", "08010002", "", ["malformed: AFL entry of SFI 1: records 1 to 0"]),
        ("5F30", "0201", "", ["digit 1 international, chip", "digit 2 normal", "digit 3 no restrictions"]),
        ("5F30", "0399", "", ["digit 1 3, reserved", "digit 2 9, reserved", "digit 3 9, reserved"]),
        ("8A", "5933", "", ["unable to go online, approved offline"]),
        ("8A", "3132", "", ["code of the payment system"]),
        ("9C", "09", "", ["purchase with cashback"]),
        ("9F4A", "829F36", "", ["82 Application Interchange", "9F36 Application Transaction"]),
        ("9F4A", "829F", "", ["malformed: tag list ends with 9F"]),
        ("9F4D", "0B0A", "", ["log in SFI 11, 10 records"]),
        ("9F4D", "0B", "", ["malformed: Log Entry"]),
        ("8E", "00", "", ["malformed: CVM List"]),
    ],
)
def test_value_words(tag: str, value: str, context: str, wanted: list[str]) -> None:
    words = [str(word) for word in value_words(h(tag), h(value), context)]
    assert len(words) == len(wanted)
    assert [word for word, start in zip(words, wanted, strict=True) if not word.startswith(start)] == []


def test_template_decides_what_a_tag_means() -> None:
    tries, attempts = decode(h("BF4C04DF500103 BF4D04DF500102"))
    assert tries.children[0].name == "Facial Try Counter"
    assert attempts.children[0].name == "Preferred Facial Attempts"


def test_odd_objects_are_noted() -> None:
    (item,) = decode(h("8281033900FF"))
    assert item.notes == ("length field of 2 bytes, longer than needed", "3 bytes, expected 2")


def test_primitive_by_number_still_carries_templates() -> None:
    (item,) = decode(h("9F3105BF4A028100"))
    assert [child.tag for child in item.children] == [h("BF4A")]


def test_endless_nesting_is_refused() -> None:
    data = b""
    for _ in range(18):
        data = tlv.build(0x70, data)
    with pytest.raises(EncodingError, match="nested more than 16 deep"):
        decode(data)


def test_bare_value() -> None:
    item = decode_value(b"\x95", h("0000008000"))
    assert [str(word) for word in item.words] == ["4.8 transaction exceeds floor limit"]
    with pytest.raises(EncodingError, match="expected 1 to 3 bytes"):
        decode_value(b"\x00", b"")


def test_pan_of_a_card() -> None:
    assert pan_of({b"\x5a": h("999999000000000014FF")}) == "999999000000000014"
    assert pan_of({b"\x57": h(TRACK_2)}) == PAN
    assert pan_of({}) == ""


@given(st.binary(max_size=60))
@settings(max_examples=200)
def test_any_bytes_are_decoded_or_refused(data: bytes) -> None:
    try:
        objects = decode(data)
    except EncodingError:
        return

    def size(item: DataObject) -> int:
        return len(item.raw)

    assert sum(map(size, objects)) <= len(data)
    for line in object_lines(objects):
        assert line.strip()


# The command


def test_command_prints_a_tree(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["payment", "decode", "9F07 02 FF80"]) == 0
    assert capsys.readouterr().out.splitlines()[:2] == [
        "9F07 Application Usage Control (AUC): FF80",
        "    1.8 domestic cash",
    ]


def test_command_takes_a_bare_value_and_a_kernel(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["payment", "decode", "8000", "--tag", "9F6C", "--kernel", "C-3", "--json"]) == 0
    (document,) = json.loads(capsys.readouterr().out)
    assert document == {
        "tag": "9F6C",
        "name": "Card Transaction Qualifiers",
        "length": 2,
        "value": "8000",
        "text": "8000",
        "words": [{"position": "1.8", "text": "online PIN required"}],
        "notes": [],
    }


@pytest.mark.parametrize("content", [RECORD, RECORD.hex(" ").encode() + b"\n"])
def test_command_reads_files(content: bytes, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "record"
    path.write_bytes(content)
    assert run(["payment", "decode", str(path)]) == 0
    assert capsys.readouterr().out.splitlines() == list(object_lines(decode(RECORD)))


def test_command_says_how_to_decode_a_bare_value(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["payment", "decode", "9F0206"]) == 4
    assert "a bare value is decoded with --tag TAG" in capsys.readouterr().err

"""Redaction by instruction and file, against vectors written before this code."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cardkit.transport.redact import CommandParts, HideAll, Pieces, RuleRedactor, ShowAll, split_command

VECTORS = {
    vector["name"]: vector
    for vector in json.loads(
        (Path(__file__).parents[2] / "vectors" / "security-redaction.json").read_text(encoding="utf-8")
    )
}
# Rules by instruction; those by BER-TLV tag or DGI belong to the applications that know the tags.
BY_INSTRUCTION = [
    "apdu-select-aid",
    "apdu-verify-pin-uicc",
    "apdu-verify-retry-query",
    "apdu-verify-adm",
    "apdu-verify-emv-plain",
    "apdu-change-pin",
    "apdu-unblock",
    "apdu-put-key-scp03",
    "apdu-put-key-on-channel-1",
    "apdu-put-key-wrapped",
    "apdu-chained-put-key",
    "apdu-store-data-last-block-of-secret",
    "apdu-initialize-update",
    "apdu-usim-authenticate",
    "apdu-update-unknown-ef",
    "apdu-external-authenticate-bac",
    "apdu-sm-wrapped-unknown",
    "apdu-gen-ac",
    "apdu-unknown-ins",
    "apdu-cipurse-update-key",
    "apdu-perform-security-operation-decipher",
    "apdu-generate-key-pair",
]


CLASSES = {"7FFF6F08": "KEY", "7FFF6F07": "IMSI", "3F002FE2": None}


class Files:
    """Follows SELECT by path, as an application would."""

    def __init__(self, selected: str) -> None:
        self.selected = selected

    def follow(self, command: bytes, answer: bytes) -> None:
        if command[1] == 0xA4 and answer[-2:] == b"\x90\x00":
            self.selected = command[5:].hex().upper()

    def mask(self, command: bytes) -> str | None:
        return CLASSES.get(self.selected, "DATA")

    def reset(self) -> None:
        self.selected = ""


def texts(redactor: RuleRedactor, vector: dict[str, dict[str, str]]) -> dict[str, str]:
    return {
        "command": redactor.command(bytes.fromhex(vector["in"]["command"])),
        "response": redactor.response(bytes.fromhex(vector["in"]["response"])),
    }


@pytest.mark.requirement("L3")
@pytest.mark.parametrize("name", BY_INSTRUCTION)
def test_vectors_by_instruction(name):
    assert texts(RuleRedactor(), VECTORS[name]) == VECTORS[name]["out"]


@pytest.mark.parametrize(
    "name", ["apdu-update-ef-key", "apdu-update-ef-imsi", "apdu-read-iccid", "apdu-update-unknown-ef"]
)
def test_vectors_by_selected_file(name):
    redactor = RuleRedactor(Files(VECTORS[name]["in"]["selected"]))
    assert texts(redactor, VECTORS[name]) == VECTORS[name]["out"]


def test_get_response_has_the_class_of_the_command_it_completes():
    vector = VECTORS["apdu-authenticate-get-response"]
    redactor = RuleRedactor()
    redactor.command(bytes.fromhex("0088008122") + bytes(34))
    redactor.response(bytes.fromhex("612C"))
    assert texts(redactor, vector) == vector["out"]


def test_an_open_redactor_shows_all():
    vector = VECTORS["apdu-update-unknown-ef-test"]
    assert texts(ShowAll(), vector) == vector["out"]


def test_an_application_rule_shows_a_part():
    def change_key(parts: CommandParts) -> Pieces:
        return ((1, None), (len(parts.data) - 1, "KEY"))

    vector = VECTORS["apdu-desfire-change-key"]
    assert texts(RuleRedactor(rules={0xC4: change_key}), vector) == vector["out"]


def test_what_a_rule_leaves_over_is_masked():
    redactor = RuleRedactor(rules={0xE2: lambda parts: ((2, None),)})
    assert redactor.command(bytes.fromhex("80E200000401020304")) == "80E20000040102<2:DATA>"


def test_selecting_changes_what_a_read_shows():
    redactor = RuleRedactor(Files(""))
    read, answer = bytes.fromhex("00B000000A"), bytes.fromhex("0102039000")
    for path, expected in (("3F002FE2", "0102039000"), ("7FFF6F07", "<3:IMSI>9000")):
        redactor.command(bytes.fromhex("00A4080C04" + path))
        redactor.response(b"\x90\x00")
        redactor.command(read)
        assert redactor.response(answer) == expected
    redactor.reset()
    redactor.command(read)
    assert redactor.response(answer) == "<3:DATA>9000"


def test_class_a0_has_no_secure_messaging_bits():
    assert RuleRedactor().command(bytes.fromhex("A0A40000023F00")) == "A0A40000023F00"


def test_append_record_is_masked_by_file_and_store_data_as_key():
    redactor = RuleRedactor(Files("7FFF6F07"))
    assert redactor.command(bytes.fromhex("00E20000020102")) == "00E2000002<2:IMSI>"
    assert redactor.command(bytes.fromhex("80E20000020102")) == "80E2000002<2:KEY>"


@given(st.binary(min_size=4, max_size=600))
def test_a_command_falls_into_three_parts_and_nothing_is_lost(command):
    parts = split_command(command)
    assert parts.head + parts.data + parts.le == command


SECRET = bytes.fromhex("C4A7E5B10F3D92688E16D4F95BA2703C")


@pytest.mark.requirement("L3")
@given(
    cla=st.sampled_from([0x00, 0x01, 0x0C, 0x10, 0x80, 0x84, 0x90, 0xA0, 0x40, 0x60, 0xC0]),
    ins=st.sampled_from([0x20, 0x24, 0x26, 0x28, 0x2C, 0xD8, 0xD6, 0xDC, 0xC4, 0x52, 0xDA, 0xE2, 0x2A, 0xFE]),
    tail=st.sampled_from([b"", b"\x00", b"\x00\x00", b"\x01\x02\x03"]),
    extended=st.booleans(),
)
@pytest.mark.parametrize("redactor", [HideAll(), RuleRedactor()], ids=["all", "rules"])
def test_a_secret_is_never_shown_however_its_command_is_written(redactor, cla, ins, tail, extended):
    lc = b"\x00\x00\x10" if extended else b"\x10"
    text = redactor.command(bytes((cla, ins, 0, 1)) + lc + SECRET + tail)
    hex_runs = re.sub(r"<\d+:[A-Z]+>", " ", text)
    assert SECRET.hex().upper()[:8] not in hex_runs
    assert len(hex_runs) <= 2 * (4 + 3 + 2) + 1

"""Commands as bytes, against the tables of ISO/IEC 7816-4 and TS 102 221."""

from __future__ import annotations

import pytest

from cardkit.apdu import CommandAPDU
from cardkit.apps.iso7816 import commands
from cardkit.apps.iso7816.commands import Answer, Ins, Occurrence, RecordMode, SelectBy
from cardkit.crypto import Secret
from cardkit.errors import EncodingError


def wire(command: CommandAPDU) -> str:
    return command.encode().hex().upper()


@pytest.mark.parametrize(
    ("command", "expected"),
    [
        (commands.select(SelectBy.FID, b"\x3f\x00", Answer.FCP), "00A40004023F0000"),
        (commands.select(SelectBy.FID, b"\x3f\x00", Answer.NOTHING), "00A4000C023F00"),
        (
            commands.select(SelectBy.AID, bytes.fromhex("A0000000871002"), Answer.FCP, Occurrence.NEXT),
            "00A4040607A000000087100200",
        ),
        (commands.select(SelectBy.PATH_FROM_MF, bytes.fromhex("7F206F07"), Answer.FCI), "00A40800047F206F0700"),
        (commands.status(), "80F2000000"),
        (commands.status(0xA0), "A0F2000000"),
        (commands.read_binary(0, 9), "00B0000009"),
        (commands.read_binary(0x1234, 256), "00B0123400"),
        (commands.read_binary(2, 9, 7), "00B0870209"),
        (commands.update_binary(0, b"\x01\x02"), "00D60000020102"),
        (commands.update_binary(0xFF, b"\x01", 30), "00D69EFF0101"),
        (commands.read_record(1, 28), "00B201041C"),
        (commands.read_record(3, 10, 0x17), "00B203BC0A"),
        (commands.read_record(0, 3, mode=RecordMode.NEXT), "00B2000203"),
        (commands.update_record(2, b"\xaa"), "00DC020401AA"),
        (commands.update_record(0, b"\xaa", mode=RecordMode.PREVIOUS), "00DC000301AA"),
        (commands.search_record(b"\x91", 2), "00A20204019100"),
        (commands.increase(b"\0\0\x01"), "80320000030000 0100".replace(" ", "")),
        (commands.increase(b"\0\0\x01", 0x1C), "80329C0003000001 00".replace(" ", "")),
        (commands.authenticate(0x80, b"\x01"), "00880080010100"),
        (commands.get_challenge(8), "0084000008"),
    ],
)
def test_bytes_of_a_command(command: CommandAPDU, expected: str) -> None:
    assert wire(command) == expected


@pytest.mark.parametrize(
    ("ins", "reference", "codes", "expected"),
    [
        (Ins.VERIFY, 0x01, (b"1234",), "002000010831323334FFFFFFFF"),
        (Ins.VERIFY, 0x0A, (b"ABCDEFGH",), "0020000A084142434445464748"),
        (Ins.CHANGE, 0x01, (b"0000", b"12345678"), "002400011030303030FFFFFFFF3132333435363738"),
        (Ins.DISABLE, 0x01, (b"1234",), "002600010831323334FFFFFFFF"),
        (Ins.ENABLE, 0x01, (b"1234",), "002800010831323334FFFFFFFF"),
        (Ins.UNBLOCK, 0x81, (b"87654321", b"1234"), "002C008110383736353433323131323334FFFFFFFF"),
    ],
)
def test_codes_are_padded_to_eight_bytes(ins: Ins, reference: int, codes: tuple[bytes, ...], expected: str) -> None:
    assert wire(commands.code_command(ins, reference, *(Secret(code, "pin") for code in codes))) == expected


def test_an_empty_verify_has_no_data() -> None:
    assert wire(commands.code_command(Ins.VERIFY, 0x01)) == "00200001"


def test_a_code_does_not_show_in_the_command() -> None:
    command = commands.code_command(Ins.VERIFY, 0x01, Secret(b"7392", "pin1"))
    assert "37333932" not in repr(command)
    assert "7392" not in repr(command)


@pytest.mark.parametrize("code", [b"", b"123456789"])
def test_a_code_of_impossible_length_is_refused(code: bytes) -> None:
    with pytest.raises(EncodingError, match=f"pin1: got {len(code)} bytes, expected 1 to 8"):
        commands.code_command(Ins.VERIFY, 0x01, Secret(code, "pin1"))


@pytest.mark.parametrize(
    "make",
    [
        lambda: commands.read_binary(0x8000, 1),
        lambda: commands.read_binary(-1, 1),
        lambda: commands.read_binary(0, 1, 31),
        lambda: commands.read_binary(256, 1, 1),
        lambda: commands.update_binary(0, b"", 0),
        lambda: commands.read_record(255, 1),
        lambda: commands.read_record(1, 1, 31),
    ],
)
def test_places_outside_the_tables_are_refused(make) -> None:
    with pytest.raises(EncodingError, match="expected"):
        make()

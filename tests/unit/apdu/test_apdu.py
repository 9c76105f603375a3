"""Command and response APDUs: the seven forms, secrets, limits."""

from __future__ import annotations

import pytest

from cardkit.apdu import Case, CommandAPDU, ResponseAPDU
from cardkit.crypto import Secret
from cardkit.errors import EncodingError

# ISO/IEC 7816-3 12.1.3, tables of the decoding conventions: body, case, data, Ne.
FORMS = [
    ("", Case.NOTHING, "", 0, False),
    ("10", Case.LE_SHORT, "", 16, False),
    ("00", Case.LE_SHORT, "", 256, False),
    ("02 3F00", Case.DATA_SHORT, "3F00", 0, False),
    ("02 3F00 00", Case.DATA_LE_SHORT, "3F00", 256, False),
    ("01 00 01", Case.DATA_LE_SHORT, "00", 1, False),
    ("FF" + "AA" * 255, Case.DATA_SHORT, "AA" * 255, 0, False),
    ("FF" + "AA" * 255 + "00", Case.DATA_LE_SHORT, "AA" * 255, 256, False),
    ("00 0101", Case.LE_EXTENDED, "", 257, False),
    ("00 0010", Case.LE_EXTENDED, "", 16, True),
    ("00 0000", Case.LE_EXTENDED, "", 65536, False),
    ("00 0002 3F00", Case.DATA_EXTENDED, "3F00", 0, True),
    ("00 0100" + "AA" * 256, Case.DATA_EXTENDED, "AA" * 256, 0, False),
    ("00 0002 3F00 0100", Case.DATA_LE_EXTENDED, "3F00", 256, True),
    ("00 0002 3F00 0000", Case.DATA_LE_EXTENDED, "3F00", 65536, False),
    ("00 FFFF" + "00" * 65535 + "0000", Case.DATA_LE_EXTENDED, "00" * 65535, 65536, False),
]


@pytest.mark.parametrize(("body", "case", "data", "ne", "extended"), FORMS, ids=[form[0][:12] for form in FORMS])
def test_each_form_is_read_and_written(body: str, case: Case, data: str, ne: int, extended: bool) -> None:
    wire = bytes.fromhex("00A40804" + body)
    command = CommandAPDU.parse(wire)
    assert command == CommandAPDU(0x00, 0xA4, 0x08, 0x04, bytes.fromhex(data), ne, extended)
    assert command.encode() == wire
    assert command.case == case
    assert command.shape == (0x00, 0xA4, 0x08, 0x04, len(bytes.fromhex(data)), ne)
    assert command.is_extended == case.endswith("E")


@pytest.mark.parametrize(
    ("wire", "reason"),
    [
        ("", "got 0 bytes"),
        ("00A404", "got 3 bytes"),
        ("00A40400 02 3F", "Lc says 2 bytes, 1 follow"),
        ("00A40400 02 3F00 0000", "Lc says 2 bytes, 4 follow"),
        ("00A40400 00 00", "Lc says 0 bytes, 1 follow"),
        ("00A40400 00 0000 3F", "Lc says 0 bytes, 1 follow"),
        ("00A40400 00 0002 3F", "Lc says 2 bytes, 1 follow"),
        ("00A40400 00 0002 3F00 00", "Lc says 2 bytes, 3 follow"),
    ],
)
def test_contradicting_lengths_are_refused(wire: str, reason: str) -> None:
    with pytest.raises(EncodingError, match=reason):
        CommandAPDU.parse(bytes.fromhex(wire))


@pytest.mark.parametrize(
    "command",
    [
        CommandAPDU(0x100, 0, 0, 0),
        CommandAPDU(0, -1, 0, 0, ne=5),
        CommandAPDU(0, 0, 256, 0, b"\x01"),
        CommandAPDU(0, 0, 0, 256, b"\x01", 1),
        CommandAPDU(0, 0, 0, 300, b"\x01", 1, extended=True),
        CommandAPDU(0, 0, 0, 0, ne=-1),
        CommandAPDU(0, 0, 0, 0, ne=65537),
        CommandAPDU(0, 0, 0, 0, bytes(65536)),
    ],
    ids=["cla", "ins", "p1", "p2", "p2 extended", "negative Ne", "Ne", "Nc"],
)
def test_values_out_of_range_are_refused(command: CommandAPDU) -> None:
    with pytest.raises(EncodingError, match="expected four bytes"):
        command.encode()


def test_extended_without_lengths_stays_case_1() -> None:
    command = CommandAPDU(0, 0x70, 0x80, 1, extended=True)
    assert (command.encode().hex(), command.case, command.is_extended) == ("00708001", Case.NOTHING, False)


def test_secret_parts_appear_on_the_wire_and_nowhere_else() -> None:
    command = CommandAPDU(0x00, 0xD6, 0x84, 0x00, (b"\x01", Secret(b"@ABCDEFG", "order:ki"), b"\xff"))
    assert command.encode().hex() == "00d684000a" + "01" + "4041424344454647" + "ff"
    assert (command.nc, command.case) == (10, Case.DATA_SHORT)
    assert repr(command) == "<CommandAPDU 00D68400 data=01<Secret order:ki, 8 bytes>FF>"
    for shown in (repr(command), str(command), f"{command}", repr(command.shape)):
        assert "4041" not in shown
        assert "@AB" not in shown


@pytest.mark.parametrize("ins", [0x20, 0x24, 0x26, 0x28, 0x2C])
def test_codes_are_not_shown_even_as_plain_bytes(ins: int) -> None:
    command = CommandAPDU(0x00, ins, 0x00, 0x0A, b"12345678")
    assert repr(command) == f"<CommandAPDU 00{ins:02X}000A data=<8 bytes>>"


def test_repr_shows_lengths_and_form() -> None:
    assert repr(CommandAPDU(0, 0xB0, 0, 0, ne=256, extended=True)) == "<CommandAPDU 00B00000 ne=256 extended>"
    assert repr(CommandAPDU(0, 0x70, 0, 0)) == "<CommandAPDU 00700000>"


def test_commands_are_frozen_and_comparable() -> None:
    command = CommandAPDU(0, 0xB0, 0, 0, ne=1)
    with pytest.raises(AttributeError):
        command.ne = 2  # type: ignore[misc]
    assert len({command, CommandAPDU(0, 0xB0, 0, 0, ne=1)}) == 1


def test_response_is_data_and_status_word() -> None:
    response = ResponseAPDU.parse(bytes.fromhex("01026982"))
    assert response == ResponseAPDU(b"\x01\x02", 0x6982)
    assert (response.sw1, response.sw2, response.encode().hex()) == (0x69, 0x82, "01026982")
    assert ResponseAPDU.parse(bytes(65538)).encode() == bytes(65538)
    assert ResponseAPDU(b"", 0xFFFF).encode() == b"\xff\xff"


@pytest.mark.parametrize("wire", [b"", b"\x90", bytes(65539)])
def test_impossible_responses_are_refused(wire: bytes) -> None:
    with pytest.raises(EncodingError, match="expected 2 to 65538"):
        ResponseAPDU.parse(wire)


@pytest.mark.parametrize("sw", [-1, 0x10000])
def test_impossible_status_words_are_not_written(sw: int) -> None:
    with pytest.raises(EncodingError, match="status word"):
        ResponseAPDU(b"", sw).encode()

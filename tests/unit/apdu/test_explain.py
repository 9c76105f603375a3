"""Commands in words, and which kind of bytes is in hand."""

from __future__ import annotations

import pytest

from cardkit.apdu import CommandAPDU
from cardkit.crypto import Secret
from cardkit.errors import EncodingError
from cardkit.explain import explain, explain_command


def words(wire: str) -> dict[str, str]:
    return {name: text for name, _, text in explain(bytes.fromhex(wire)).lines}


@pytest.mark.parametrize(
    ("wire", "instruction", "parameters"),
    [
        ("00A40004023F00", "SELECT [", "by FID, first or only occurrence, return FCP"),
        ("00A4040C02A000", "SELECT [", "by AID, first or only occurrence, return nothing"),
        ("00A4044402A000", "SELECT [", "by AID, first or only occurrence, return FCP, terminate the application"),
        ("00A4070002A000", "SELECT [", "reserved, first or only occurrence, return FCI"),
        ("A0A40000023F00", "SELECT [3GPP TS 51.011", "by FID"),
        ("00B0820010", "READ BINARY [", "file with SFI 02, from byte 0"),
        ("00B0010210", "READ BINARY [", "selected file, from byte 258"),
        ("00D6000001AA", "UPDATE BINARY [", "selected file, from byte 0"),
        ("00B2010C10", "READ RECORD [", "file with SFI 01, record 1"),
        ("00B2000410", "READ RECORD [", "selected file, current record"),
        ("00DC000301AA", "UPDATE RECORD [", "selected file, previous record"),
        ("00B2000710", "READ RECORD [", "selected file, other mode"),
        ("00A2010401AA", "SEARCH RECORD [", "selected file, forward, from record 1"),
        ("00A2000001AA", "SEARCH RECORD [", "selected file, proprietary search, from record next to the current"),
        ("0020000A08" + "00" * 8, "VERIFY [", "key reference 0A, ADM1 [ETSI TS 102 221 9.5.1]"),
        ("00200081", "VERIFY [", "key reference 81, second PIN of application 1 [ETSI TS 102 221 9.5.1]"),
        ("0020008A", "VERIFY [", "key reference 8A, ADM6 [ETSI TS 102 221 9.5.1]"),
        ("00268101", "DISABLE", "key reference 01, PIN of application 1, replaced by the universal PIN"),
        ("00200011", "VERIFY [", "key reference 11, universal PIN"),
        ("0020007F", "VERIFY [", "key reference 7F [ETSI"),
        ("002C0000", "RESET RETRY COUNTER", "no particular code (2G: CHV1)"),
        ("0088008101AA", "INTERNAL AUTHENTICATE", "3G or IMS AKA, application key [3GPP TS 31.102"),
        ("0088000301AA", "INTERNAL AUTHENTICATE", "reserved context [3GPP"),
        ("0070000001", "MANAGE CHANNEL", "open channel chosen by the card"),
        ("00708002", "MANAGE CHANNEL", "close channel 2"),
        ("00700100", "MANAGE CHANNEL", "reserved"),
        ("80F2010C", "STATUS, or GET STATUS", "UICC: application started, return nothing"),
        ("80F2800002AAAA", "STATUS, or GET STATUS", "UICC: reserved, return FCP"),
        ("8032800003000001", "INCREASE", "file with SFI 00"),
        ("8032000003000001", "INCREASE", "selected file"),
        ("80E60C0001AA", "INSTALL [GlobalPlatform", "0C and 00"),
        ("80500000", "INITIALIZE UPDATE", "00 and 00"),
        ("FFCA000000", "command to the reader", "00 and 00"),
        ("00FF0000", "unknown instruction", "00 and 00"),
    ],
)
def test_commands_are_named_with_their_parameters(wire: str, instruction: str, parameters: str) -> None:
    said = words(wire)
    assert said["INS"].startswith(instruction)
    assert said["P1 P2"].startswith(parameters)


@pytest.mark.parametrize(
    ("cla", "text"),
    [
        ("00", "interindustry, logical channel 0 ["),
        ("03", "interindustry, logical channel 3 ["),
        ("0C", "interindustry, logical channel 0, secure messaging ["),
        ("10", "interindustry, logical channel 0, more commands follow in the chain ["),
        ("4F", "interindustry, logical channel 19 ["),
        ("60", "interindustry, logical channel 4, secure messaging ["),
        ("84", "proprietary, logical channel 0, secure messaging ["),
        ("A0", "2G SIM ["),
        ("FF", "reader ["),
    ],
)
def test_class_byte_in_words(cla: str, text: str) -> None:
    assert words(cla + "B00000")["CLA"].startswith(text)


def test_lengths_are_shown_as_written() -> None:
    assert explain_command(CommandAPDU.parse(bytes.fromhex("00D60000 00 0001 AA 0000")))[3:] == [
        ("Lc", "0001", "1 byte of data"),
        ("data", "AA", "data"),
        ("Le", "0000", "all that is there expected"),
    ]
    assert words("00A40804047F206F07")["data"] == "path"
    assert words("00A4040404A0000000")["data"] == "AID"


def test_codes_and_secrets_are_not_shown() -> None:
    verify = explain(bytes.fromhex("0020000A08") + b"12345678").lines
    assert ("data", "", "a code, not shown") in verify
    secret = CommandAPDU(0x00, 0xD6, 0, 0, (Secret(b"@ABC", "order:ki"),))
    assert ("data", "", "holds secrets, not shown") in explain_command(secret)
    assert "3132" not in str(verify)
    assert "4041" not in str(explain_command(secret))


def test_kind_is_told_from_the_bytes() -> None:
    assert explain(bytes.fromhex("9000")).kind == "status word"
    assert explain(bytes.fromhex("3B9F96801FC78031A073BE21136743200718000001A5")).kind == "ATR"
    assert explain(bytes.fromhex("00A40000")).kind == "command"
    assert "tries left" in explain(bytes.fromhex("63C1"), ins=0x20).lines[0][2]


@pytest.mark.parametrize("wire", ["", "90", "00A404", "3B9F96"])
def test_other_bytes_are_refused(wire: str) -> None:
    with pytest.raises(EncodingError):
        explain(bytes.fromhex(wire))

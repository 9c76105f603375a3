"""Scripts and their answers in the three codings."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cardkit.apdu import CommandAPDU, ResponseAPDU
from cardkit.apps.uicc.ota.scripting import (
    Coding,
    ScriptAnswer,
    command_size,
    read_answer,
    script,
    script_size,
    succeeded,
)
from cardkit.crypto import Secret
from cardkit.errors import EncodingError

unhex = bytes.fromhex
CASES = [CommandAPDU.parse(unhex(text)) for text in ("00440000", "00B0000009", "00D6000002AABB", "00A40004023F0000")]


@pytest.mark.parametrize(
    ("coding", "expected"),
    [
        (Coding.COMPACT, "0044000000 00B0000009 00D6000002AABB 00A40004023F00"),
        (Coding.EXPANDED, "AA20 220400440000 220500B0000009 220700D6000002AABB 220800A40004023F0000"),
        (Coding.INDEFINITE, "AE80 220400440000 220500B0000009 220700D6000002AABB 220800A40004023F0000 0000"),
    ],
)
def test_scripts_of_all_four_cases(coding, expected):
    assert script(CASES, coding) == unhex(expected)
    assert script_size([command_size(command, coding) for command in CASES], coding) == len(unhex(expected))


@pytest.mark.parametrize("coding", Coding)
@given(sizes=st.lists(st.integers(0, 255), max_size=6))
@settings(max_examples=15)
def test_size_is_that_of_the_script(coding, sizes):
    commands = [CommandAPDU(0, 0xD6, 0, 0, bytes(size)) for size in sizes]

    assert script_size([command_size(command, coding) for command in commands], coding) == len(script(commands, coding))


@pytest.mark.parametrize("coding", Coding)
def test_secrets_in_commands_stay_secret(coding):
    commands = [CASES[2], CommandAPDU(0, 0xD6, 0, 0, (b"\x01", Secret(b"\x02\x03", "k")))]
    plain = [CASES[2], CommandAPDU(0, 0xD6, 0, 0, b"\x01\x02\x03")]
    parts = script(commands, coding)

    assert isinstance(parts, tuple)
    assert "0203" not in repr(parts).replace("\\x", "")
    assert [repr(part) for part in parts if isinstance(part, Secret)] == ["<Secret command 00D60000, 8 bytes>"]
    whole = b""
    for part in parts:
        if isinstance(part, Secret):
            with part.reveal() as clear:
                whole += clear
        else:
            whole += part
    assert whole == script(plain, coding)


def test_extended_commands_are_refused():
    for command in (CommandAPDU(0, 0xD6, 0, 0, bytes(256)), CommandAPDU(0, 0xB0, 0, 0, ne=257)):
        with pytest.raises(EncodingError, match=r"extended lengths, expected a short command in a script$"):
            script([command])


@pytest.mark.parametrize(
    ("coding", "wire", "expected"),
    [
        (Coding.COMPACT, "016132", ScriptAnswer(1, (ResponseAPDU(b"", 0x6132),))),
        (Coding.COMPACT, "02900001 02", ScriptAnswer(2, (ResponseAPDU(b"\x01\x02", 0x9000),))),
        (Coding.EXPANDED, "AB07 800101 23026A82", ScriptAnswer(1, (ResponseAPDU(b"", 0x6A82),))),
        (
            Coding.EXPANDED,
            "AB0D 80020002 2303AA9000 23026982",
            ScriptAnswer(2, (ResponseAPDU(b"\xaa", 0x9000), ResponseAPDU(b"", 0x6982))),
        ),
        (Coding.EXPANDED, "AB06 800100 900101", ScriptAnswer(0, (), "unknown tag")),
        (Coding.EXPANDED, "AB06 800100 900103", ScriptAnswer(0, (), "length missing")),
        (Coding.EXPANDED, "AB06 800100 900177", ScriptAnswer(0, (), "bad format 77")),
        (Coding.EXPANDED, "AB04 23029000", ScriptAnswer(1, (ResponseAPDU(b"", 0x9000),))),
        (Coding.INDEFINITE, "AB04 23029000", ScriptAnswer(1, (ResponseAPDU(b"", 0x9000),))),
        (Coding.EXPANDED, "AF80 23029000 0000", ScriptAnswer(1, (ResponseAPDU(b"", 0x9000),))),
        (
            Coding.INDEFINITE,
            "AF80 23029000 23026A82 0000",
            ScriptAnswer(2, tuple(ResponseAPDU(b"", sw) for sw in (0x9000, 0x6A82))),
        ),
        (Coding.INDEFINITE, "AF80 900102 0000", ScriptAnswer(0, (), "wrong length")),
    ],
)
def test_answers_are_read(coding, wire, expected):
    assert read_answer(unhex(wire), coding) == expected


@pytest.mark.parametrize(
    ("coding", "wire", "text"),
    [
        (Coding.COMPACT, "", "got 0 bytes, expected a count and a status word"),
        (Coding.COMPACT, "0190", "got 2 bytes, expected a count and a status word"),
        (Coding.EXPANDED, "", "got nothing, expected one object AB or AF"),
        (Coding.EXPANDED, "AA00", "got AA, expected one object AB or AF"),
        (Coding.EXPANDED, "AB00AB00", "got AB, expected one object AB or AF"),
        (Coding.EXPANDED, "AB0480", "announces 4 bytes, 1 are there"),
        (Coding.EXPANDED, "AB03230190", "response APDU: got 1 bytes"),
        (Coding.INDEFINITE, "", "got nothing, expected one object AB or AF"),
        (Coding.INDEFINITE, "AF00", "got AF00, expected AF80"),
        (Coding.EXPANDED, "AF", "got AF, expected AF80"),
        (Coding.INDEFINITE, "AF8023029000", "ends in 0 bytes 00, expected 2"),
        (Coding.INDEFINITE, "AF802302900000", "ends in 1 bytes 00, expected 2"),
        (Coding.INDEFINITE, "AF8023029000000000", "ends in 3 bytes 00, expected 2"),
    ],
)
def test_malformed_answers_are_refused(coding, wire, text):
    with pytest.raises(EncodingError, match=text):
        read_answer(unhex(wire), coding)


def test_success_in_a_script():
    good = (0x9000, 0x9110, 0x9200, 0x6132, 0x6200, 0x6282, 0x63C1)
    assert [sw for sw in (*good, 0x61FF + 0x300, 0x6982, 0x6A82, 0x9862, 0x6400) if succeeded(sw)] == list(good)
    assert ScriptAnswer(0, ()).failure is None
    assert ScriptAnswer(1, (ResponseAPDU(b"", 0x9000), ResponseAPDU(b"", 0x6A82))).failure == ResponseAPDU(b"", 0x6A82)
    assert ScriptAnswer(1, (ResponseAPDU(b"", 0x6A82), ResponseAPDU(b"", 0x9000))).failure is None
